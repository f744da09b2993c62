//! The programs of TLS passthrough in the kernel, behind those on the link.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use aya::{
    Pod,
    maps::{
        HashMap, MapData, PerCpuArray, ProgramArray,
        lpm_trie::{Key, LpmTrie},
    },
    programs::{SchedClassifier, Xdp},
};
use gateway_common::{
    abi::{Count, Flow, FlowKey, FrontendKey, TlsFull, TlsKey, TlsName, TlsNoStamps, TlsTarget},
    maps,
    splice::{self, FirstBytes, HalfOpen, Hello, Outcome, ShortHello, Splice},
};
use gateway_core::l4::names::NameKey;

use super::{
    fixture::{MOST, Passthrough, SECRET, passthrough},
    judge::{Entry, Judge, Kept, Ran, Table},
};
use crate::{
    kernel::{Kernel, program},
    path::{HZ, Hook, Path as _},
};

/// Of all tests: it takes the verifier seconds to accept the programs.
static KERNEL: LazyLock<Mutex<Loaded>> = LazyLock::new(|| Mutex::new(Loaded::new(&passthrough())));

struct Loaded {
    kernel: Kernel,
    /// The kernel empties those that nobody holds.
    _programs: Vec<ProgramArray<MapData>>,
    /// Packets and bytes by outcome.
    counted: Vec<Count>,
}

