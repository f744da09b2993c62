//! The steps of a connection, each as a row: a frame, what comes of it, and what leaves.

mod asked;
mod chosen;
mod drained;
mod errors;
mod hellos;
mod local;
mod opening;
mod refused;
mod spliced;
mod stamps;
