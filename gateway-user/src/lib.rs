//! The shell around gateway-core: sources, data paths, status. A library, so that tests reach in.
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

pub mod address;
pub mod admin;
pub mod announce;
pub mod bpf;
pub mod capture;
pub mod check;
pub mod cli;
pub mod debounce;
pub mod files;
pub mod health;
pub mod inspect;
pub mod kube;
pub mod metrics;
pub mod proxy;
pub mod run;
pub mod status;
pub mod table;
#[cfg(test)]
mod testing;
pub mod unload;
