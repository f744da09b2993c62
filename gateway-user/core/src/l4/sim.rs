//! Map operations on the mirror: what the kernel's maps hold after them.

use gateway_common::abi::{Frontend, FrontendKey, KIND_TLS, Service};

use super::{
    diff::MapOp,
    tables::{Cursors, RouteAt, Tables},
};

impl Tables {
    /// Does what applying `op` to the maps does.
    pub fn apply(&mut self, op: &MapOp) {
        match op {
            MapOp::PutAddress(address, value) => {
                self.addresses.insert(*address, *value);
            }
            MapOp::RemoveAddress(address) => {
                self.addresses.remove(address);
            }
            MapOp::PutBackend(id, backend) => {
                if self.backends.insert(*id, *backend).is_none() {
                    self.cursors.backend = id.saturating_add(1);
                }
            }
            MapOp::PutTag(key, id) => {
                self.tags.insert(*key, *id);
            }
            MapOp::RemoveTag(key) => {
                self.tags.remove(key);
            }
            MapOp::PutOrigin(endpoint, origin) => {
                self.origins.insert(*endpoint, *origin);
            }
            MapOp::RemoveOrigin(endpoint) => {
                self.origins.remove(endpoint);
            }
            MapOp::PutRegion(offset, slots) => {
                self.regions.insert(*offset, slots.clone());
                self.cursors.slot = offset.saturating_add(len(slots));
            }
            MapOp::PutService(id, service, route) => self.put_service(*id, service, route.as_ref()),
            MapOp::PutName(name, target) => {
                self.names.insert(*name, *target);
            }
            MapOp::RemoveName(name) => {
                self.names.remove(name);
            }
            MapOp::PutFrontend(key, frontend) => self.put_frontend(*key, *frontend),
            MapOp::RemoveFrontend(key) => {
                self.frontends.remove(key);
            }
            MapOp::RemoveService(id) => {
                self.routes.remove(id);
                if let Some(old) = self.services.remove(id) {
                    self.free(&old);
                }
            }
            MapOp::RemoveBackend(id) => {
                self.backends.remove(id);
            }
        }
    }

    fn put_service(&mut self, id: u32, service: &Service, route: Option<&RouteAt>) {
        match route {
            Some(route) => drop(self.routes.insert(id, route.clone())),
            None => drop(self.routes.remove(&id)),
        }
        match self.services.insert(id, *service) {
            Some(old) if region(&old) != region(service) => self.free(&old),
            Some(_) => {}
            None => self.cursors.service = id.saturating_add(1),
        }
    }

    fn put_frontend(&mut self, key: FrontendKey, frontend: Frontend) {
        let known = self.group_of(&key);
        self.frontends.insert(key, frontend);
        if let Some(group) = self.group_of(&key).filter(|new| known != Some(*new)) {
            self.cursors.group = group.saturating_add(1);
        }
    }

    fn free(&mut self, service: &Service) {
        if let Some(offset) = region(service) {
            self.regions.remove(&offset);
        }
    }

    /// Begins the searches for unused ids and slots after the highest in use: the best guess
    /// where the history of the maps is not known.
    #[must_use]
    pub fn with_cursors_at_end(mut self) -> Self {
        let after = |last: Option<&u32>| last.map_or(1, |id| id.saturating_add(1));
        let tls = self.frontends.values().filter(|f| f.kind == KIND_TLS);
        let groups = tls.map(|frontend| &frontend.service);
        self.cursors = Cursors {
            service: after(self.services.keys().next_back()),
            group: after(groups.max()),
            backend: after(self.backends.keys().next_back()),
            slot: self
                .regions
                .last_key_value()
                .map_or(0, |(at, slots)| at.saturating_add(len(slots))),
        };
        self
    }
}

/// First slot of the service's lookup table; `None` where it has none.
fn region(service: &Service) -> Option<u32> {
    (service.maglev_size > 0).then_some(service.maglev_offset)
}

fn len(slots: &[u32]) -> u32 {
    u32::try_from(slots.len()).unwrap_or(u32::MAX)
}
