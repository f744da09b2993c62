//! The maps, with BTF types, so that tools print them by field.

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    btf_maps::{
        Array, HashMap, LpmTrie, LruHashMap, PerCpuArray, PerCpuHashMap, ProgramArray, RingBuf,
        SockMap,
    },
    macros::btf_map,
};
use gateway_common::{
    abi::{
        Address, Backend, BackendStats, Count, Counters, Flow, FlowKey, Frontend, FrontendKey,
        LinkAddress, Origin, Served, Service, Snat, TagKey, TlsFull, TlsName, TlsNoStamps,
        TlsSecret, TlsTarget,
    },
    addr::Addr,
    maps::{
        ADDRESSES_MAX, BACKENDS_MAX, EVENTS_BYTES, FLOWS_MAX, FRESH_MAX, FRONTENDS_MAX,
        HALF_OPEN_MAX, HELLOS_MAX, LISTENERS_MAX, LONG_HELLOS_MAX, MAGLEV_SLOTS, NO_STAMPS_MAX,
        SERVICES_MAX, SPLICES_MAX, TLS_NAMES_MAX, UPLINKS_MAX,
    },
    splice::{HalfOpen, Hello, HelloKind, Outcome, Scratch, ShortHello, Splice},
};

/// Room is taken for what there is: most nodes have few of them, and the largest have many.
const ON_DEMAND: usize = BPF_F_NO_PREALLOC as usize;

#[btf_map(name = "frontends")]
pub(crate) static FRONTENDS: HashMap<FrontendKey, Frontend, { FRONTENDS_MAX as usize }> =
    HashMap::new();
#[btf_map(name = "services")]
pub(crate) static SERVICES: HashMap<u32, Service, { SERVICES_MAX as usize }, ON_DEMAND> =
    HashMap::new();
#[btf_map(name = "maglev")]
pub(crate) static MAGLEV: Array<u32, { MAGLEV_SLOTS as usize }> = Array::new();
#[btf_map(name = "backends")]
pub(crate) static BACKENDS: HashMap<u32, Backend, { BACKENDS_MAX as usize }, ON_DEMAND> =
    HashMap::new();
#[btf_map(name = "flows")]
pub(crate) static FLOWS: LruHashMap<FlowKey, Flow, { FLOWS_MAX as usize }> = LruHashMap::new();
#[btf_map(name = "fresh_flows")]
pub(crate) static FRESH: LruHashMap<FlowKey, Flow, { FRESH_MAX as usize }> = LruHashMap::new();
#[btf_map(name = "counters")]
pub(crate) static COUNTERS: PerCpuArray<Counters, 1> = PerCpuArray::new();
#[btf_map(name = "backend_stats")]
pub(crate) static BACKEND_STATS: PerCpuHashMap<
    u32,
    BackendStats,
    { BACKENDS_MAX as usize },
    ON_DEMAND,
> = PerCpuHashMap::new();
#[btf_map(name = "listeners")]
pub(crate) static LISTENERS: SockMap<{ 2 * LISTENERS_MAX as usize }> = SockMap::new();
/// Of `Event`s; libbpf refuses ring buffers with a typed value.
#[btf_map(name = "events")]
pub(crate) static EVENTS: RingBuf<(), { EVENTS_BYTES as usize }> = RingBuf::new();
#[btf_map(name = "event_gate")]
pub(crate) static EVENT_GATE: PerCpuArray<u32, 2> = PerCpuArray::new();
#[btf_map(name = "addresses")]
pub(crate) static ADDRESSES: HashMap<Addr, Address, { ADDRESSES_MAX as usize }> = HashMap::new();
#[btf_map(name = "snat")]
pub(crate) static SNAT: Array<Snat, 2> = Array::new();
#[btf_map(name = "served")]
pub(crate) static SERVED: Array<Served, 3> = Array::new();
#[btf_map(name = "uplinks")]
pub(crate) static UPLINKS: HashMap<u32, LinkAddress, { UPLINKS_MAX as usize }> = HashMap::new();
#[btf_map(name = "tags")]
pub(crate) static TAGS: HashMap<TagKey, u32, { BACKENDS_MAX as usize }, ON_DEMAND> = HashMap::new();
#[btf_map(name = "origins")]
pub(crate) static ORIGINS: HashMap<FrontendKey, Origin, { BACKENDS_MAX as usize }, ON_DEMAND> =
    HashMap::new();

