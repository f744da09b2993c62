//! When an address is announced. Pure: times are arguments, since any fixed moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

/// Pauses between the first announcements of an address that this node has just gained: the first
/// is sent at once, and any of them may be lost.
const BURST: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// Pause between announcements after that: it mends what a lost frame, or a switch that was
/// started again, left wrong.
const PERIOD: Duration = Duration::from_secs(60);

/// The addresses that this node announces.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    next: BTreeMap<IpAddr, Next>,
}

#[derive(Clone, Copy, Debug)]
struct Next {
    due: Duration,
    /// Announcements since the address was gained.
    sent: usize,
}

impl Schedule {
    /// These addresses and no others; new ones are due at once.
    pub fn set(&mut self, owned: &BTreeSet<IpAddr>, now: Duration) {
        self.next.retain(|address, _| owned.contains(address));
        for address in owned {
            let first = Next { due: now, sent: 0 };
            self.next.entry(*address).or_insert(first);
        }
    }

    /// As if every address were new: who hears it may have changed.
    pub fn restart(&mut self, now: Duration) {
        for next in self.next.values_mut() {
            *next = Next { due: now, sent: 0 };
        }
    }

    /// Says again, at once, that an address is here; somebody else claims it. One that is about to
    /// be announced anyway is not announced more often.
    pub fn defend(&mut self, address: IpAddr, now: Duration) {
        if let Some(next) = self.next.get_mut(&address)
            && next.sent > BURST.len()
        {
            *next = Next { due: now, sent: 0 };
        }
    }

    /// Addresses to announce now; each is due again later.
    pub fn take_due(&mut self, now: Duration) -> Vec<IpAddr> {
        let due = self.next.iter_mut().filter(|(_, next)| next.due <= now);
        due.map(|(address, next)| {
            let pause = BURST.get(next.sent).copied().unwrap_or(PERIOD);
            *next = Next {
                due: now + pause,
                sent: next.sent.saturating_add(1),
            };
            *address
        })
        .collect()
    }

    /// When [`Self::take_due`] has something to give.
    pub fn next(&self) -> Option<Duration> {
        self.next.values().map(|next| next.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// When `ONE` is announced, in seconds, up to `end`.
    fn times(schedule: &mut Schedule, end: u64) -> Vec<u64> {
        let mut times = Vec::new();
        while let Some(due) = schedule.next().filter(|due| *due <= seconds(end)) {
            assert!(schedule.take_due(due).contains(&ONE));
            times.push(due.as_secs());
        }
        times
    }

    #[test]
    fn a_new_address_is_announced_at_once_some_times_and_then_each_minute() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.next(), None);
        schedule.set(&[ONE].into(), seconds(100));
        assert_eq!(
            times(&mut schedule, 250),
            [100, 101, 103, 107, 167, 227],
            "from the moment it was gained"
        );
        // What is known already is not announced more often.
        schedule.set(&[ONE].into(), seconds(250));
        assert_eq!(schedule.next(), Some(seconds(287)));
    }

    #[test]
    fn an_address_that_is_given_away_is_not_announced() {
        let mut schedule = Schedule::default();
        schedule.set(&[ONE, TWO].into(), seconds(0));
        schedule.set(&[TWO].into(), seconds(0));
        assert_eq!(schedule.take_due(seconds(0)), [TWO]);
        schedule.set(&[].into(), seconds(0));
        assert_eq!(schedule.next(), None);
    }

    #[test]
    fn a_claim_by_others_is_answered_with_a_new_burst_but_no_flood() {
        let mut schedule = Schedule::default();
        schedule.set(&[ONE].into(), seconds(0));
        assert_eq!(times(&mut schedule, 60), [0, 1, 3, 7]);
        for _ in 0..100 {
            schedule.defend(ONE, seconds(60));
        }
        schedule.defend(TWO, seconds(60));
        assert_eq!(times(&mut schedule, 60), [60]);
        schedule.defend(ONE, seconds(61));
        assert_eq!(times(&mut schedule, 70), [61, 63, 67]);
        schedule.restart(seconds(70));
        assert_eq!(schedule.next(), Some(seconds(70)));
    }
}
