//! Endpoints that fail: the workers of the proxy, the watcher of the kernel's backends and active
//! checks find them out, the control loop leaves them out of every route, those of the kernel too.

mod checker;
mod probe;

use std::{
    hash::{BuildHasher as _, RandomState},
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use gateway_core::{
    balance::Rng,
    health::{Checks, Ejections, Failing, Fault, Out, Task, Turn, Wanted},
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tokio::{sync::Notify, time};

pub use self::checker::Checker;

/// One for the process. Its lock is taken when an endpoint was found out, and by the control loop.
#[derive(Debug)]
pub struct Health {
    /// Times are since then.
    start: Instant,
    known: Mutex<Known>,
    changed: Notify,
    /// Other endpoints are to be checked than before.
    other_checks: Notify,
    ejections: Family<Why, Counter>,
    checks: Family<Checked, Counter>,
}

#[derive(Debug)]
struct Known {
    ejections: Ejections,
    checks: Checks,
    rng: Rng,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Checked {
    check: &'static str,
    outcome: &'static str,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            known: Mutex::new(Known {
                ejections: Ejections::default(),
                checks: Checks::default(),
                rng: Rng::new(RandomState::new().hash_one(0)),
            }),
            changed: Notify::new(),
            other_checks: Notify::new(),
            ejections: Family::default(),
            checks: Family::default(),
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
        registry.register(
            "health_checks",
            "Active health checks of endpoints, by kind of check and outcome",
            self.checks.clone(),
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
        self.count(why);
        self.changed.notify_one();
    }

    /// Says what is to be checked from now on.
    pub fn want(&self, wanted: &Wanted) {
        let now = self.now();
        let others_fail = self.lock().checks.want(wanted, now);
        self.other_checks.notify_one();
        if others_fail {
            self.changed.notify_one();
        }
    }

    /// Checks to begin now, and after how long the next one is due.
    fn due(&self, room: usize) -> (Vec<Task>, Option<Duration>) {
        let now = self.now();
        let mut known = self.lock();
        let tasks = known.checks.take_due(now, room);
        let next = known.checks.next_due();
        (tasks, next.map(|due| due.saturating_sub(now)))
    }

    /// A check of [`Health::due`] has its result; `None`: it could not be done.
    fn checked(&self, task: &Task, result: Option<Result<(), Fault>>) {
        let now = self.now();
        let turn = self.lock().checks.done(task.id, result, now);
        let outcome = match result {
            Some(Ok(())) => "success",
            Some(Err(_)) => "failure",
            None => "not_done",
        };
        let check = task.how.as_str();
        self.checks.get_or_create(&Checked { check, outcome }).inc();
        let Some((endpoint, turn)) = turn else {
            return;
        };
        match turn {
            Turn::Fails(fault) => {
                let why = Failing::Checks(fault);
                tracing::warn!(%endpoint, "{why}");
                self.count(why);
            }
            Turn::Recovers => tracing::info!(%endpoint, "it passes health checks again"),
        }
        self.changed.notify_one();
    }

    fn count(&self, why: Failing) {
        self.ejections
            .get_or_create(&Why { why: why.as_str() })
            .inc();
    }

    /// Endpoints that are out now.
    pub fn out(&self) -> Out {
        let now = self.now();
        let known = self.lock();
        let mut out = known.ejections.out(now);
        let failing = known.checks.failing().into_iter();
        out.extend(failing.map(|(endpoint, fault)| (endpoint, Failing::Checks(fault))));
        out
    }

    /// Returns when an endpoint was ejected or fails its checks, or came back.
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
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use gateway_core::{
        health::{EndpointId, How},
        plan::Pace,
    };

    use super::*;

    #[tokio::test]
    async fn an_ejection_wakes_the_control_loop_once() {
        let health = Health::default();
        let endpoint = SocketAddr::from(([10, 0, 0, 1], 80));
        assert_eq!(health.changed().now_or_never(), None);
        health.eject(endpoint, Failing::Answers);
        health.eject(endpoint, Failing::Connections);
        assert_eq!(
            health.out(),
            Out::from([(EndpointId::tcp(endpoint), Failing::Answers)])
        );
        assert_eq!(health.changed().now_or_never(), Some(()));
        assert_eq!(health.changed().now_or_never(), None, "not back yet");
    }

    #[tokio::test]
    async fn checks_wake_the_control_loop_only_where_an_endpoint_turns() {
        let health = Health::default();
        let endpoint = EndpointId::tcp(SocketAddr::from(([10, 0, 0, 1], 80)));
        let pace = Pace {
            interval: Duration::ZERO,
            unhealthy: 2,
            healthy: 1,
            ..Pace::default()
        };
        let wanted = Wanted::from([(endpoint, vec![(Arc::new(How::Tcp), pace)])]);
        let woken = || health.changed().now_or_never().is_some();
        let check = |result| {
            let (tasks, _) = health.due(1);
            health.checked(&tasks[0], Some(result));
        };
        health.want(&wanted);
        check(Err(Fault::Refused));
        assert!(!woken() && health.out().is_empty());
        check(Err(Fault::Refused));
        assert!(woken());
        let out = Out::from([(endpoint, Failing::Checks(Fault::Refused))]);
        assert_eq!(health.out(), out);
        health.want(&wanted);
        check(Err(Fault::TimedOut));
        assert!(!woken(), "it fails as before");
        check(Ok(()));
        assert!(woken() && health.out().is_empty());
        check(Ok(()));
        assert!(!woken());

        check(Err(Fault::Refused));
        check(Err(Fault::Refused));
        assert!(woken());
        health.want(&Wanted::new());
        assert!(woken() && health.out().is_empty(), "nobody asks any more");
    }
}
