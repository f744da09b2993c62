//! `maps`, `flows` and `trace`: the data path in force, read from the kernel's maps. They work
//! without a daemon, which adds names where one answers.

mod flows;
mod follow;
mod maps;
pub mod names;
mod trace;

pub use self::{flows::flows, maps::maps, trace::trace};
