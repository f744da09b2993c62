//! Names and capacities of maps and programs: one list for the loader, the programs and the tools.
//!
//! Names have at most 15 characters (`BPF_OBJ_NAME_LEN`), so that bpftool shows them whole.

/// Version of the layouts in [`crate::abi`]. Pins live below a directory of this name, and the
/// program carries it in `.rodata`, so that a daemon never reads maps of another layout.
pub const ABI_VERSION: u32 = 1;

/// (address, port, protocol) -> [`crate::abi::Frontend`].
pub const FRONTENDS: &str = "frontends";
/// Service id -> [`crate::abi::Service`].
pub const SERVICES: &str = "services";
/// Slot -> backend id; each service owns a region of slots.
pub const MAGLEV: &str = "maglev";
/// Backend id -> [`crate::abi::Backend`].
pub const BACKENDS: &str = "backends";
/// [`crate::abi::FlowKey`] -> [`crate::abi::Flow`], LRU, one entry for each direction.
pub const FLOWS: &str = "flows";
/// One [`crate::abi::Counters`] per CPU.
pub const COUNTERS: &str = "counters";
/// Backend id -> [`crate::abi::BackendStats`], per CPU.
pub const BACKEND_STATS: &str = "backend_stats";
/// Worker index -> listening socket of the proxy (sockmap).
pub const LISTENERS: &str = "listeners";

pub const FRONTENDS_MAX: u32 = 16_384;
pub const SERVICES_MAX: u32 = 4_096;
pub const MAGLEV_SLOTS: u32 = 1_048_576;
pub const BACKENDS_MAX: u32 = 16_384;
pub const FLOWS_MAX: u32 = 262_144;
/// Most proxy workers (one per core) on a node.
pub const LISTENERS_MAX: u32 = 256;

/// XDP program on the uplinks: requests towards the gateway.
pub const PROGRAM_INGRESS: &str = "xdpgw_ingress";
/// tcx egress program on the uplinks: replies of L4 backends.
pub const PROGRAM_EGRESS: &str = "xdpgw_egress";
/// sk_lookup program of the network namespace: connections for the proxy.
pub const PROGRAM_LOOKUP: &str = "xdpgw_lookup";
