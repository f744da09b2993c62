//! The shell around gateway-core: sources, data paths, status. A library, so that tests reach in.

pub mod address;
pub mod bpf;
pub mod proxy;
