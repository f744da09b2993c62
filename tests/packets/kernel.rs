//! The data path in the kernel: the daemon's own object, run by `BPF_PROG_TEST_RUN`.

use aya::{
    Ebpf, EbpfLoader, Pod,
    maps::{Array, HashMap, MapData, PerCpuArray, PerCpuHashMap, RingBuf},
    programs::{SchedClassifier, TestRun as _, TestRunOptions, Xdp},
};
use gateway_common::{
    abi::{
        Address, Backend, BackendStats, Counters, Event, Flow, FlowKey, Frontend, FrontendKey,
        Origin, Served, Snat, TagKey,
    },
    addr::Addr,
    maps,
};
use gateway_user::bpf::{OBJECT, events::parse};

use crate::path::{self, Action, Config, Filters, HZ, Hook, Path};

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;
const TCX_NEXT: u32 = u32::MAX;
const TC_ACT_SHOT: u32 = 2;
const TC_ACT_REDIRECT: u32 = 7;
/// Bytes that a frame may grow by: a piece of a hello.
const ROOM: usize = 2048;

pub(crate) struct Kernel {
    pub(crate) ebpf: Ebpf,
}

impl Kernel {
    pub(crate) fn new(config: &Config) -> Self {
        Self::with_flows(config, 65_536)
    }

    /// With room for so many entries of established flows, and of others.
    pub(crate) fn with_flows(config: &Config, flows: u32) -> Self {
        Self::with(config, |loader| {
            loader
                .map_max_entries(maps::FLOWS, flows)
                .map_max_entries(maps::FRESH, flows);
        })
    }

    /// With other sizes of maps.
    pub(crate) fn with(config: &Config, size: impl FnOnce(&mut EbpfLoader<'_>)) -> Self {
        let mut kernel = Self { ebpf: load(size) };
        for (key, frontend) in &config.frontends {
            kernel.insert::<FrontendKey, _>(maps::FRONTENDS, key, frontend);
        }
        kernel.note(|filters| config.note(filters));
        for (id, service) in &config.services {
            kernel.insert(maps::SERVICES, id, service);
        }
        kernel.put_slots(&config.slots);
        for (id, backend) in &config.backends {
            kernel.put_backend(*id, backend);
        }
        for (address, value) in &config.addresses {
            kernel.insert::<Addr, Address>(maps::ADDRESSES, address, value);
        }
        for (interface, value) in &config.uplinks {
            kernel.insert(maps::UPLINKS, interface, value);
        }
        for (key, id) in &config.tags {
            kernel.insert::<TagKey, u32>(maps::TAGS, key, id);
        }
        for (endpoint, origin) in &config.origins {
            kernel.insert::<FrontendKey, Origin>(maps::ORIGINS, endpoint, origin);
        }
        for (slot, snat) in (0..).zip(&config.snat) {
            kernel.put::<Snat>(maps::SNAT, slot, *snat);
        }
        kernel
    }

    /// Events told since the last call.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let map = self.ebpf.map_mut(maps::EVENTS).expect("map in the object");
        let mut ring = RingBuf::try_from(map).expect("a ring buffer");
        let mut events = Vec::new();
        while let Some(item) = ring.next() {
            events.push(parse(&item).expect("an event"));
        }
        events
    }

    /// Of the flow table.
    pub(crate) fn now(&mut self) -> u32 {
        let mut options = TestRunOptions::new();
        options.data_in = Some(&[0; 14]);
        let clock: &mut Xdp = program(&mut self.ebpf, maps::PROGRAM_CLOCK);
        clock.test_run(options).expect("a test run").return_value
    }

    pub(crate) fn hash<K: Pod, V: Pod>(&self, name: &str) -> HashMap<&MapData, K, V> {
        HashMap::try_from(self.ebpf.map(name).expect("map in the object")).expect("map type")
    }

    pub(crate) fn hash_mut<K: Pod, V: Pod>(&mut self, name: &str) -> HashMap<&mut MapData, K, V> {
        HashMap::try_from(self.ebpf.map_mut(name).expect("map in the object")).expect("map type")
    }

    pub(crate) fn insert<K: Pod, V: Pod>(&mut self, name: &str, key: &K, value: &V) {
        self.hash_mut::<K, V>(name)
            .insert(key, value, 0)
            .expect("room in the map");
    }

    /// Writes a slot of an array.
    pub(crate) fn put<V: Pod>(&mut self, name: &str, slot: u32, value: V) {
        let map = self.ebpf.map_mut(name).expect("map in the object");
        let mut map = Array::<_, V>::try_from(map).expect("map type");
        map.set(slot, value, 0).expect("a slot");
    }

    pub(crate) fn put_frontend(&mut self, key: &FrontendKey, frontend: Option<&Frontend>) {
        let Some(frontend) = frontend else {
            let mut map = self.hash_mut::<FrontendKey, Frontend>(maps::FRONTENDS);
            return map.remove(key).expect("a frontend to remove");
        };
        self.note(|filters| path::note_frontend(key, frontend, filters));
        self.insert(maps::FRONTENDS, key, frontend);
    }

    /// Lets `add` add to the filters.
    fn note(&mut self, add: impl FnOnce(&mut Filters)) {
        let map = self.ebpf.map(maps::SERVED).expect("map in the object");
        let map = Array::<_, Served>::try_from(map).expect("map type");
        let mut filters = [0, 1, 2].map(|slot| map.get(&slot, 0).expect("a slot"));
        add(&mut filters);
        for (slot, filter) in (0..).zip(filters) {
            self.put(maps::SERVED, slot, filter);
        }
    }
}

