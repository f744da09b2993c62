//! The kernel data path's shell on the real kernel, in namespaces of its own. Needs root.

mod address;
mod clock;
mod flows;
mod modes;
mod names;
mod neighbours;
mod refuse;
mod rig;
mod served;
mod splices;
mod tables;
mod takeover;
mod traffic;
mod unload;
