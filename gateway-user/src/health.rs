//! Endpoints that fail: the workers of the proxy find them out, the control loop leaves them out of
//! every route, those of the kernel too.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use gateway_core::{
    balance::Rng,
    health::{Ejections, Failing},
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tokio::{sync::Notify, time};

/// One for the process. Its lock is taken when an endpoint was found out, and by the control loop.
#[derive(Debug)]
pub struct Health {
    /// Times are since then.
    start: Instant,
    known: Mutex<Known>,
    changed: Notify,
    ejections: Family<Why, Counter>,
}

#[derive(Debug)]
struct Known {
    ejections: Ejections,
    rng: Rng,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            known: Mutex::new(Known {
                ejections: Ejections::default(),
                rng: Rng::new(RandomState::new().hash_one(0)),
            }),
            changed: Notify::new(),
            ejections: Family::default(),
        }
    }
}

impl Health {
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "endpoint_ejections",
            "Times that an endpoint was left out because it failed again and again",
            self.ejections.clone(),
        );
    }

    /// An endpoint failed too often in a row.
    pub fn eject(&self, endpoint: SocketAddr, why: Failing) {
        let now = self.now();
        let mut known = self.lock();
        let random = known.rng.draw();
        let Some(pause) = known.ejections.eject(endpoint, why, now, random) else {
            return;
        };
        drop(known);
        tracing::warn!(%endpoint, "left out for {} s: {why}", pause.as_secs());
        self.ejections
            .get_or_create(&Why { why: why.as_str() })
            .inc();
        self.changed.notify_one();
    }

    /// Endpoints that are out now.
    pub fn out(&self) -> BTreeMap<SocketAddr, Failing> {
        let now = self.now();
        self.lock().ejections.out(now)
    }

    /// Returns when an endpoint was ejected, or came back.
    pub async fn changed(&self) {
        let now = self.now();
        let next = self.lock().ejections.next_return(now);
        let back = async {
            match next {
                Some(at) => time::sleep(at.saturating_sub(now)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.changed.notified() => {}
            () = back => {}
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Nothing panics while it is held; and what is known would be whole all the same.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn an_ejection_wakes_the_control_loop_once() {
        let health = Health::default();
        let endpoint = SocketAddr::from(([10, 0, 0, 1], 80));
        assert_eq!(health.changed().now_or_never(), None);
        health.eject(endpoint, Failing::Answers);
        health.eject(endpoint, Failing::Connections);
        assert_eq!(health.out(), BTreeMap::from([(endpoint, Failing::Answers)]));
        assert_eq!(health.changed().now_or_never(), Some(()));
        assert_eq!(health.changed().now_or_never(), None, "not back yet");
    }
}
