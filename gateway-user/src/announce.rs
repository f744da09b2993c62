//! Tells the network where the Gateways' addresses are, and hears who else claims one.
//!
//! The kernel answers questions by itself; a task here sends announcements when this node has
//! gained an address and now and then, and sees to it that questions for IPv6 addresses arrive.

mod groups;
mod link;
mod sender;

use std::{
    collections::BTreeSet,
    net::IpAddr,
    time::{Duration, Instant},
};

use anyhow::Result;
use gateway_core::announce::Schedule;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use self::{groups::Groups, sender::Sender};
use crate::bpf::Uplink;

/// Claims of others that wait for an answer; more of them are answered by what is sent anyway.
const CLAIMS: usize = 64;

/// The task that announces; it ends with this handle.
#[derive(Debug)]
pub struct Announcer {
    wanted: watch::Sender<Wanted>,
    claims: mpsc::Sender<IpAddr>,
    task: JoinHandle<()>,
}

/// What is to be announced, and where.
#[derive(Clone, Debug, Default)]
struct Wanted {
    uplinks: Vec<Uplink>,
    owned: BTreeSet<IpAddr>,
}

impl Announcer {
    /// Needs a tokio runtime in the network namespace of the uplinks.
    ///
    /// # Errors
    /// No packet socket could be opened.
    pub fn start(uplinks: &[Uplink]) -> Result<Self> {
        let first = Wanted {
            uplinks: uplinks.to_vec(),
            owned: BTreeSet::new(),
        };
        let (wanted, changes) = watch::channel(first);
        let (claims, claimed) = mpsc::channel(CLAIMS);
        let work = Work {
            sender: Sender::open()?,
            groups: Groups::default(),
            schedule: Schedule::default(),
            wanted: changes,
            claims: claimed,
            start: Instant::now(),
        };
        Ok(Self {
            wanted,
            claims,
            task: tokio::spawn(work.run()),
        })
    }

    /// The interfaces to announce on, from now on; whoever is behind new ones hears everything.
    pub fn set_uplinks(&self, uplinks: &[Uplink]) {
        self.wanted.send_if_modified(|wanted| {
            let news = wanted.uplinks != uplinks;
            wanted.uplinks = uplinks.to_vec();
            news
        });
    }

    /// Announces these addresses and no others.
    pub fn announce(&self, owned: BTreeSet<IpAddr>) {
        self.wanted.send_if_modified(|wanted| {
            let news = wanted.owned != owned;
            wanted.owned = owned;
            news
        });
    }

    /// Announces no address but these, and none that was not announced before.
    pub fn withdraw(&self, owned: &BTreeSet<IpAddr>) {
        let known = self.wanted.borrow().owned.clone();
        self.announce(known.intersection(owned).copied().collect());
    }

    /// Somebody else claims `address`: says again that it is here.
    pub fn defend(&self, address: IpAddr) {
        // Full: enough of it is being said.
        let _ = self.claims.try_send(address);
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// State of the task.
struct Work {
    sender: Sender,
    groups: Groups,
    schedule: Schedule,
    wanted: watch::Receiver<Wanted>,
    claims: mpsc::Receiver<IpAddr>,
    start: Instant,
}

impl Work {
    async fn run(mut self) {
        let mut uplinks = self.wanted.borrow().uplinks.clone();
        loop {
            tokio::select! {
                changed = self.wanted.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let wanted = self.wanted.borrow_and_update().clone();
                    self.groups.follow(&wanted.uplinks, &wanted.owned);
                    self.schedule.set(&wanted.owned, self.now());
                    if wanted.uplinks != uplinks {
                        self.schedule.restart(self.now());
                        uplinks = wanted.uplinks;
                    }
                }
                Some(address) = self.claims.recv() => self.schedule.defend(address, self.now()),
                () = due(self.start, self.schedule.next()) => {
                    for address in self.schedule.take_due(self.now()) {
                        self.sender.announce(&uplinks, address);
                    }
                }
            }
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

async fn due(start: Instant, next: Option<Duration>) {
    match next {
        Some(next) => tokio::time::sleep_until((start + next).into()).await,
        None => std::future::pending().await,
    }
}
