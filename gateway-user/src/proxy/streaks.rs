//! Failures in a row, by endpoint, as one worker sees them.

use std::{cell::RefCell, net::SocketAddr, sync::Arc};

use foldhash::HashMap;
use gateway_core::health::{FAILURES, Failing};
use http::StatusCode;

use crate::health::Health;

/// Most endpoints that are watched at once; far more than fail at once where the rest is well.
const WATCHED: usize = 1_024;

/// Endpoints whose last attempt failed. Almost always none: then a success costs one comparison.
pub(super) struct Streaks {
    failures: RefCell<HashMap<SocketAddr, u32>>,
    health: Arc<Health>,
}

impl Streaks {
    pub(super) fn new(health: Arc<Health>) -> Self {
        Self {
            failures: RefCell::default(),
            health,
        }
    }

    /// It took no connection.
    pub(super) fn no_connection(&self, endpoint: SocketAddr) {
        self.failed(endpoint, Failing::Connections);
    }

    /// It answered.
    pub(super) fn answered(&self, endpoint: SocketAddr, status: StatusCode) {
        match status {
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => self.failed(endpoint, Failing::Answers),
            _ => self.well(endpoint),
        }
    }

    /// Nothing is wrong with it.
    pub(super) fn well(&self, endpoint: SocketAddr) {
        let mut failures = self.failures.borrow_mut();
        if !failures.is_empty() {
            failures.remove(&endpoint);
        }
    }

    fn failed(&self, endpoint: SocketAddr, why: Failing) {
        let mut failures = self.failures.borrow_mut();
        if failures.len() >= WATCHED && !failures.contains_key(&endpoint) {
            failures.clear();
        }
        let count = failures.entry(endpoint).or_default();
        *count += 1;
        if *count >= FAILURES {
            failures.remove(&endpoint);
            self.health.eject(endpoint, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::health::EndpointId;

    use super::*;

    #[test]
    fn only_failures_in_a_row_count() {
        let health = Arc::<Health>::default();
        let streaks = Streaks::new(health.clone());
        let [one, two] = [1, 2].map(|host| SocketAddr::from(([10, 0, 0, host], 80)));
        for _ in 0..3 * FAILURES {
            streaks.answered(one, StatusCode::SERVICE_UNAVAILABLE);
            streaks.no_connection(one);
            streaks.answered(one, StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert!(health.out().is_empty(), "500 is an answer as any other");
        for _ in 0..FAILURES - 1 {
            streaks.no_connection(two);
        }
        assert!(health.out().is_empty());
        streaks.no_connection(two);
        assert_eq!(
            health.out().get(&EndpointId::tcp(two)),
            Some(&Failing::Connections)
        );
        assert!(streaks.failures.borrow().is_empty());
    }

    #[test]
    fn what_is_watched_is_bounded() {
        let streaks = Streaks::new(Arc::default());
        for port in 1..3_000 {
            streaks.no_connection(SocketAddr::from(([10, 0, 0, 1], port)));
            assert!(streaks.failures.borrow().len() <= WATCHED);
        }
    }
}
