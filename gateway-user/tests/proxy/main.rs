//! The proxy over real sockets on loopback: raw bytes in, raw bytes out.

mod aborts;
mod backend;
mod bed;
mod framing;
mod grpc;
mod h2;
mod keepalive;
mod lifecycle;
mod observed;
mod raw;
mod routing;
mod streaming;
mod tls;
mod upgrade;
