//! The real data path: the kernel's maps, the proxy's table, the host's local routes.

use std::{collections::BTreeSet, net::IpAddr, num::NonZeroUsize, sync::Arc};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use gateway_core::{
    http,
    l4::{Node, Tables},
    plan::NodeWish,
};

use super::{
    node::Choice,
    reconcile::{DataPath, Refused, Removals},
    steps::{Here, Step},
};
use crate::{
    address::Addresses, announce::Announcer, bpf::Datapath, proxy::Proxy,
    status::report::AttachmentRow,
};

/// Where steps are taken for real.
pub(super) struct RealPath {
    pub kernel: Datapath,
    addresses: Addresses,
    pub announcer: Announcer,
    table: Arc<ArcSwap<http::Table>>,
    pub proxy: Proxy,
    /// So many workers have their sockets where the kernel finds them.
    steered: u32,
    pub choice: Choice,
    /// Why the interfaces could not be followed the last time: said once.
    pub trouble: Option<String>,
}

impl RealPath {
    /// `table`: the one that `proxy` serves.
    pub(super) fn new(
        kernel: Datapath,
        table: Arc<ArcSwap<http::Table>>,
        proxy: Proxy,
        choice: Choice,
    ) -> Result<Self> {
        let addresses = Addresses::open()?;
        let announcer = Announcer::start(kernel.uplinks())?;
        Ok(Self {
            kernel,
            addresses,
            announcer,
            table,
            proxy,
            steered: 0,
            choice,
            trouble: None,
        })
    }

    /// Gives the kernel the sockets of workers that are new. At the first time that takes over
    /// connections from an earlier daemon, so there must be a table to serve them with.
    fn steer(&mut self) -> Result<()> {
        let is_new = |(worker, _): &(u32, _)| *worker >= self.steered;
        for (worker, socket) in (0..).zip(self.proxy.sockets()).filter(is_new) {
            self.kernel.set_socket(worker, &socket)?;
        }
        for (worker, socket) in (0..).zip(self.proxy.sockets_v6()).filter(is_new) {
            self.kernel.set_socket_v6(worker, &socket)?;
        }
        self.steered = self.running();
        Ok(())
    }

    fn running(&self) -> u32 {
        u32::try_from(self.proxy.workers()).unwrap_or(u32::MAX)
    }

    fn shrink(&mut self, workers: u32) -> Result<()> {
        let gone = self.steered.saturating_sub(workers);
        self.kernel.clear_sockets(workers, gone)?;
        self.steered = self.steered.min(workers);
        let workers = usize::try_from(workers)?;
        self.proxy
            .shrink(NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN));
        tracing::info!("the proxy has {} workers now", self.proxy.workers());
        Ok(())
    }

    /// Brings the programs to the interfaces that are asked for; whether anything changed.
    pub(super) async fn follow(&mut self) -> bool {
        let changed = self.kernel.follow_interfaces().await;
        let changed = self.note(changed).unwrap_or_default();
        if changed {
            self.announcer.set_uplinks(self.kernel.uplinks());
            for row in self.kernel.attachments().iter().map(AttachmentRow::from) {
                tracing::info!("an interface changed: {row}");
            }
        }
        changed
    }

    /// Remembers trouble with the interfaces.
    fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => {
                self.trouble = None;
                Some(value)
            }
            Err(error) => {
                let trouble = format!("the interfaces cannot be followed: {error:#}");
                if self.trouble.as_ref() != Some(&trouble) {
                    tracing::warn!("{trouble}");
                    self.trouble = Some(trouble);
                }
                None
            }
        }
    }
}

impl DataPath for RealPath {
    fn tables(&self) -> &Tables {
        self.kernel.tables()
    }

    async fn on_interfaces(&mut self, wanted: &BTreeSet<IpAddr>) -> Result<BTreeSet<IpAddr>> {
        self.addresses.on_interfaces(wanted).await
    }

    async fn prepare(&mut self, wish: &NodeWish, removals: Removals) {
        let wanted = self.choice.interfaces(wish).await;
        let Some(mut wanted) = self.note(wanted) else {
            return;
        };
        if removals == Removals::Later {
            let held = self.kernel.attachments().iter();
            wanted.extend(held.filter_map(|attachment| attachment.interface.clone()));
        }
        let resizes = self.kernel.set_flow_entries(Choice::flow_entries(wish));
        if self.kernel.set_interfaces(wanted) || resizes {
            self.follow().await;
        }
    }

    fn here(&self, wish: &NodeWish) -> Here {
        let uplinks = self.kernel.uplinks().iter();
        Here {
            wanted: Node {
                workers: self.choice.workers(wish),
                mtu: uplinks.map(|uplink| uplink.mtu).min(),
            },
            workers: self.running(),
        }
    }

    async fn take(&mut self, step: Step) -> Result<Refused> {
        match step {
            Step::Grow(workers) => {
                self.proxy.grow(usize::try_from(workers)?)?;
                tracing::info!("the proxy has {} workers now", self.proxy.workers());
            }
            Step::Shrink(workers) => self.shrink(workers)?,
            Step::Withdraw(owned) => self.announcer.withdraw(&owned),
            Step::Announce(owned) => self.announcer.announce(owned),
            Step::AddAddresses(wanted) => {
                let done = self.addresses.add(&wanted).await?;
                let added = done.changed.iter();
                added.for_each(|ip| tracing::info!("address {ip} is local now"));
                return Ok(done.failed);
            }
            Step::KeepAddresses(wanted) => {
                let done = self.addresses.retain(&wanted).await?;
                let removed = done.changed.iter();
                removed.for_each(|ip| tracing::info!("address {ip} is not local any more"));
                return Ok(done.failed);
            }
            Step::Http(table) => {
                self.table.store(table);
                if self.steered < self.running() {
                    self.steer()?;
                }
            }
            Step::Kernel(ops) => {
                self.kernel.prepare(&ops).await;
                self.kernel
                    .apply(&ops)
                    .context("the kernel's maps could not be written")?;
            }
        }
        Ok(Refused::new())
    }
}
