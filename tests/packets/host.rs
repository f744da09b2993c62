//! The data path on plain collections.

use std::collections::{HashMap, HashSet};

use gateway_common::{
    abi::{
        Address, Backend, BackendStats, Counter, Counters, Event, Flow, FlowKey, Frontend,
        FrontendKey, LinkAddress, Origin, Served, Service, Snat, TagKey,
    },
    addr::Addr,
    decide,
    maps::{SERVED_ADDRESSES, SERVED_ENDPOINTS, SERVED_TLS},
    packet::Buffer,
    tables::{Claim, Tables, Traffic},
    vlan,
};

use crate::path::{self, Action, Config, Filters, HZ, Hook, INTERFACE, Path};

/// Bytes that a frame may grow by at each end.
const ROOM: usize = 64;

#[derive(Default)]
pub(crate) struct Host {
    served: Filters,
    frontends: HashMap<FrontendKey, Frontend>,
    services: HashMap<u32, Service>,
    slots: Vec<u32>,
    backends: HashMap<u32, Backend>,
    addresses: HashMap<Addr, Address>,
    uplinks: HashMap<u32, LinkAddress>,
    snat: Vec<Snat>,
    tags: HashMap<TagKey, u32>,
    origins: HashMap<FrontendKey, Origin>,
    flows: HashMap<FlowKey, Flow>,
    fresh: HashMap<FlowKey, Flow>,
    /// Keys of clients and backends of TLS passthrough.
    pub(crate) splices: HashSet<FlowKey>,
    pub(crate) ties: HashSet<FlowKey>,
    counters: Counters,
    stats: HashMap<u32, BackendStats>,
    /// Every drop, where the kernel tells only some.
    pub(crate) events: Vec<Event>,
    /// Most entries of flows of either kind; as many as there is memory for without it.
    pub(crate) flows_max: Option<usize>,
}

impl Host {
    pub(crate) fn new(config: &Config) -> Self {
        let mut served = [Served::NOTHING; 3];
        config.note(&mut served);
        Self {
            served,
            frontends: config.frontends.iter().copied().collect(),
            services: config.services.iter().copied().collect(),
            slots: config.slots.clone(),
            backends: config.backends.iter().copied().collect(),
            addresses: config.addresses.iter().copied().collect(),
            uplinks: config.uplinks.iter().copied().collect(),
            snat: config.snat.clone(),
            origins: config.origins.iter().copied().collect(),
            tags: config.tags.iter().copied().collect(),
            ..Self::default()
        }
    }

    /// Serves other tables from now on; flows stay.
    pub(crate) fn serve(&mut self, config: &Config) {
        let Self {
            frontends,
            services,
            slots,
            backends,
            ..
        } = Self::new(config);
        (self.frontends, self.services) = (frontends, services);
        (self.slots, self.backends) = (slots, backends);
        config.note(&mut self.served);
    }

    /// What it replaces.
    pub(crate) fn put_frontend(
        &mut self,
        key: &FrontendKey,
        frontend: Option<&Frontend>,
    ) -> Option<Frontend> {
        let Some(frontend) = frontend else {
            return self.frontends.remove(key);
        };
        path::note_frontend(key, frontend, &mut self.served);
        self.frontends.insert(*key, *frontend)
    }

    /// Where a flow belongs.
    fn table(&mut self, flow: &Flow) -> &mut HashMap<FlowKey, Flow> {
        match flow.is_established() {
            true => &mut self.flows,
            false => &mut self.fresh,
        }
    }
}

impl Path for Host {
    fn name(&self) -> &'static str {
        "host"
    }

    fn run(&mut self, hook: Hook, frame: &mut Vec<u8>) -> Action {
        run(self, hook, frame)
    }

    fn counters(&self) -> Counters {
        self.counters
    }

    fn stats(&self, backend: u32) -> BackendStats {
        self.stats.get(&backend).copied().unwrap_or_default()
    }

    fn flows(&self) -> Vec<(FlowKey, Flow)> {
        let all = self.flows.iter().chain(&self.fresh);
        all.map(|(key, flow)| (*key, *flow)).collect()
    }

    fn put_flow(&mut self, key: &FlowKey, flow: &Flow) {
        self.table(flow).insert(*key, *flow);
    }

    fn remove_flow(&mut self, key: &FlowKey) {
        self.flows.remove(key);
        self.fresh.remove(key);
    }

    fn put_backend(&mut self, id: u32, backend: &Backend) {
        self.backends.insert(id, *backend);
    }

    fn remove_backend(&mut self, id: u32) {
        self.backends.remove(&id);
    }

    fn put_slots(&mut self, slots: &[u32]) {
        self.slots = slots.to_vec();
    }
}

