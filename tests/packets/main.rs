//! The packet table: one list of frames and verdicts, judged on the host and in the kernel.
//!
//! Needs the privileges to load BPF programs, and fails without them.

mod fixture;
mod frames;
mod gates;
mod host;
mod kernel;
mod life;
mod path;
mod random;
mod rows;
mod table;
