//! Backends of the kernel's that take no connections, by what it counts of them.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use gateway_common::abi::{BY_DSR, Backend, BackendStats};

use super::Tables;
use crate::health::FAILURES;

/// How long an answer to a SYN may take. A client sends it again after one second, and after three
/// (RFC 6298).
const PATIENCE: Duration = Duration::from_secs(3);

/// What was seen of each backend. Times are since any fixed moment.
#[derive(Clone, Debug, Default)]
pub struct Silent(BTreeMap<u32, Seen>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Ids are given out again.
    address: SocketAddr,
    asked: u64,
    accepted: u64,
    /// Since when connections were asked for without an answer, and how many.
    since: Duration,
    unanswered: u64,
}

impl Silent {
    /// Takes what the kernel counted until `now`. Backends that were asked for several connections in
    /// a row, and have not answered for a while: each is told once, until it is asked as often again.
    pub fn look(
        &mut self,
        tables: &Tables,
        stats: &BTreeMap<u32, BackendStats>,
        now: Duration,
    ) -> Vec<SocketAddr> {
        self.0.retain(|id, _| tables.backends.contains_key(id));
        // Of the others, answers do not pass this node.
        let heard = tables.backends.iter().filter(|(_, b)| b.far != BY_DSR);
        let failing = heard.filter_map(|(id, backend)| {
            // Before its first flow there is no entry.
            let stats = stats.get(id).copied().unwrap_or_default();
            let address = address(backend);
            // What was counted so far counts, unless there was an answer.
            let first = Seen::new(address, &BackendStats::default(), now);
            let seen = self.0.entry(*id).or_insert(first);
            if seen.address != address {
                *seen = first;
            }
            seen.look(&stats, now).then_some(address)
        });
        failing.collect()
    }
}

impl Seen {
    fn new(address: SocketAddr, stats: &BackendStats, now: Duration) -> Self {
        Self {
            address,
            asked: stats.asked,
            accepted: stats.accepted,
            since: now,
            unanswered: 0,
        }
    }

    /// Whether it fails.
    fn look(&mut self, stats: &BackendStats, now: Duration) -> bool {
        if stats.accepted != self.accepted {
            *self = Self::new(self.address, stats, now);
            return false;
        }
        if self.unanswered == 0 {
            self.since = now;
        }
        self.unanswered += stats.asked.saturating_sub(self.asked);
        self.asked = stats.asked;
        let fails = self.unanswered >= u64::from(FAILURES) && now >= self.since + PATIENCE;
        if fails {
            self.unanswered = 0;
        }
        fails
    }
}

fn address(backend: &Backend) -> SocketAddr {
    SocketAddr::new(backend.address.into(), backend.port as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: u32 = 7;

    struct Bed {
        silent: Silent,
        tables: Tables,
        stats: BackendStats,
        now: Duration,
    }

    impl Bed {
        /// Of a backend that has served before.
        fn new() -> Self {
            let mut bed = Self {
                silent: Silent::default(),
                tables: Tables::default(),
                stats: BackendStats {
                    asked: 100,
                    accepted: 90,
                    ..BackendStats::default()
                },
                now: Duration::from_secs(1_000),
            };
            bed.tables.backends.insert(ONE, backend(1));
            assert!(!bed.second(0, 0));
            bed
        }

        /// Another second, in which so many connections are asked for and accepted.
        fn second(&mut self, asked: u64, accepted: u64) -> bool {
            self.now += Duration::from_secs(1);
            self.stats.asked += asked;
            self.stats.accepted += accepted;
            let stats = BTreeMap::from([(ONE, self.stats)]);
            let failing = self.silent.look(&self.tables, &stats, self.now);
            let backend = address(&self.tables.backends[&ONE]);
            assert!(failing.iter().all(|found| *found == backend));
            !failing.is_empty()
        }

        fn seconds(&mut self, each: &[(u64, u64)]) -> Vec<bool> {
            let each = each.iter();
            each.map(|(asked, accepted)| self.second(*asked, *accepted))
                .collect()
        }
    }

    fn backend(last: u8) -> Backend {
        Backend {
            address: std::net::IpAddr::from([10, 0, 0, last]).into(),
            port: 8080,
            ..Backend::default()
        }
    }

    #[test]
    fn several_connections_without_an_answer_for_a_while_are_a_failure() {
        let many = (u64::from(FAILURES), 0);
        let mut bed = Bed::new();
        assert_eq!(
            bed.seconds(&[many, (0, 0), (0, 0), (0, 0)]),
            [false, false, false, true]
        );
        assert_eq!(bed.seconds(&[(0, 0); 5]), [false; 5], "told once");
        let again = [many, (1, 0), (1, 0), (1, 0)];
        assert_eq!(bed.seconds(&again), [false, false, false, true]);
    }

    #[test]
    fn one_answer_is_enough() {
        let mut bed = Bed::new();
        assert_eq!(bed.seconds(&[(100, 0), (100, 0), (100, 1)]), [false; 3]);
        assert_eq!(bed.seconds(&[(0, 0); 5]), [false; 5]);
    }

    #[test]
    fn a_few_are_not() {
        let mut bed = Bed::new();
        let few = u64::from(FAILURES) - 1;
        assert_eq!(
            bed.seconds(&[(few, 0), (0, 0), (0, 0), (0, 0), (0, 0)]),
            [false; 5]
        );
    }

    #[test]
    fn the_first_connections_count() {
        let mut bed = Bed::new();
        bed.silent = Silent::default();
        bed.stats = BackendStats::default();
        let many = (u64::from(FAILURES), 0);
        let seconds = [many, (0, 0), (0, 0), (0, 0)];
        assert_eq!(bed.seconds(&seconds), [false, false, false, true]);
    }

    #[test]
    fn another_backend_with_the_same_id_has_its_own_count() {
        let mut bed = Bed::new();
        assert_eq!(bed.seconds(&[(100, 0), (0, 0), (0, 0)]), [false; 3]);
        bed.tables.backends.insert(ONE, backend(2));
        assert!(!bed.second(0, 0));
        assert_eq!(bed.seconds(&[(1, 0), (0, 0), (0, 0), (0, 0)]), [false; 4]);
    }

    #[test]
    fn what_answers_elsewhere_is_not_judged() {
        let mut bed = Bed::new();
        let direct = Backend {
            far: BY_DSR,
            ..backend(1)
        };
        bed.tables.backends.insert(ONE, direct);
        assert_eq!(bed.seconds(&[(100, 0); 6]), [false; 6]);
    }
}
