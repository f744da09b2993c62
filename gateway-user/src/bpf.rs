//! The kernel data path as seen from user space: loading, pins, links, maps.

pub mod object;

pub use object::OBJECT;
