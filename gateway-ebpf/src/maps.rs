//! The maps, with BTF types, so that tools print them by field.

use aya_ebpf::{
    btf_maps::{Array, HashMap, LruHashMap, PerCpuArray, PerCpuHashMap, RingBuf, SockMap},
    macros::btf_map,
};
use gateway_common::{
    abi::{
        Address, Backend, BackendStats, Counters, Flow, FlowKey, Frontend, FrontendKey,
        LinkAddress, Origin, Served, Service, Snat, TagKey,
    },
    addr::Addr,
    maps::{
        ADDRESSES_MAX, BACKENDS_MAX, EVENTS_BYTES, FLOWS_MAX, FRESH_MAX, FRONTENDS_MAX,
        LISTENERS_MAX, MAGLEV_SLOTS, SERVICES_MAX, UPLINKS_MAX,
    },
};

#[btf_map(name = "frontends")]
pub(crate) static FRONTENDS: HashMap<FrontendKey, Frontend, { FRONTENDS_MAX as usize }> =
    HashMap::new();
#[btf_map(name = "services")]
pub(crate) static SERVICES: HashMap<u32, Service, { SERVICES_MAX as usize }> = HashMap::new();
#[btf_map(name = "maglev")]
pub(crate) static MAGLEV: Array<u32, { MAGLEV_SLOTS as usize }> = Array::new();
#[btf_map(name = "backends")]
pub(crate) static BACKENDS: HashMap<u32, Backend, { BACKENDS_MAX as usize }> = HashMap::new();
#[btf_map(name = "flows")]
pub(crate) static FLOWS: LruHashMap<FlowKey, Flow, { FLOWS_MAX as usize }> = LruHashMap::new();
#[btf_map(name = "fresh_flows")]
pub(crate) static FRESH: LruHashMap<FlowKey, Flow, { FRESH_MAX as usize }> = LruHashMap::new();
#[btf_map(name = "counters")]
pub(crate) static COUNTERS: PerCpuArray<Counters, 1> = PerCpuArray::new();
#[btf_map(name = "backend_stats")]
pub(crate) static BACKEND_STATS: PerCpuHashMap<u32, BackendStats, { BACKENDS_MAX as usize }> =
    PerCpuHashMap::new();
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
pub(crate) static SERVED: Array<Served, 1> = Array::new();
#[btf_map(name = "uplinks")]
pub(crate) static UPLINKS: HashMap<u32, LinkAddress, { UPLINKS_MAX as usize }> = HashMap::new();
#[btf_map(name = "tags")]
pub(crate) static TAGS: HashMap<TagKey, u32, { BACKENDS_MAX as usize }> = HashMap::new();

#[btf_map(name = "origins")]
pub(crate) static ORIGINS: HashMap<FrontendKey, Origin, { BACKENDS_MAX as usize }> = HashMap::new();

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