/// Runs one frame through the data path, on any tables.
pub(crate) fn run<T: Tables>(tables: &mut T, hook: Hook, frame: &mut Vec<u8>) -> Action {
    judge(tables, hook, frame).kind().into()
}

/// The same, with the reason.
pub(crate) fn judge<T: Tables>(tables: &mut T, hook: Hook, frame: &mut Vec<u8>) -> Counter {
    let length = frame.len();
    let mut storage = vec![0; length + 2 * ROOM];
    storage[ROOM..ROOM + length].copy_from_slice(frame);
    let mut packet = Buffer::with_room(&mut storage, ROOM, length, INTERFACE);
    let outcome = match hook {
        Hook::Ingress => {
            let decide = |packet: &mut Buffer<'_>| decide::ingress(packet, tables) as u32;
            let outcome = vlan::without_tags(&mut packet, decide).and_then(Counter::from_index);
            outcome.expect("room for tags, and a counter")
        }
        Hook::Answer => decide::behind(&mut packet, tables),
        Hook::Egress => decide::egress(&mut packet, tables),
    };
    let place = packet.place();
    *frame = storage[place].to_vec();
    outcome
}

impl Tables for Host {
    fn may_serve(&self, destination: &Addr) -> bool {
        self.served[SERVED_ADDRESSES as usize].may_have(destination, 0)
    }

    fn may_reply(&self, key: &FlowKey) -> bool {
        self.served[SERVED_ENDPOINTS as usize].may_have(&key.source, key.source_port)
    }

    fn may_splice(&self, address: &Addr, port: u16) -> bool {
        self.served[SERVED_TLS as usize].may_have(address, port)
    }

    fn frontend(&self, key: &FrontendKey) -> Option<&Frontend> {
        self.frontends.get(key)
    }

    fn service(&self, id: u32) -> Option<&Service> {
        self.services.get(&id)
    }

    fn slot(&self, slot: u32) -> Option<u32> {
        self.slots.get(slot as usize).copied()
    }

    fn backend(&self, id: u32) -> Option<&Backend> {
        self.backends.get(&id)
    }

    fn tagged(&self, key: &TagKey) -> Option<u32> {
        self.tags.get(key).copied()
    }

    fn origin(&self, endpoint: &FrontendKey) -> Option<&Origin> {
        self.origins.get(endpoint)
    }

    fn address(&self, address: &Addr) -> Option<&Address> {
        self.addresses.get(address)
    }

    fn is_spliced(&self, key: &FlowKey) -> bool {
        self.splices.contains(key)
    }

    fn is_tied(&self, key: &FlowKey) -> bool {
        self.ties.contains(key)
    }

    fn uplink(&self, interface: u32) -> Option<&LinkAddress> {
        self.uplinks.get(&interface)
    }

    fn snat(&self, slot: u32) -> Option<&Snat> {
        self.snat.get(slot as usize)
    }

    fn flow(&self, key: &FlowKey) -> Option<&Flow> {
        self.flows.get(key)
    }

    fn fresh(&self, key: &FlowKey) -> Option<&Flow> {
        self.fresh.get(key)
    }

    fn mark(&mut self, key: &FlowKey, state: u32, now: u32) -> bool {
        let found = self.flows.get_mut(key).or_else(|| self.fresh.get_mut(key));
        let Some(flow) = found else {
            return false;
        };
        flow.last_seen = now;
        flow.state |= state;
        true
    }

    fn insert(&mut self, key: &FlowKey, flow: &Flow) -> bool {
        let max = self.flows_max.unwrap_or(usize::MAX);
        let table = self.table(flow);
        if table.len() >= max && !table.contains_key(key) {
            return false;
        }
        table.insert(*key, *flow);
        true
    }

    fn forget(&mut self, key: &FlowKey) {
        self.flows.remove(key);
    }

    fn forget_fresh(&mut self, key: &FlowKey) {
        self.fresh.remove(key);
    }

    fn now(&self) -> u32 {
        0
    }

    fn hz(&self) -> u32 {
        HZ
    }

    fn count(&mut self, counter: Counter, bytes: u64) {
        self.counters.add(counter, bytes);
    }

    fn credit(&mut self, backend: u32, traffic: Traffic, bytes: u64) {
        self.stats
            .entry(backend)
            .or_default()
            .credit(traffic, bytes);
    }

    fn report(&mut self, reason: Counter, key: &FlowKey, bytes: u64) {
        self.events.push(Event {
            key: *key,
            reason: reason as u32,
            bytes: bytes as u32,
            ..Event::default()
        });
    }

    fn dispute(&mut self, reason: Counter, claim: &Claim, bytes: u64) {
        self.events.push(Event {
            key: claim.key(),
            reason: reason as u32,
            bytes: bytes as u32,
            station: LinkAddress::from_words(claim.mac),
        });
    }
}
