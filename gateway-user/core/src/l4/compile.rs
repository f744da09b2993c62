//! Plan and endpoints to the tables that the maps shall hold, with stable ids.

pub(super) mod names;
mod service;
mod tls;

use std::collections::{BTreeMap, BTreeSet};

use gateway_common::{
    abi::{Frontend, FrontendKey, KIND_L4, TCP, UDP},
    addr::Addr,
    maps::{BACKENDS_MAX, FRONTENDS_MAX, LISTENERS_MAX, MAGLEV_SLOTS, SERVICES_MAX, TLS_NAMES_MAX},
};

use self::service::Wanted;
use super::{origins::origins, tables::Tables};
use crate::{
    endpoints::Endpoints,
    plan::{self, FrontendId, Plan, Transport},
};

/// What the tables hold of the node itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Workers of the proxy, which serve the HTTP frontends.
    pub workers: u32,
    /// Largest packet, in bytes, of the uplink that takes the smallest ones; `None`: not known.
    pub mtu: Option<u32>,
}

impl Node {
    /// Of so many workers, and else unknown.
    pub const fn new(workers: u32) -> Self {
        Self { workers, mtu: None }
    }
}

/// The plan needs more than the maps hold, counting what is in force until it is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapacityError {
    #[error("more than {FRONTENDS_MAX} listener addresses and ports: remove Gateways or listeners")]
    Frontends,
    #[error(
        "more than {} TCP and UDP listeners, and TLSRoutes in the kernel: remove some, or leave \
         TLSRoutes to the proxy (tls.passthrough of GatewayParameters)",
        SERVICES_MAX - 1
    )]
    Services,
    #[error(
        "more than {} endpoints of TCPRoutes, UDPRoutes, and TLSRoutes in the kernel: remove routes \
         or endpoints, or leave TLSRoutes to the proxy (tls.passthrough of GatewayParameters)",
        BACKENDS_MAX - 1
    )]
    Backends,
    #[error(
        "the lookup tables of TCPRoutes, UDPRoutes, and TLSRoutes in the kernel need more than \
         {MAGLEV_SLOTS} slots: use fewer endpoints, or weights that are closer to each other, or \
         leave TLSRoutes to the proxy (tls.passthrough of GatewayParameters)"
    )]
    Slots,
    #[error("{0} proxy workers are too many: use --workers with at most {LISTENERS_MAX}")]
    Workers(u32),
}

/// Tables for `plan` on this node.
///
/// Ids of `current` are kept: a frontend its service or its group of server names, a TLSRoute its
/// service at a frontend, an address and port its backend id within the service, and a service its
/// region of slots where the content is the same. New content gets slots and ids that nothing in
/// `current` uses, so that [`super::diff`] never overwrites what packets are looking at.
///
/// TLSRoutes that there is no room for are left to the proxy: see [`super::proxied`].
pub fn compile(
    plan: &Plan,
    endpoints: &Endpoints,
    node: Node,
    current: &Tables,
) -> Result<Tables, CapacityError> {
    if node.workers > LISTENERS_MAX {
        return Err(CapacityError::Workers(node.workers));
    }
    let mut compiler = Compiler::new(current);
    // First those that nobody else can serve.
    for (id, frontend) in &plan.frontends {
        if let plan::Frontend::L4(l4) = frontend {
            let wanted = Wanted {
                frontend: id,
                l4,
                mode: plan.l4_mode(&l4.gateway),
                tagged: true,
                endpoints,
            };
            let value = compiler.l4(wanted)?;
            compiler.desired.frontends.insert(frontend_key(id), value);
        }
    }
    for (id, frontend) in &plan.frontends {
        if let plan::Frontend::Http(http) = frontend {
            let in_kernel = plan.passes_tls_in_kernel(&http.gateway);
            let value = match in_kernel {
                true => compiler.tls(id, http, plan, endpoints, node),
                false => None,
            };
            let value = value.unwrap_or_else(|| tls::by_proxy(node));
            compiler.desired.frontends.insert(frontend_key(id), value);
        }
    }
    let old = current.frontends.keys();
    let both: BTreeSet<_> = old.chain(compiler.desired.frontends.keys()).collect();
    if both.len() > FRONTENDS_MAX as usize {
        return Err(CapacityError::Frontends);
    }
    let mut desired = compiler.desired;
    desired.origins = origins(&current.origins, &desired);
    Ok(desired)
}

/// Key of a frontend in the maps.
pub fn frontend_key(id: &FrontendId) -> FrontendKey {
    FrontendKey {
        address: id.address.ip().into(),
        port: id.address.port().into(),
        protocol: match id.transport {
            Transport::Tcp => TCP,
            Transport::Udp => UDP,
        },
    }
}

struct Compiler<'a> {
    current: &'a Tables,
    desired: Tables,
    /// Backend ids in force by (service, address, port).
    known: BTreeMap<(u32, Addr, u32), u32>,
    /// Lengths of all regions in force or desired, by first slot.
    regions: BTreeMap<u32, u32>,
    /// Server names, services and backends that can still be added.
    names_left: usize,
    services_left: usize,
    backends_left: usize,
    /// The smallest lookup table that there was no room for.
    slots_refused: u32,
}

impl<'a> Compiler<'a> {
    fn new(current: &'a Tables) -> Self {
        let backends = current.backends.iter();
        let regions = current.regions.iter();
        Self {
            current,
            desired: Tables {
                cursors: current.cursors,
                ..Tables::default()
            },
            known: backends
                .map(|(id, b)| ((b.service, b.address, b.port), *id))
                .collect(),
            regions: regions
                .map(|(at, slots)| (*at, slots.len() as u32))
                .collect(),
            names_left: (TLS_NAMES_MAX as usize).saturating_sub(current.names.len()),
            // Id 0 is never given.
            services_left: (SERVICES_MAX as usize - 1).saturating_sub(current.services.len()),
            backends_left: (BACKENDS_MAX as usize - 1).saturating_sub(current.backends.len()),
            slots_refused: u32::MAX,
        }
    }

    /// How a TCP or UDP listener is served, with its service.
    fn l4(&mut self, wanted: Wanted) -> Result<Frontend, CapacityError> {
        let known = self.current.service_of(&frontend_key(wanted.frontend));
        let service = self.service(known, wanted)?;
        Ok(Frontend {
            kind: KIND_L4,
            service,
            silent: wanted.l4.options.silent.into(),
            ..Frontend::default()
        })
    }
}

#[cfg(test)]
mod tests;
