//! One interface to both worlds: the data path on plain collections and in the kernel.

use gateway_common::{
    abi::{
        Address, Backend, BackendStats, Counters, Flow, FlowKey, Frontend, FrontendKey, KIND_TLS,
        Kind, LinkAddress, NEAR, Origin, Served, Service, Snat, TagKey,
    },
    addr::Addr,
};

use crate::{
    fixture,
    frames::{End, Family},
};
// A fuzz target shares this file, and has no kernel.
#[cfg(test)]
use crate::{host::Host, kernel::Kernel};

/// Where frames arrive: test runs of the kernel use the loopback interface.
pub(crate) const INTERFACE: u32 = 1;

/// So many jiffies a second that no test waits for one: time passes by [`Path::age`] only.
pub(crate) const HZ: u32 = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    Ingress,
    /// Behind [`Hook::Ingress`], where that cannot answer.
    Answer,
    Egress,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Pass,
    /// Out of the interface that it came in by.
    Back,
    Drop,
}

impl From<Kind> for Action {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Done | Kind::Pass | Kind::Tls | Kind::Refuse | Kind::Conflict => Self::Pass,
            Kind::Answer => Self::Back,
            Kind::Suppress | Kind::Drop => Self::Drop,
        }
    }
}

/// By their slots.
pub(crate) type Filters = [Served; 3];

/// What user space would put into the maps.
#[derive(Default)]
pub(crate) struct Config {
    pub(crate) frontends: Vec<(FrontendKey, Frontend)>,
    pub(crate) services: Vec<(u32, Service)>,
    pub(crate) slots: Vec<u32>,
    pub(crate) backends: Vec<(u32, Backend)>,
    pub(crate) addresses: Vec<(Addr, Address)>,
    pub(crate) uplinks: Vec<(u32, LinkAddress)>,
    /// Of IPv4, of IPv6.
    pub(crate) snat: Vec<Snat>,
    pub(crate) tags: Vec<(TagKey, u32)>,
    pub(crate) origins: Vec<(FrontendKey, Origin)>,
}

impl Config {
    /// Adds what user space adds to each filter, by its slot.
    pub(crate) fn note(&self, filters: &mut Filters) {
        for (key, frontend) in &self.frontends {
            note_frontend(key, frontend, filters);
        }
        let [_, endpoints, tls] = filters;
        for (key, _) in &self.origins {
            endpoints.add(&key.address, key.port as u16);
        }
        for (_, backend) in self.backends.iter().filter(|(_, b)| b.far == NEAR) {
            tls.add(&backend.address, backend.port as u16);
        }
    }
}

/// What one frontend adds.
pub(crate) fn note_frontend(key: &FrontendKey, frontend: &Frontend, filters: &mut Filters) {
    let [addresses, _, tls] = filters;
    addresses.add(&key.address, 0);
    if frontend.kind == KIND_TLS {
        tls.add(&key.address, key.port as u16);
    }
}

pub(crate) trait Path {
    fn name(&self) -> &'static str;
    /// Runs one frame, which is rewritten in place.
    fn run(&mut self, hook: Hook, frame: &mut Vec<u8>) -> Action;
    fn counters(&self) -> Counters;
    fn stats(&self, backend: u32) -> BackendStats;
    fn flows(&self) -> Vec<(FlowKey, Flow)>;
    fn put_flow(&mut self, key: &FlowKey, flow: &Flow);
    fn remove_flow(&mut self, key: &FlowKey);
    fn put_backend(&mut self, id: u32, backend: &Backend);
    fn remove_backend(&mut self, id: u32);
    fn put_slots(&mut self, slots: &[u32]);

    /// Lets time pass for every flow.
    fn age(&mut self, seconds: u32) {
        for (key, mut flow) in self.flows() {
            flow.last_seen = flow.last_seen.wrapping_sub(seconds * HZ);
            self.put_flow(&key, &flow);
        }
    }
}

/// Both worlds with the same tables, of IPv4.
#[cfg(test)]
pub(crate) fn both() -> [Box<dyn Path>; 2] {
    let config = fixture::config();
    [Box::new(Host::new(&config)), Box::new(Kernel::new(&config))]
}

/// A world that speaks one family: rows in terms of IPv4 are translated for it.
pub(crate) struct World {
    pub(crate) path: Box<dyn Path>,
    pub(crate) family: Family,
}

impl World {
    pub(crate) fn put_backend(&mut self, id: u32, end: End) {
        let backend = fixture::backend(self.family.of(end));
        self.path.put_backend(id, &backend);
    }
}

/// Both worlds in both families.
#[cfg(test)]
pub(crate) fn worlds() -> Vec<World> {
    worlds_where(|_| {})
}

/// The same, with other tables.
#[cfg(test)]
pub(crate) fn worlds_where(edit: impl Fn(&mut Config)) -> Vec<World> {
    let mut worlds = Vec::new();
    for family in [Family::V4, Family::V6] {
        let mut config = fixture::config_of(family);
        edit(&mut config);
        let paths: [Box<dyn Path>; 2] =
            [Box::new(Host::new(&config)), Box::new(Kernel::new(&config))];
        worlds.extend(paths.map(|path| World { path, family }));
    }
    worlds
}
