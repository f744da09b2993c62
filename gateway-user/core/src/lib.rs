//! Everything pure in user space: Gateway API objects in, tables for the data paths out.
//!
//! No clock, no randomness, no IO: those are arguments.
#![forbid(unsafe_code)]
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

pub mod addresses;
pub mod announce;
pub mod api;
pub mod balance;
pub mod endpoints;
pub mod features;
mod hash;
pub mod health;
pub mod http;
pub mod infrastructure;
pub mod l4;
pub mod name;
pub mod pace;
pub mod pcapng;
pub mod plan;
pub mod status;
pub mod translate;
pub mod verdict;
pub mod world;
