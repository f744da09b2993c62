//! Plan and endpoints to the tables that the maps shall hold, with stable ids.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use gateway_common::{
    abi::{Backend, Frontend, FrontendKey, KIND_L4, KIND_PROXY, Service, TCP, TagKey, UDP},
    addr::Addr,
    maps::{BACKENDS_MAX, FRONTENDS_MAX, LISTENERS_MAX, MAGLEV_SLOTS, SERVICES_MAX},
};

use super::{
    backends::{Destination, Family, destinations, resting},
    ids::{take_id, take_slots},
    maglev::{self, Candidate},
    origins::origins,
    reach::{Reach, Way},
    tables::Tables,
};
use crate::{
    endpoints::Endpoints,
    plan::{self, FrontendId, L4Mode, L4Service, Plan, Transport},
};

/// The plan needs more than the maps hold, counting what is in force until it is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapacityError {
    #[error("more than {FRONTENDS_MAX} listener addresses and ports: remove Gateways or listeners")]
    Frontends,
    #[error("more than {} TCP and UDP listeners: remove some", SERVICES_MAX - 1)]
    Services,
    #[error("more than {} endpoints of TCPRoutes and UDPRoutes: remove routes or endpoints", BACKENDS_MAX - 1)]
    Backends,
    #[error(
        "the lookup tables of TCPRoutes and UDPRoutes need more than {MAGLEV_SLOTS} slots: \
         use fewer endpoints, or weights that are closer to each other"
    )]
    Slots,
    #[error("{0} proxy workers are too many: use --workers with at most {LISTENERS_MAX}")]
    Workers(u32),
}

