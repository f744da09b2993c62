//! The packet table of TLS passthrough: one list of steps, judged on the host and in the kernel.

pub(crate) mod fixture;
mod host;
mod judge;
mod kernel;
mod random;
mod segment;
mod steps;
mod talk;
mod way;
mod world;
