//! `xdp-gateway run`: objects in, data path and status out.
//!
//! One thread does all of it, in a loop: read what changed, compute what is wanted, apply it,
//! tell. The proxy's workers and the kernel carry the traffic meanwhile, and the kernel also
//! while no daemon runs.

mod attached;
mod backoff;
mod caution;
mod daemon;
mod descriptors;
mod directory;
mod interfaces;
mod neighbours;
mod node;
mod path;
mod privileges;
mod reconcile;
mod signals;
mod source;
mod start;
mod steps;
mod sweeper;
mod watcher;

use std::time::Duration;

use anyhow::Result;
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};

use self::{
    daemon::Daemon,
    signals::{Signal, Signals},
    source::Source,
};
use crate::{cli, unload};

/// Requests in flight get this long to finish after SIGTERM.
const DRAIN: Duration = Duration::from_secs(10);
/// How often flows that outlived their connection are looked for.
const SWEEP: Duration = Duration::from_secs(5);
/// Claims of others to our addresses that wait to be looked at.
const CLAIMS: usize = 64;
/// How often interfaces are looked at: one that is made anew (a restarted network, a driver that
/// was loaded again) comes without programs.
const INTERFACES: Duration = Duration::from_secs(1);

/// Serves until SIGTERM or SIGINT. What is in the kernel stays there and keeps serving, unless the
/// DaemonSet that runs this is deleted.
///
/// # Errors
/// Where it cannot start: privileges, interfaces, source of objects, admin address. Later trouble is
/// reported in statuses and tried again.
pub async fn run(options: &cli::Run) -> Result<()> {
    let mut signals = Signals::listen()?;
    tracing::info!("xdp-gateway {}", env!("CARGO_PKG_VERSION"));
    let mut source = Source::open(options).await?;
    let (claimed, mut claims) = mpsc::channel(CLAIMS);
    let mut daemon = Daemon::start(options, &source, claimed).await?;
    let (mut sweep, mut interfaces) = (every(SWEEP), every(INTERFACES));
    loop {
        tokio::select! {
            () = source.changed() => daemon.reload(&mut source).await,
            () = daemon.retry_due() => drop(daemon.reconcile(&source).await),
            () = daemon.health_changed() => drop(daemon.reconcile(&source).await),
            _ = sweep.tick() => daemon.sweep(),
            _ = interfaces.tick() => {
                daemon.follow_interfaces(&source).await;
                daemon.forget_claims(&source).await;
            }
            Some(claim) = claims.recv() => daemon.claimed(claim, &source).await,
            signal = signals.next() => match signal {
                Signal::Reload => daemon.reload(&mut source).await,
                Signal::Stop => break,
            },
        }
    }
    let end = async { tokio::join!(daemon.drain(DRAIN), source.close()) };
    tokio::select! {
        ((), ()) = end => {}
        // Asked twice: whoever asks does not want to wait.
        _ = signals.next() => {}
    }
    if source.is_retired() {
        let removed = unload::remove(&options.pin_dir).await?;
        tracing::info!("the DaemonSet is deleted: removed the data path of this node ({removed})");
    } else {
        tracing::info!(
            "stopped; TCP and UDP routes stay in the kernel (`xdp-gateway unload` ends them)"
        );
    }
    Ok(())
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
