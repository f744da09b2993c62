//! The BPF object that the daemon carries.

/// ELF object built by `build.rs` from gateway-ebpf, aligned for the parser.
pub static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/gateway"));

/// The same with logging compiled in, for development (`--kernel-log`).
pub static OBJECT_LOG: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/gateway-log"));

/// A program that tells the time of the flow table, and nothing else: for commands that look at
/// the maps of a daemon.
pub(super) static OBJECT_CLOCK: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/clock"));

/// The same as [`OBJECT`] with copies of packets compiled in: for `capture`.
pub(super) static OBJECT_CAPTURE: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/gateway-capture"));
