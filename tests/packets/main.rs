//! The packet table: one list of frames and verdicts, judged on the host and in the kernel.
//!
//! Needs the privileges to load BPF programs, and fails without them.

mod answers;
mod control;
mod dsr;
mod events;
mod far;
mod fixture;
mod frames;
mod fresh;
mod gates;
mod host;
mod icmp;
mod kernel;
mod life;
mod neighbours;
mod nested;
mod options;
mod origins;
mod pass;
mod passthrough;
mod path;
mod race;
mod random;
mod refusals;
mod rows;
mod selection;
mod simulate;
mod steer;
mod sums;
mod table;
mod tagged;
mod tls;
mod verifier;
mod vlan;
#[allow(dead_code, reason = "a fuzz target uses the rest")]
mod wire;