#[btf_map(name = "tls_names")]
pub(crate) static TLS_NAMES: HashMap<TlsName, TlsTarget, { TLS_NAMES_MAX as usize }, ON_DEMAND> =
    HashMap::new();
#[btf_map(name = "tls_wildcards")]
pub(crate) static TLS_WILDCARDS: LpmTrie<TlsName, TlsTarget, { TLS_NAMES_MAX as usize }> =
    LpmTrie::new();
#[btf_map(name = "tls_secret")]
pub(crate) static TLS_SECRET: Array<TlsSecret, 1> = Array::new();
#[btf_map(name = "tls_full")]
pub(crate) static TLS_FULL: Array<TlsFull, 1> = Array::new();
#[btf_map(name = "tls_no_stamps")]
pub(crate) static TLS_NO_STAMPS: LruHashMap<FrontendKey, TlsNoStamps, { NO_STAMPS_MAX as usize }> =
    LruHashMap::new();
#[btf_map(name = "tls_outcomes")]
pub(crate) static TLS_OUTCOMES: PerCpuArray<Count, { Outcome::ALL.len() }> = PerCpuArray::new();
#[btf_map(name = "tls_hellos_read")]
pub(crate) static TLS_HELLOS_READ: PerCpuArray<u64, { HelloKind::ALL.len() }> = PerCpuArray::new();
#[btf_map(name = "tls_scratch")]
pub(crate) static TLS_SCRATCH: PerCpuArray<Scratch, 1> = PerCpuArray::new();
#[btf_map(name = "xdp_programs")]
pub(crate) static XDP_PROGRAMS: ProgramArray<1> = ProgramArray::new();
#[btf_map(name = "tcx_programs")]
pub(crate) static TCX_PROGRAMS: ProgramArray<1> = ProgramArray::new();

#[btf_map(name = "splices")]
pub(crate) static SPLICES: HashMap<FlowKey, Splice, { SPLICES_MAX as usize }, ON_DEMAND> =
    HashMap::new();
#[btf_map(name = "ties")]
pub(crate) static TIES: HashMap<FlowKey, FlowKey, { SPLICES_MAX as usize }, ON_DEMAND> =
    HashMap::new();
/// Each connection has one for a moment, and the kernel keeps few elements of this size at hand: to get
/// more on demand would cost an interrupt for every few connections.
#[btf_map(name = "hellos")]
pub(crate) static HELLOS: HashMap<FlowKey, ShortHello, { HELLOS_MAX as usize }> = HashMap::new();
#[btf_map(name = "long_hellos")]
pub(crate) static LONG_HELLOS: HashMap<FlowKey, Hello, { LONG_HELLOS_MAX as usize }, ON_DEMAND> =
    HashMap::new();
#[btf_map(name = "tls_hello")]
pub(crate) static TLS_HELLO: PerCpuArray<Hello, 1> = PerCpuArray::new();
#[btf_map(name = "half_open")]
pub(crate) static HALF_OPEN: HashMap<FlowKey, HalfOpen, { HALF_OPEN_MAX as usize }, ON_DEMAND> =
    HashMap::new();

/// First entry of a backend. A static, because zeroing the stack would call memset.
pub(crate) static NO_TRAFFIC: BackendStats = BackendStats {
    request_packets: 0,
    request_bytes: 0,
    reply_packets: 0,
    reply_bytes: 0,
    flows: 0,
    asked: 0,
    accepted: 0,
};

/// First entry of a connection: a hello of which nothing is there yet.
pub(crate) static NO_HELLO: ShortHello = ShortHello::EMPTY;
