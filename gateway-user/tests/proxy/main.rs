//! The proxy over real sockets on loopback: raw bytes in, raw bytes out.

mod aborts;
mod backend;
mod bed;
mod certificate;
mod cors;
mod framing;
mod grpc;
mod h2;
mod keepalive;
mod lifecycle;
mod mirrors;
mod observed;
mod parameters;
mod passthrough;
mod raw;
mod retries;
mod rewrite;
mod routing;
mod sessions;
mod smuggling;
mod streaming;
mod terminate;
mod timeouts;
mod tls;
mod upgrade;
