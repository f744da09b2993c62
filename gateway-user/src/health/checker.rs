//! A thread that checks endpoints, for the main loop may be busy for longer than a check may take.

use std::{sync::Arc, thread, time::Duration};

use anyhow::{Context as _, Result};
use gateway_core::health::{Fault, Task};
use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{self, Instant},
};

use super::{Health, probe::probe};

/// Checks at once.
const ROOM: usize = 256;
/// Where nothing is due.
const LONG: Duration = Duration::from_hours(1);

/// The thread ends with it.
#[derive(Debug)]
pub struct Checker {
    _end: oneshot::Sender<()>,
}

type Running = JoinSet<(Task, Option<Result<(), Fault>>)>;

impl Checker {
    /// Does the checks that `health` wants, and tells it the results.
    ///
    /// # Errors
    /// No thread or runtime could be made.
    pub fn start(health: Arc<Health>) -> Result<Self> {
        let (end, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the async runtime of health checks")?;
        let work = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = check(&health) => {}
                    _ = ended => {}
                }
            });
        };
        let thread = thread::Builder::new()
            .name("health-checker".into())
            .spawn(work);
        thread.context("cannot start the thread that checks endpoints")?;
        Ok(Self { _end: end })
    }
}

async fn check(health: &Health) {
    let mut running = Running::new();
    loop {
        let (tasks, next) = health.due(ROOM - running.len());
        for task in tasks {
            running.spawn(do_one(task));
        }
        let full = running.len() == ROOM;
        let wake = Instant::now() + next.unwrap_or(LONG);
        tokio::select! {
            Some(ended) = running.join_next() => {
                if let Ok((task, result)) = ended {
                    health.checked(&task, result);
                }
            }
            () = time::sleep_until(wake), if !full => {}
            () = health.other_checks.notified() => {}
        }
    }
}

async fn do_one(task: Task) -> (Task, Option<Result<(), Fault>>) {
    let result = probe(&task).await;
    (task, result)
}