/// Tables for `plan`; `workers` is the number of proxy workers, which serve the HTTP frontends.
///
/// Ids of `current` are kept: a frontend its service, an address and port its backend id within
/// the service, and a service its region of slots where the content is the same. New content gets
/// slots and ids that nothing in `current` uses, so that [`super::diff`] never overwrites what
/// packets are looking at.
pub fn compile(
    plan: &Plan,
    endpoints: &Endpoints,
    workers: u32,
    current: &Tables,
) -> Result<Tables, CapacityError> {
    if workers > LISTENERS_MAX {
        return Err(CapacityError::Workers(workers));
    }
    let mut compiler = Compiler::new(current);
    for (id, frontend) in &plan.frontends {
        let key = frontend_key(id);
        let value = match frontend {
            plan::Frontend::L4(l4) => Frontend {
                kind: KIND_L4,
                service: compiler.service(id, l4, plan.l4_mode(&l4.gateway), endpoints)?,
                silent: l4.options.silent.into(),
                ..Frontend::default()
            },
            plan::Frontend::Http(_) => Frontend {
                kind: KIND_PROXY,
                workers,
                ..Frontend::default()
            },
        };
        compiler.desired.frontends.insert(key, value);
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
        }
    }

    /// Adds the service of a frontend with its backends and lookup table; returns its id.
    fn service(
        &mut self,
        frontend: &FrontendId,
        l4: &L4Service,
        mode: L4Mode,
        endpoints: &Endpoints,
    ) -> Result<u32, CapacityError> {
        let family = Family::of(&frontend.address);
        let id = match self.current.service_of(&frontend_key(frontend)) {
            Some(id) => id,
            None => self.new_service_id()?,
        };
        let destinations = destinations(l4, endpoints, family);
        let mut reach = Reach::new(l4, mode, endpoints);
        let ids = destinations
            .iter()
            .map(|(to, weight)| self.backend(id, *to, *weight, &mut reach))
            .collect::<Result<Vec<_>, _>>()?;
        for (to, draining) in resting(l4, endpoints, family, frontend.transport) {
            if !destinations.contains_key(&Some(to)) {
                self.rest(id, to, &mut reach, draining);
            }
        }
        let backends = ids.iter().filter(|id| **id != 0).count() as u32;
        // Without any backend there is nothing to choose from: the whole service refuses.
        let slots: Arc<[u32]> = match backends {
            0 => Arc::default(),
            _ => slots(&destinations, &ids),
        };
        let service = Service {
            maglev_offset: self.region(id, &slots)?,
            maglev_size: slots.len() as u32,
            backends,
            affinity: l4.options.by_client.into(),
        };
        self.desired.services.insert(id, service);
        Ok(id)
    }

    fn new_service_id(&mut self) -> Result<u32, CapacityError> {
        let Self {
            current, desired, ..
        } = self;
        let cursor = &mut desired.cursors.service;
        take_id(cursor, SERVICES_MAX, &current.services, &desired.services)
            .ok_or(CapacityError::Services)
    }

    /// Id of a destination; 0 for the refused share.
    fn backend(
        &mut self,
        service: u32,
        to: Destination,
        weight: u32,
        reach: &mut Reach,
    ) -> Result<u32, CapacityError> {
        let Some(to) = to else { return Ok(0) };
        let way = reach.way(to);
        let mut backend = Backend {
            address: to.ip().into(),
            port: to.port().into(),
            service,
            weight,
            ..Backend::default()
        };
        way.write(to, &mut backend);
        let name = (service, backend.address, backend.port);
        let id = match self.known.get(&name) {
            Some(id) => *id,
            None => self.new_backend_id()?,
        };
        if way == (Way::Near { tagged: true }) {
            let tag = backend.tag;
            self.desired.tags.insert(TagKey { service, tag }, id);
        }
        self.desired.backends.insert(id, backend);
        Ok(id)
    }

    /// Keeps a backend that gets no new flows any more. One that never had any needs no entry.
    fn rest(&mut self, service: u32, to: SocketAddr, reach: &mut Reach, draining: bool) {
        let (address, port) = (Addr::from(to.ip()), u32::from(to.port()));
        if let Some(id) = self.known.get(&(service, address, port)) {
            let mut backend = Backend {
                address,
                port,
                service,
                draining: draining.into(),
                ..Backend::default()
            };
            reach.way(to).write(to, &mut backend);
            self.desired.backends.insert(*id, backend);
        }
    }

    fn new_backend_id(&mut self) -> Result<u32, CapacityError> {
        let Self {
            current, desired, ..
        } = self;
        let cursor = &mut desired.cursors.backend;
        take_id(cursor, BACKENDS_MAX, &current.backends, &desired.backends)
            .ok_or(CapacityError::Backends)
    }

    /// First slot of a region with this content: the one in force, or a fresh one.
    fn region(&mut self, service: u32, slots: &Arc<[u32]>) -> Result<u32, CapacityError> {
        if slots.is_empty() {
            return Ok(0);
        }
        let in_force = self
            .current
            .services
            .get(&service)
            .filter(|s| s.maglev_size > 0);
        let offset = match in_force.and_then(|s| Some((s, self.current.region_of(s)?))) {
            Some((old, content)) if content == slots => old.maglev_offset,
            _ => {
                let size = slots.len() as u32;
                let cursor = &mut self.desired.cursors.slot;
                let at = take_slots(cursor, MAGLEV_SLOTS, &self.regions, size)
                    .ok_or(CapacityError::Slots)?;
                self.regions.insert(at, size);
                at
            }
        };
        self.desired.regions.insert(offset, Arc::clone(slots));
        Ok(offset)
    }
}

/// The lookup table in backend ids; `ids` in the order of `destinations`.
fn slots(destinations: &BTreeMap<Destination, u32>, ids: &[u32]) -> Arc<[u32]> {
    let names: Vec<Vec<u8>> = destinations.keys().map(name).collect();
    let weights: Vec<u32> = destinations.values().copied().collect();
    let candidates: Vec<Candidate<'_>> = names
        .iter()
        .zip(&weights)
        .map(|(name, weight)| Candidate {
            name,
            weight: *weight,
        })
        .collect();
    let table = maglev::table(&candidates, maglev::size(&weights));
    table.into_iter().map(|index| ids[index]).collect()
}

/// Address and port in network order; empty for the refused share.
fn name(destination: &Destination) -> Vec<u8> {
    let Some(to) = destination else {
        return Vec::new();
    };
    let mut name = match to.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    name.extend(to.port().to_be_bytes());
    name
}

#[cfg(test)]
mod tests;
