//! The kernel data path, computed: plan and endpoints to tables, tables to map operations.

pub mod backends;
pub mod compile;
pub mod diff;
mod ids;
pub mod maglev;
pub mod sim;
pub mod tables;
pub mod unserved;

pub use compile::{CapacityError, compile};
pub use diff::{MapOp, diff};
pub use tables::Tables;
pub use unserved::{Unserved, unserved};
