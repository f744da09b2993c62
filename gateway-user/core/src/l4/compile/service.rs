//! A service with its backends and its lookup table.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use gateway_common::{
    abi::{Backend, Service, TagKey},
    addr::Addr,
    maps::{BACKENDS_MAX, MAGLEV_SLOTS, SERVICES_MAX},
};

use super::{
    super::{
        backends::{Destination, Family, destinations, resting},
        ids::{take_id, take_slots},
        maglev::{self, Candidate},
        reach::{Reach, Way},
    },
    CapacityError, Compiler,
};
use crate::{
    endpoints::Endpoints,
    plan::{FrontendId, L4Mode, L4Service},
};

/// What a service is made of.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub frontend: &'a FrontendId,
    pub l4: &'a L4Service,
    pub mode: L4Mode,
    /// Whether other nodes name its backends in outer headers.
    pub tagged: bool,
    pub endpoints: &'a Endpoints,
}

impl Compiler<'_> {
    /// Adds a service with its backends and its lookup table; its id is the known one, or new. Where
    /// there is no room for all of it, nothing is added.
    pub(super) fn service(
        &mut self,
        known: Option<u32>,
        wanted: Wanted,
    ) -> Result<u32, CapacityError> {
        let Wanted {
            frontend,
            l4,
            mode,
            tagged,
            endpoints,
        } = wanted;
        let family = Family::of(&frontend.address);
        let destinations = destinations(l4, endpoints, family);
        self.check_room(known, &destinations)?;
        let id = match known {
            Some(id) => id,
            None => self.new_service_id()?,
        };
        let mut reach = Reach::new(l4, mode, endpoints);
        let ids = destinations
            .iter()
            .map(|(to, weight)| self.backend(id, *to, *weight, (&mut reach, tagged)))
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
        let Ok(maglev_offset) = self.region(id, &slots) else {
            self.take_back(id);
            return Err(CapacityError::Slots);
        };
        let service = Service {
            maglev_offset,
            maglev_size: slots.len() as u32,
            backends,
            affinity: l4.options.by_client.into(),
        };
        self.desired.services.insert(id, service);
        Ok(id)
    }

    /// Whether there is room, as far as that shows before anything is added: thousands of routes may
    /// be without.
    fn check_room(
        &self,
        known: Option<u32>,
        destinations: &BTreeMap<Destination, u32>,
    ) -> Result<(), CapacityError> {
        let is_new = |to: &&SocketAddr| {
            let name = |id| (id, to.ip().into(), to.port().into());
            known.is_none_or(|id| !self.known.contains_key(&name(id)))
        };
        if destinations.keys().flatten().filter(is_new).count() > self.backends_left {
            return Err(CapacityError::Backends);
        }
        // One that is known may have its lookup table already.
        if known.is_some() {
            return Ok(());
        }
        if self.services_left == 0 {
            return Err(CapacityError::Services);
        }
        let weights: Vec<u32> = destinations.values().copied().collect();
        match maglev::size(&weights) < self.slots_refused {
            true => Ok(()),
            false => Err(CapacityError::Slots),
        }
    }

    /// Removes what was added of a service.
    fn take_back(&mut self, service: u32) {
        let current = self.current;
        self.desired.tags.retain(|key, _| key.service != service);
        let before = self.desired.backends.len();
        let mut known = 0;
        self.desired.backends.retain(|id, backend| {
            let is_own = backend.service == service;
            known += usize::from(is_own && current.backends.contains_key(id));
            !is_own
        });
        self.backends_left += before - self.desired.backends.len() - known;
        self.services_left += usize::from(!current.services.contains_key(&service));
    }

    fn new_service_id(&mut self) -> Result<u32, CapacityError> {
        let Self {
            current, desired, ..
        } = self;
        let cursor = &mut desired.cursors.service;
        let id = take_id(cursor, SERVICES_MAX, &current.services, &desired.services);
        self.services_left = self.services_left.saturating_sub(1);
        id.ok_or(CapacityError::Services)
    }

    /// Id of a destination; 0 for the refused share.
    fn backend(
        &mut self,
        service: u32,
        to: Destination,
        weight: u32,
        (reach, tagged): (&mut Reach, bool),
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
        if tagged && way == (Way::Near { tagged: true }) {
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
        let id = take_id(cursor, BACKENDS_MAX, &current.backends, &desired.backends);
        self.backends_left = self.backends_left.saturating_sub(1);
        id.ok_or(CapacityError::Backends)
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
                let Some(at) = take_slots(cursor, MAGLEV_SLOTS, &self.regions, size) else {
                    self.slots_refused = self.slots_refused.min(size);
                    return Err(CapacityError::Slots);
                };
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
