//! Whether an API server was away, by the times at which it answers.

use std::time::Duration;

/// Silence that is no accident. A node whose kubelet is not heard of counts as lost after 40 to 50
/// seconds (`--node-monitor-grace-period`); administrators choose less, hardly less than this.
const AWAY: Duration = Duration::from_secs(15);

/// Times are since any one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presence {
    heard: Duration,
    returned: Option<Return>,
}

/// It answers again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Return {
    pub at: Duration,
    /// How long it was silent.
    pub after: Duration,
}

impl Presence {
    /// It answered at `now`; whether it was away before.
    pub fn heard(&mut self, now: Duration) -> bool {
        let after = now.saturating_sub(self.heard);
        self.heard = self.heard.max(now);
        if after < AWAY {
            return false;
        }
        self.returned = Some(Return { at: now, after });
        true
    }

    /// It has been silent for so long that this is no accident.
    pub fn is_away(&self, now: Duration) -> bool {
        now.saturating_sub(self.heard) >= AWAY
    }

    /// The last time that it came back.
    pub const fn returned(&self) -> Option<Return> {
        self.returned
    }
}

impl Return {
    /// Until then, what it takes for unready may only not have reached it yet. Kubelets try to renew
    /// the Leases of their nodes every 10 seconds, and to write the states of their pods.
    pub const fn doubted_until(self) -> Duration {
        self.at.saturating_add(Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn silence_of_some_length_is_an_absence() {
        let mut presence = Presence::default();
        for second in [2, 9, 16] {
            assert!(!presence.heard(at(second)));
        }
        assert_eq!(presence.returned(), None);
        assert!(presence.heard(at(31)));
        let first = Return {
            at: at(31),
            after: at(15),
        };
        assert_eq!(presence.returned(), Some(first));
        assert_eq!(first.doubted_until(), at(91));
        assert!(!presence.is_away(at(45)) && presence.is_away(at(46)));
        assert!(!presence.heard(at(33)));
        assert_eq!(presence.returned(), Some(first));
        assert!(presence.heard(at(60)));
        assert_eq!(presence.returned().map(|r| r.after), Some(at(27)));
    }

    /// Whoever waits for a return may rely on it.
    #[test]
    fn whoever_is_away_when_a_doubt_ends_returns_with_the_next_answer() {
        let mut presence = Presence::default();
        assert!(presence.heard(at(31)));
        assert!(!presence.heard(at(33)), "then it goes away again");
        let ends = presence.returned().map(Return::doubted_until);
        assert_eq!(ends, Some(at(91)));
        assert!(presence.is_away(at(91)));
        assert!(presence.heard(at(95)));
        let ends = presence.returned().map(Return::doubted_until);
        assert_eq!(ends, Some(at(155)));
    }

    #[test]
    fn answers_may_be_told_late() {
        let mut presence = Presence::default();
        assert!(!presence.heard(at(10)));
        assert!(!presence.heard(at(4)), "it was heard since");
        assert!(!presence.heard(at(20)));
    }
}
