//! `cargo xtask bench`: numbers to compare, no verdict.

use anyhow::Result;
use clap::Subcommand;

use crate::{privileges, setup};

mod build;
mod envoy;
mod http;
mod kernel;
mod machine;
mod manifests;
mod place;
mod programs;
mod rounds;
mod routes;
mod sni;
mod tcp;
mod wire;

#[derive(Subcommand)]
pub(crate) enum Subject {
    /// Nanoseconds for a packet in the XDP program
    Kernel(kernel::Args),
    /// HTTP on one core beside HAProxy, Envoy and nginx: CPU time a request, latency at a fixed rate
    Http(http::Args),
    /// Nanoseconds to find the route of a request among up to 10,000 on its host
    Routes,
    /// Bytes of a TCP connection beside HAProxy and nftables: rate, CPU time a gigabyte
    Tcp(tcp::Args),
    /// TLS passthrough by server name beside HAProxy, nginx and Envoy: connections, bytes, CPU time
    Sni(sni::Args),
}

pub(crate) fn run(subject: &Subject) -> Result<()> {
    privileges::ensure()?;
    setup::run()?;
    match subject {
        Subject::Kernel(args) => kernel::run(args),
        Subject::Http(args) => http::run(args),
        Subject::Routes => routes::run(),
        Subject::Tcp(args) => tcp::run(args),
        Subject::Sni(args) => sni::run(args),
    }
}
