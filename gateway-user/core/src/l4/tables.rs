//! What the BPF maps hold: the mirror that desired and current state are compared in.

use std::{collections::BTreeMap, sync::Arc};

use gateway_common::{
    abi::{Address, Backend, Frontend, FrontendKey, KIND_L4, KIND_TLS, Origin, Service, TagKey},
    addr::Addr,
};
use serde::Serialize;

use super::names::NameTable;
use crate::name::ObjectName;

/// Contents of the maps that the control plane writes. Equality ignores what is in no map: [`Cursors`],
/// and whose services are.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub frontends: BTreeMap<FrontendKey, Frontend>,
    /// By service id, from 1.
    pub services: BTreeMap<u32, Service>,
    /// Whose the services of TLS passthrough are. In no map, so that it is not known after a start.
    pub routes: BTreeMap<u32, RouteAt>,
    /// Where server names of TLS passthrough lead.
    pub names: NameTable,
    /// Lookup tables by their first slot; a slot holds a backend id, 0 where the flow is refused.
    pub regions: BTreeMap<u32, Arc<[u32]>>,
    /// By backend id, from 1.
    pub backends: BTreeMap<u32, Backend>,
    /// Backends on this node, by what outer headers name.
    pub tags: BTreeMap<TagKey, u32>,
    /// Which frontend leads to an endpoint near by.
    pub origins: BTreeMap<FrontendKey, Origin>,
    /// Addresses of the Gateways, and whether this node answers for them.
    pub addresses: BTreeMap<Addr, Address>,
    pub cursors: Cursors,
}

/// A TLSRoute at one address and port of a Gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteAt {
    pub frontend: FrontendKey,
    pub route: ObjectName,
}

/// Where the search for an unused id or slot begins: after the last one that was taken, so that
/// those of removed things come back as late as possible. (Packets in flight and the statistics
/// of old flows may still name them.)
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursors {
    pub service: u32,
    /// Of server names.
    pub group: u32,
    pub backend: u32,
    pub slot: u32,
}

/// How full the maps are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    pub frontends: usize,
    pub services: usize,
    pub backends: usize,
    pub maglev_slots: usize,
    pub tls_names: usize,
}

impl Tables {
    /// Service id of an L4 frontend.
    pub fn service_of(&self, key: &FrontendKey) -> Option<u32> {
        let frontend = self.frontends.get(key)?;
        (frontend.kind == KIND_L4).then_some(frontend.service)
    }

    /// Services of a frontend: of TCP and UDP one, for TLS passthrough one of each route.
    pub fn services_of(&self, key: &FrontendKey) -> Vec<u32> {
        let own = self.routes.iter().filter(|(_, at)| at.frontend == *key);
        let l4 = self.service_of(key);
        l4.into_iter().chain(own.map(|(id, _)| *id)).collect()
    }

    /// Group of the server names of a frontend for TLS passthrough.
    pub fn group_of(&self, key: &FrontendKey) -> Option<u32> {
        let frontend = self.frontends.get(key)?;
        (frontend.kind == KIND_TLS).then_some(frontend.service)
    }

    /// The lookup table that a service uses: `maglev_size` slots.
    pub fn region_of(&self, service: &Service) -> Option<&Arc<[u32]>> {
        self.regions.get(&service.maglev_offset)
    }

    /// Ids and values of the backends of one service.
    pub fn backends_of(&self, service: u32) -> impl Iterator<Item = (u32, &Backend)> {
        let all = self.backends.iter();
        all.filter(move |(_, b)| b.service == service)
            .map(|(id, b)| (*id, b))
    }

    pub fn usage(&self) -> Usage {
        Usage {
            frontends: self.frontends.len(),
            services: self.services.len(),
            backends: self.backends.len(),
            maglev_slots: self.regions.values().map(|r| r.len()).sum(),
            tls_names: self.names.len(),
        }
    }
}

impl PartialEq for Tables {
    fn eq(&self, other: &Self) -> bool {
        self.frontends == other.frontends
            && self.services == other.services
            && self.names == other.names
            && self.regions == other.regions
            && self.backends == other.backends
            && self.tags == other.tags
            && self.origins == other.origins
            && self.addresses == other.addresses
    }
}
