//! Names and capacities of maps and programs: one list for the loader, the programs and the tools.
//!
//! Names have at most 15 characters (`BPF_OBJ_NAME_LEN`), so that bpftool shows them whole.

/// Version of the layouts in [`crate::abi`]. Pins live below a directory of this name, and the
/// program carries it in `.rodata`, so that a daemon never reads maps of another layout.
pub const ABI_VERSION: u32 = 7;

/// (address, port, protocol) -> [`crate::abi::Frontend`].
pub const FRONTENDS: &str = "frontends";
/// Service id -> [`crate::abi::Service`].
pub const SERVICES: &str = "services";
/// Slot -> backend id; each service owns a region of slots.
pub const MAGLEV: &str = "maglev";
/// Backend id -> [`crate::abi::Backend`].
pub const BACKENDS: &str = "backends";
/// [`crate::abi::FlowKey`] -> [`crate::abi::Flow`], LRU, one entry for each direction: flows that
/// both ends take part in.
pub const FLOWS: &str = "flows";
/// The same, of flows that nothing proves yet: a flood of them evicts its like, and nothing else.
pub const FRESH: &str = "fresh_flows";
/// One [`crate::abi::Counters`] per CPU.
pub const COUNTERS: &str = "counters";
/// Backend id -> [`crate::abi::BackendStats`], per-CPU hash; the programs insert what is missing.
pub const BACKEND_STATS: &str = "backend_stats";
/// Worker index -> listening socket of the proxy (sockmap): for IPv4 from 0, for IPv6 from
/// [`LISTENERS_V6`].
pub const LISTENERS: &str = "listeners";
/// Ring buffer of [`crate::abi::Event`].
pub const EVENTS: &str = "events";
/// Jiffies of the last drop and of the last claim that were told, per CPU: keeps a flood of
/// packets from becoming a flood of events.
pub const EVENT_GATE: &str = "event_gate";

/// Address of a Gateway -> [`crate::abi::Address`].
pub const ADDRESSES: &str = "addresses";
/// Interface index -> [`crate::abi::LinkAddress`].
pub const UPLINKS: &str = "uplinks";

/// [`SNAT_V4`] and [`SNAT_V6`] -> [`crate::abi::Snat`].
pub const SNAT: &str = "snat";

/// [`crate::abi::TagKey`] -> id of a backend on this node.
pub const TAGS: &str = "tags";

/// Endpoint, as a [`crate::abi::FrontendKey`] -> [`crate::abi::Origin`].
pub const ORIGINS: &str = "origins";

/// A [`crate::abi::Served`] for each slot, see [`SERVED_ADDRESSES`].
pub const SERVED: &str = "served";

/// [`crate::abi::TlsName`] of one server name -> [`crate::abi::TlsTarget`]: however many there are, a
/// lookup costs the same.
pub const TLS_NAMES: &str = "tls_names";
/// [`crate::abi::TlsKey`] of all names below one, or of all that there are -> [`crate::abi::TlsTarget`], a
/// trie.
pub const TLS_WILDCARDS: &str = "tls_wildcards";
/// One [`crate::abi::TlsSecret`].
pub const TLS_SECRET: &str = "tls_secret";
/// One [`crate::abi::TlsFull`].
pub const TLS_FULL: &str = "tls_full";
/// Listener, as a [`crate::abi::FrontendKey`] -> [`crate::abi::TlsNoStamps`], LRU: a backend of it has
/// no time stamps.
pub const TLS_NO_STAMPS: &str = "tls_no_stamps";
/// One [`crate::abi::Count`] per [`crate::splice::Outcome`] and CPU.
pub const TLS_OUTCOMES: &str = "tls_outcomes";
/// A number per [`crate::splice::HelloKind`] and CPU.
pub const TLS_HELLOS_READ: &str = "tls_hellos_read";
/// [`crate::abi::FlowKey`] of a client -> [`crate::splice::Splice`].
pub const SPLICES: &str = "splices";
/// [`crate::abi::FlowKey`] of a backend's packets -> the client's.
pub const TIES: &str = "ties";
/// [`crate::abi::FlowKey`] of a client -> [`crate::splice::ShortHello`].
pub const HELLOS: &str = "hellos";
/// [`crate::abi::FlowKey`] of a client -> [`crate::splice::Hello`], of those that are longer.
pub const LONG_HELLOS: &str = "long_hellos";
/// The hello that a packet is about, per CPU.
pub const TLS_HELLO: &str = "tls_hello";
/// [`crate::abi::FlowKey`] of a client -> [`crate::splice::HalfOpen`].
pub const HALF_OPEN: &str = "half_open";
/// Working memory of the programs for TLS passthrough, per CPU.
pub const TLS_SCRATCH: &str = "tls_scratch";
/// Programs that others go on with, see [`TAIL_CALLED`].
pub const XDP_PROGRAMS: &str = "xdp_programs";
pub const TCX_PROGRAMS: &str = "tcx_programs";

