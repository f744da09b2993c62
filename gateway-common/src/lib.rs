//! What kernel and user space share: map layouts and names, and the pure data path.
//!
//! `no_std` and without dependencies, because the same code is compiled into the BPF programs.
#![cfg_attr(not(test), no_std)]
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

pub mod abi;
pub mod addr;
pub mod capture;
pub mod checksum;
pub mod client_hello;
pub mod decide;
pub mod flow;
pub mod header;
pub mod maps;
pub mod packet;
pub mod pick;
pub mod splice;
pub mod steer;
pub mod tables;
pub mod vlan;