/// Loads and verifies everything; panics without the privileges to do so.
fn load(size: impl FnOnce(&mut EbpfLoader<'_>)) -> Ebpf {
    let mut loader = EbpfLoader::new();
    loader.override_global(maps::GLOBAL_HZ, &HZ, true);
    size(&mut loader);
    let mut ebpf = loader
        .load(OBJECT)
        .expect("loading BPF needs root or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
    let ingress: &mut Xdp = program(&mut ebpf, maps::PROGRAM_INGRESS);
    ingress
        .load()
        .expect("the verifier accepts the ingress program");
    let clock: &mut Xdp = program(&mut ebpf, maps::PROGRAM_CLOCK);
    clock.load().expect("the verifier accepts the clock");
    let egress: &mut SchedClassifier = program(&mut ebpf, maps::PROGRAM_EGRESS);
    egress
        .load()
        .expect("the verifier accepts the egress program");
    let answer: &mut SchedClassifier = program(&mut ebpf, maps::PROGRAM_ANSWER);
    answer
        .load()
        .expect("the verifier accepts the answering program");
    let lookup: &mut aya::programs::SkLookup = program(&mut ebpf, maps::PROGRAM_LOOKUP);
    lookup
        .load()
        .expect("the verifier accepts the lookup program");
    ebpf
}

/// Where a flow belongs.
fn table(flow: &Flow) -> &'static str {
    match flow.is_established() {
        true => maps::FLOWS,
        false => maps::FRESH,
    }
}

/// A program of the object, by name.
pub(crate) fn program<'a, P>(ebpf: &'a mut Ebpf, name: &str) -> &'a mut P
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error: std::fmt::Debug>,
{
    let program = ebpf.program_mut(name).expect("program in the object");
    program.try_into().expect("program type")
}

impl Path for Kernel {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn run(&mut self, hook: Hook, frame: &mut Vec<u8>) -> Action {
        let mut out = vec![0; frame.len() + ROOM];
        let mut options = TestRunOptions::new();
        options.data_in = Some(frame);
        options.data_out = Some(&mut out);
        let of_tcx = [
            (TCX_NEXT, Action::Pass),
            (TC_ACT_REDIRECT, Action::Back),
            (TC_ACT_SHOT, Action::Drop),
        ];
        let (result, actions) = match hook {
            Hook::Ingress => {
                let ingress: &mut Xdp = program(&mut self.ebpf, maps::PROGRAM_INGRESS);
                let actions = [
                    (XDP_PASS, Action::Pass),
                    (XDP_TX, Action::Back),
                    (XDP_DROP, Action::Drop),
                ];
                (ingress.test_run(options), actions.to_vec())
            }
            Hook::Answer => {
                let answer: &mut SchedClassifier = program(&mut self.ebpf, maps::PROGRAM_ANSWER);
                (answer.test_run(options), of_tcx.to_vec())
            }
            Hook::Egress => {
                let egress: &mut SchedClassifier = program(&mut self.ebpf, maps::PROGRAM_EGRESS);
                (egress.test_run(options), of_tcx.to_vec())
            }
        };
        let result = result.expect("a test run");
        out.truncate(result.data_size_out as usize);
        *frame = out;
        let returned = result.return_value;
        let action = actions.iter().find(|(number, _)| *number == returned);
        action
            .unwrap_or_else(|| panic!("{hook:?} returned {returned}"))
            .1
    }

    fn counters(&self) -> Counters {
        let map = self.ebpf.map(maps::COUNTERS).expect("map in the object");
        let map = PerCpuArray::<_, Counters>::try_from(map).expect("map type");
        let mut sum = Counters::default();
        for cpu in map.get(&0, 0).expect("one entry").iter() {
            sum.merge(cpu);
        }
        sum
    }

    fn stats(&self, backend: u32) -> BackendStats {
        let map = self
            .ebpf
            .map(maps::BACKEND_STATS)
            .expect("map in the object");
        let map = PerCpuHashMap::<_, u32, BackendStats>::try_from(map).expect("map type");
        let mut sum = BackendStats::default();
        for cpu in map.get(&backend, 0).iter().flat_map(|values| values.iter()) {
            sum.merge(cpu);
        }
        sum
    }

    fn flows(&self) -> Vec<(FlowKey, Flow)> {
        let tables = [maps::FLOWS, maps::FRESH].map(|name| self.hash(name));
        let entries = tables.iter().flat_map(HashMap::iter);
        entries.map(|entry| entry.expect("a flow")).collect()
    }

    fn put_flow(&mut self, key: &FlowKey, flow: &Flow) {
        self.insert(table(flow), key, flow);
    }

    fn remove_flow(&mut self, key: &FlowKey) {
        let tables = [maps::FLOWS, maps::FRESH];
        let gone = tables.map(|name| self.hash_mut::<FlowKey, Flow>(name).remove(key).is_ok());
        assert!(gone.contains(&true), "a flow to remove");
    }

    fn put_backend(&mut self, id: u32, backend: &Backend) {
        self.insert(maps::BACKENDS, &id, backend);
    }

    fn remove_backend(&mut self, id: u32) {
        self.hash_mut::<u32, Backend>(maps::BACKENDS)
            .remove(&id)
            .expect("a backend to remove");
    }

    fn put_slots(&mut self, slots: &[u32]) {
        let map = self.ebpf.map_mut(maps::MAGLEV).expect("map in the object");
        let mut map = Array::<_, u32>::try_from(map).expect("map type");
        for (slot, id) in slots.iter().enumerate() {
            map.set(slot as u32, id, 0).expect("a slot");
        }
    }
}
