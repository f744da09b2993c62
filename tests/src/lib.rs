//! Test bed: namespaces, servers and clients of the end-to-end tests and of the demo.

pub mod apiserver;
pub mod bed;
pub mod daemon;
pub mod measured;
pub mod net;
pub mod peer;
pub mod process;
pub mod programs;
pub mod report;
pub mod wait;