/// Every map, for pinning. `frontends`, `services`, `backends`, `addresses`, `tags`, `origins`,
/// `uplinks`, `tls_names`, `splices`, `ties`, `hellos`, `long_hellos` and `half_open` are hashes,
/// `maglev`, `snat`, `served`, `tls_secret` and `tls_full` arrays.
pub const ALL: [&str; 33] = [
    FRONTENDS,
    SERVICES,
    MAGLEV,
    BACKENDS,
    FLOWS,
    FRESH,
    COUNTERS,
    BACKEND_STATS,
    LISTENERS,
    EVENTS,
    EVENT_GATE,
    ADDRESSES,
    UPLINKS,
    SNAT,
    TAGS,
    ORIGINS,
    SERVED,
    TLS_NAMES,
    TLS_WILDCARDS,
    TLS_SECRET,
    TLS_FULL,
    TLS_NO_STAMPS,
    TLS_OUTCOMES,
    TLS_HELLOS_READ,
    SPLICES,
    TIES,
    HELLOS,
    LONG_HELLOS,
    HALF_OPEN,
    TLS_HELLO,
    TLS_SCRATCH,
    XDP_PROGRAMS,
    TCX_PROGRAMS,
];

pub const FRONTENDS_MAX: u32 = 16_384;
/// Most services and backends; memory is used for those that there are. Each TLSRoute at an address
/// and port is a service, with backends of its own.
pub const SERVICES_MAX: u32 = 16_384;
pub const BACKENDS_MAX: u32 = 65_536;
pub const MAGLEV_SLOTS: u32 = 4_194_304;
/// By default; user space makes the map larger or smaller. A connection has two entries.
pub const FLOWS_MAX: u32 = 262_144;
pub const FRESH_MAX: u32 = 65_536;
/// Most proxy workers (one per core) on a node.
pub const LISTENERS_MAX: u32 = 256;
/// Slot of the first worker's IPv6 socket.
pub const LISTENERS_V6: u32 = LISTENERS_MAX;
/// Most addresses of Gateways.
pub const ADDRESSES_MAX: u32 = 4_096;
/// Most interfaces that the programs run on.
pub const UPLINKS_MAX: u32 = 64;
/// Slots of `served`: addresses of listeners; endpoints near by that layer 4 listeners lead to; and what
/// may be this side's end of TLS passthrough, its listeners and every endpoint near by.
pub const SERVED_ADDRESSES: u32 = 0;
pub const SERVED_ENDPOINTS: u32 = 1;
pub const SERVED_TLS: u32 = 2;
/// Slots of `snat`.
pub const SNAT_V4: u32 = 0;
pub const SNAT_V6: u32 = 1;
/// Ports of the node that connections to far backends come from: above the kernel's own choice
/// (`net.ipv4.ip_local_port_range` ends at 60999 by default) and Kubernetes' node ports.
pub const SNAT_FIRST_PORT: u32 = 61_000;
pub const SNAT_PORTS: u32 = 4_536;
/// Most server names of all frontends together, wildcards included.
pub const TLS_NAMES_MAX: u32 = 262_144;
/// Most connections of TLS passthrough; memory is used for those that there are.
pub const SPLICES_MAX: u32 = 1_048_576;
/// Most of them whose hello is under way: short ones, whose 24 MB are taken beforehand, and long ones of
/// 32 KB each.
pub const HELLOS_MAX: u32 = 8_192;
pub const LONG_HELLOS_MAX: u32 = 1_024;
/// Most clients whose SYN was answered without time stamps, and whose options are remembered.
pub const HALF_OPEN_MAX: u32 = 16_384;
/// Most listeners that are known to have backends without time stamps; those that come in need last are
/// forgotten first.
pub const NO_STAMPS_MAX: u32 = 1_024;
/// Slot of `xdp_programs` and of `tcx_programs`. Empty until a listener of TLS passthrough is there.
pub const SLOT_TLS: u32 = 0;
/// Slots of `event_gate`: for drops, and for claims.
pub const EVENT_GATE_DROPS: u32 = 0;
pub const EVENT_GATE_CLAIMS: u32 = 1;
/// Bytes of the ring buffer, a power of two and whole pages.
pub const EVENTS_BYTES: u32 = 65_536;

/// XDP program on the uplinks: requests towards the gateway.
pub const PROGRAM_INGRESS: &str = "xdpgw_ingress";
/// tcx egress program on the uplinks: replies of L4 backends.
pub const PROGRAM_EGRESS: &str = "xdpgw_egress";
/// tcx ingress program of uplinks that XDP cannot answer on: questions for their link address.
pub const PROGRAM_ANSWER: &str = "xdpgw_answer";
/// sk_lookup program of the network namespace: connections for the proxy.
pub const PROGRAM_LOOKUP: &str = "xdpgw_lookup";
/// XDP program behind [`PROGRAM_INGRESS`]: clients of TLS passthrough.
pub const PROGRAM_TLS: &str = "xdpgw_tls";
/// tcx program behind [`PROGRAM_EGRESS`] and [`PROGRAM_ANSWER`]: its backends, near and far.
pub const PROGRAM_TLS_BACK: &str = "xdpgw_tls_back";
/// Programs that others go on with, by the array whose slot [`SLOT_TLS`] is theirs.
pub const TAIL_CALLED: [(&str, &str); 2] = [
    (XDP_PROGRAMS, PROGRAM_TLS),
    (TCX_PROGRAMS, PROGRAM_TLS_BACK),
];
/// XDP program that is never attached: a test run returns the low 32 bits of jiffies, the clock
/// of `Flow::last_seen`.
pub const PROGRAM_CLOCK: &str = "xdpgw_clock";

/// Global in `.rodata`: [`ABI_VERSION`] as the object was compiled.
pub const GLOBAL_ABI: &str = "ABI";
/// Global in `.rodata`, `u32`: jiffies in a second. The loader sets it from the resolution of
/// `CLOCK_MONOTONIC_COARSE`, which is one jiffy.
pub const GLOBAL_HZ: &str = "HZ";