pub(crate) struct InKernel(MutexGuard<'static, Loaded>);

impl InKernel {
    /// Waits until no other test has it.
    pub(crate) fn new(all: &Passthrough) -> Self {
        // A test that failed leaves nothing behind that the next one does not remove.
        let loaded = KERNEL.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kernel = Self(loaded);
        kernel.reset(all);
        kernel
    }
}

impl Loaded {
    fn new(all: &Passthrough) -> Self {
        let mut kernel = Kernel::with(&all.config, |loader| {
            for table in [
                maps::SPLICES,
                maps::TIES,
                maps::HELLOS,
                maps::LONG_HELLOS,
                maps::HALF_OPEN,
            ] {
                loader.map_max_entries(table, MOST);
            }
        });
        let ebpf = &mut kernel.ebpf;
        let xdp: &mut Xdp = program(ebpf, maps::PROGRAM_TLS);
        xdp.load().expect("the verifier accepts the program");
        let tcx: &mut SchedClassifier = program(ebpf, maps::PROGRAM_TLS_BACK);
        tcx.load().expect("the verifier accepts the program");
        let mut programs = Vec::new();
        for (array, behind) in maps::TAIL_CALLED {
            let map = ebpf.take_map(array).expect("map in the object");
            let mut map = ProgramArray::try_from(map).expect("map type");
            let program = ebpf.program(behind).expect("program in the object");
            let program = program.fd().expect("it is loaded");
            map.set(maps::SLOT_TLS, program, 0).expect("a slot");
            programs.push(map);
        }
        put_names(&mut kernel, &all.names);
        let mut loaded = Self {
            kernel,
            _programs: programs,
            counted: Vec::new(),
        };
        loaded.counted = loaded.count();
        loaded
    }

    fn count(&self) -> Vec<Count> {
        let map = self.kernel.ebpf.map(maps::TLS_OUTCOMES);
        let map = map.expect("map in the object");
        let map = PerCpuArray::<_, Count>::try_from(map).expect("map type");
        let all = 0..Outcome::ALL.len() as u32;
        all.map(|outcome| {
            let mut sum = Count::default();
            for cpu in map.get(&outcome, 0).expect("an outcome").iter() {
                sum.packets += cpu.packets;
                sum.bytes += cpu.bytes;
            }
            sum
        })
        .collect()
    }

    /// The outcome that was counted since the last call, and no other.
    fn outcome(&mut self, bytes: u64) -> Option<Outcome> {
        let now = self.count();
        let before = std::mem::replace(&mut self.counted, now);
        let each = Outcome::ALL.iter().zip(self.counted.iter().zip(&before));
        let grown: Vec<_> = each.filter(|(_, (now, before))| now != before).collect();
        let [(outcome, (now, before))] = grown[..] else {
            assert!(grown.is_empty(), "{grown:?}");
            return None;
        };
        assert_eq!(now.packets - before.packets, 1, "{outcome:?}");
        assert_eq!(now.bytes - before.bytes, bytes, "bytes of {outcome:?}");
        Some(*outcome)
    }

    fn entries<V: Pod>(&self, name: &str) -> Vec<(FlowKey, V)> {
        let map: HashMap<_, FlowKey, V> = self.kernel.hash(name);
        map.iter().map(|entry| entry.expect("an entry")).collect()
    }

    /// How much there is of each hello in this map.
    fn filled<const N: usize>(&self, name: &str) -> impl Iterator<Item = (FlowKey, u32)>
    where
        FirstBytes<N>: Pod,
    {
        let all = self.entries::<FirstBytes<N>>(name).into_iter();
        all.map(|(key, hello)| (key, hello.filled))
    }

    fn clear<K: Pod, V: Pod>(&mut self, name: &str) {
        let keys: Vec<K> = {
            let map: HashMap<_, K, V> = self.kernel.hash(name);
            map.keys().map(|key| key.expect("a key")).collect()
        };
        let mut map = self.kernel.hash_mut::<K, V>(name);
        for key in keys {
            map.remove(&key).expect("an entry to remove");
        }
    }
}

fn put_names(kernel: &mut Kernel, all: &[(TlsKey, TlsTarget)]) {
    let is_exact = |TlsKey { bits, name }| NameKey { bits, name }.is_exact();
    let all = all.iter().copied();
    let (exact, wildcards): (Vec<_>, Vec<_>) = all.partition(|(key, _)| is_exact(*key));
    for (key, target) in exact {
        kernel.insert(maps::TLS_NAMES, &key.name, &target);
    }
    let map = kernel.ebpf.map_mut(maps::TLS_WILDCARDS);
    let map = map.expect("map in the object");
    let mut trie = LpmTrie::<_, TlsName, TlsTarget>::try_from(map).expect("map type");
    for (key, target) in wildcards {
        let key = Key::new(key.bits, key.name);
        trie.insert(&key, target, 0).expect("room in the map");
    }
}

impl Judge for InKernel {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn run(&mut self, hook: Hook, frame: &mut Vec<u8>) -> Ran {
        let bytes = without_tags(frame);
        let action = self.0.kernel.run(hook, frame);
        Ran {
            outcome: self.0.outcome(bytes),
            action: Some(action),
        }
    }

    fn reset(&mut self, all: &Passthrough) {
        let loaded = &mut *self.0;
        loaded.clear::<FlowKey, Splice>(maps::SPLICES);
        loaded.clear::<FlowKey, FlowKey>(maps::TIES);
        loaded.clear::<FlowKey, ShortHello>(maps::HELLOS);
        loaded.clear::<FlowKey, Hello>(maps::LONG_HELLOS);
        loaded.clear::<FlowKey, HalfOpen>(maps::HALF_OPEN);
        loaded.clear::<FlowKey, Flow>(maps::FLOWS);
        loaded.clear::<FlowKey, Flow>(maps::FRESH);
        loaded.clear::<FrontendKey, TlsNoStamps>(maps::TLS_NO_STAMPS);
        loaded.kernel.put(maps::TLS_SECRET, 0, SECRET);
        loaded.kernel.put(maps::TLS_FULL, 0, TlsFull::default());
        for (key, frontend) in &all.config.frontends {
            self.put(&Entry::Listener(*key, Some(*frontend)));
        }
    }

    fn put(&mut self, entry: &Entry) {
        let now = self.0.kernel.now();
        let kernel = &mut self.0.kernel;
        match entry {
            Entry::Splice(key, splice) => kernel.insert(maps::SPLICES, key, splice),
            Entry::Tie(backend, client) => kernel.insert(maps::TIES, backend, client),
            Entry::HalfOpen(key, half_open) => kernel.insert(maps::HALF_OPEN, key, half_open),
            Entry::Hello(key) => kernel.insert(maps::HELLOS, key, &ShortHello::EMPTY),
            Entry::Flow(key, flow) => {
                let last_seen = now.wrapping_add(flow.last_seen);
                kernel.put_flow(key, &Flow { last_seen, ..*flow });
            }
            Entry::Secret(secret) => kernel.put(maps::TLS_SECRET, 0, *secret),
            Entry::FullSince(seconds) => {
                let since = now.wrapping_sub(seconds * HZ);
                kernel.put(maps::TLS_FULL, 0, TlsFull { since, is_full: 1 });
            }
            Entry::NoStamps(key, seconds) => {
                let since = now.wrapping_sub(seconds * HZ);
                kernel.insert(maps::TLS_NO_STAMPS, key, &TlsNoStamps { since });
            }
            Entry::Listener(key, frontend) => kernel.put_frontend(key, frontend.as_ref()),
            Entry::Socket(_) => {}
        }
    }

    fn remove(&mut self, table: Table, key: &FlowKey) {
        let kernel = &mut self.0.kernel;
        let removed = match table {
            Table::Splices => kernel.hash_mut::<_, Splice>(maps::SPLICES).remove(key),
            Table::Ties => kernel.hash_mut::<_, FlowKey>(maps::TIES).remove(key),
            Table::Hellos => kernel.hash_mut::<_, ShortHello>(maps::HELLOS).remove(key),
            Table::HalfOpen => kernel.hash_mut::<_, HalfOpen>(maps::HALF_OPEN).remove(key),
        };
        removed.expect("an entry to remove");
    }

    fn kept(&self) -> Kept {
        let short = self.0.filled::<{ splice::SHORT }>(maps::HELLOS);
        let long = self.0.filled::<{ splice::state::ROOM }>(maps::LONG_HELLOS);
        Kept {
            splices: self.0.entries(maps::SPLICES),
            ties: self.0.entries(maps::TIES),
            hellos: short.chain(long).collect(),
            half_open: self.0.entries(maps::HALF_OPEN),
        }
    }
}

/// Bytes of a frame without its tags, up to two.
fn without_tags(frame: &[u8]) -> u64 {
    let mut tags = 0;
    while tags < 2
        && frame
            .get(12 + 4 * tags..14 + 4 * tags)
            .is_some_and(|kind| matches!(kind, [0x81, 0] | [0x88, 0xa8]))
    {
        tags += 1;
    }
    (frame.len() - 4 * tags) as u64
}
