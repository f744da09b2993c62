//! The proxy over real sockets on loopback: raw bytes in, raw bytes out.

#[path = "proxy/backend.rs"]
mod backend;
#[path = "proxy/bed.rs"]
mod bed;
#[path = "proxy/framing.rs"]
mod framing;
#[path = "proxy/h2.rs"]
mod h2;
#[path = "proxy/keepalive.rs"]
mod keepalive;
#[path = "proxy/lifecycle.rs"]
mod lifecycle;
#[path = "proxy/observed.rs"]
mod observed;
#[path = "proxy/raw.rs"]
mod raw;
#[path = "proxy/routing.rs"]
mod routing;
#[path = "proxy/streaming.rs"]
mod streaming;
#[path = "proxy/upgrade.rs"]
mod upgrade;
