//! The kernel data path, computed: plan and endpoints to tables, tables to map operations.

pub mod backends;
pub mod compile;
pub mod diff;
pub mod drain;
pub mod flows;
mod ids;
pub mod maglev;
pub mod names;
mod origins;
pub mod proxied;
mod reach;
pub mod share;
pub mod silent;
pub mod sim;
pub mod sweep;
pub mod tables;
#[cfg(test)]
pub(crate) mod testing;
pub mod trace;
pub mod unserved;

pub use compile::{CapacityError, Node, compile};
pub use diff::{MapOp, diff};
pub use drain::Drains;
pub use proxied::{Proxied, proxied};
pub use silent::Silent;
pub use sweep::{Gauges, Sweep};
pub use tables::Tables;
pub use unserved::{Unserved, unserved};
