//! The workers of a proxy: how they come and go.

use std::{
    sync::{atomic::Ordering, mpsc},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::sync::{oneshot, watch};

use super::{
    listeners::Listeners,
    worker::{self, Order, Shared},
};

/// Their threads, by what they are told and what they tell.
pub(super) struct Crew {
    shared: Shared,
    serving: Vec<Member>,
    /// Those that end with their last connection.
    leaving: Vec<Running>,
}

struct Member {
    listeners: Listeners,
    running: Running,
}

/// A thread of a worker.
struct Running {
    orders: watch::Sender<Order>,
    /// Hears when it has ended.
    ended: oneshot::Receiver<()>,
}

impl Crew {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared,
            serving: Vec::new(),
            leaving: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.serving.len()
    }

    /// Sockets of those that serve, in their order.
    pub(super) fn listeners(&self) -> impl Iterator<Item = &Listeners> {
        self.serving.iter().map(|member| &member.listeners)
    }

    pub(super) fn grow(&mut self, count: usize) -> Result<()> {
        while self.serving.len() < count {
            let member = self.start(self.serving.len())?;
            self.serving.push(member);
            self.count();
        }
        Ok(())
    }

    pub(super) fn shrink(&mut self, count: usize) {
        self.leaving.retain_mut(|running| {
            running.ended.try_recv() == Err(oneshot::error::TryRecvError::Empty)
        });
        for Member { running, .. } in self.serving.drain(count.min(self.serving.len())..) {
            running.orders.send_replace(Order::Leave);
            self.leaving.push(running);
        }
        self.count();
    }

    pub(super) async fn stop(self, deadline: Duration) {
        let Self {
            shared,
            serving,
            leaving,
        } = self;
        // What it holds of the access log keeps that from its end.
        drop(shared);
        // Sockets are closed here first, so that their end is the worker's matter alone.
        let serving: Vec<_> = serving.into_iter().map(|member| member.running).collect();
        let all: Vec<_> = serving.into_iter().chain(leaving).collect();
        for running in &all {
            running.orders.send_replace(Order::Stop(deadline));
        }
        for running in all {
            // An error means that the worker is gone, which is what we wait for.
            let _ = running.ended.await;
        }
    }

    fn start(&self, index: usize) -> Result<Member> {
        let own = Listeners::open()?;
        let (shared, sockets) = (self.shared.clone(), own.try_clone()?);
        let (orders, told) = watch::channel(Order::Serve);
        let (done, ended) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        thread::Builder::new()
            .name(format!("proxy-{index}"))
            .spawn(move || worker::run(shared, sockets, told, &ready, done))
            .context("cannot start a proxy thread")?;
        started
            .recv()
            .context("a proxy thread died while starting")??;
        Ok(Member {
            listeners: own,
            running: Running { orders, ended },
        })
    }

    /// Tells the workers how many share the limits of a node.
    fn count(&self) {
        let workers = &self.shared.workers;
        workers.store(self.serving.len(), Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crew")
            .field("serving", &self.serving.len())
            .field("leaving", &self.leaving.len())
            .finish_non_exhaustive()
    }
}
