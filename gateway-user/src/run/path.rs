//! The real data path: the kernel's maps, the proxy's table, the host's local routes.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use gateway_core::{http, l4::Tables};

use super::{
    reconcile::{DataPath, Refused},
    steps::Step,
};
use crate::{address::Addresses, announce::Announcer, bpf::Datapath, proxy::Proxy};

/// Where steps are taken for real.
pub(super) struct RealPath {
    pub kernel: Datapath,
    addresses: Addresses,
    pub announcer: Announcer,
    table: Arc<ArcSwap<http::Table>>,
    pub proxy: Proxy,
    /// The kernel leads connections to the proxy's sockets.
    steered: bool,
}

impl RealPath {
    /// `table`: the one that `proxy` serves.
    pub(super) fn new(
        kernel: Datapath,
        table: Arc<ArcSwap<http::Table>>,
        proxy: Proxy,
    ) -> Result<Self> {
        let addresses = Addresses::open()?;
        let announcer = Announcer::start(kernel.uplinks())?;
        Ok(Self {
            kernel,
            addresses,
            announcer,
            table,
            proxy,
            steered: false,
        })
    }

    /// Takes over connections from an earlier daemon, once there is a table to serve them with.
    fn steer(&mut self) -> Result<()> {
        for (worker, socket) in (0..).zip(self.proxy.sockets()) {
            self.kernel.set_socket(worker, &socket)?;
        }
        for (worker, socket) in (0..).zip(self.proxy.sockets_v6()) {
            self.kernel.set_socket_v6(worker, &socket)?;
        }
        self.steered = true;
        Ok(())
    }
}

impl DataPath for RealPath {
    fn tables(&self) -> &Tables {
        self.kernel.tables()
    }

    async fn on_interfaces(&mut self, wanted: &BTreeSet<IpAddr>) -> Result<BTreeSet<IpAddr>> {
        self.addresses.on_interfaces(wanted).await
    }

    async fn take(&mut self, step: Step) -> Result<Refused> {
        match step {
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
                if !self.steered {
                    self.steer()?;
                }
            }
            Step::Kernel(ops) => {
                self.kernel
                    .apply(&ops)
                    .context("the kernel's maps could not be written")?;
            }
        }
        Ok(Refused::new())
    }
}
