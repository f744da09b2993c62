//! TLS passthrough by server name without a proxy: two TCP connections become one.
//!
//! The client's SYN is answered with a cookie, and nothing is remembered. Its ClientHello is
//! collected, and the server name in it chooses a service. An endpoint of that gets a SYN with the
//! client's own initial sequence number, then the hello. From there on the two ends talk with each
//! other: only the numbers of the endpoint's bytes, its time stamps and windows are translated, for
//! the endpoint has chosen other ones than the client was told. The client's bytes keep theirs.
//!
//! ```text
//! client                     gateway                    backend
//!   | SYN x                     |                          |
//!   |                SYN-ACK y  |  y is a cookie: no state |
//!   | ACK, hello                |                          |
//!   |                           |  SYN x                   |
//!   |                           |                SYN-ACK z |
//!   |                           |  ACK, hello              |
//!   |                           |                      ACK |
//!   |            numbers - z + y|                          |
//!   | everything                |  acknowledged - y + z    |
//! ```
//!
//! No timer runs here. Each packet that arrives is dropped, passed on or becomes another one, and
//! what is lost is sent again because the client, which has no acknowledgment of its hello, sends
//! again; or the backend does.
//!
//! A connection that the node's own proxy gets is no other: its endpoint is the listener itself, at the
//! address that the client knows.
//!
//! A pure core. Link addresses, routes and hop limits are the caller's, which acts on a [`Verdict`]. A
//! caller must not run it for two packets of one connection at once, or bear that one of them is as if
//! lost.

mod backend;
mod client;
mod collect;
mod connect;
mod cookie;
mod endpoint;
mod errors;
mod forge;
mod hello_kind;
mod offer;
mod open;
mod options;
mod outcome;
mod replay;
mod scratch;
mod segment;
pub mod state;
mod translate;
mod world;

#[cfg(test)]
mod tests;

pub use self::{
    cookie::COOKIE,
    endpoint::endpoint,
    forge::turn,
    hello_kind::{HelloKind, choose},
    offer::{NO_SCALE, Offer, SACK, SCALE, STAMPS},
    outcome::{Outcome, Verdict},
    scratch::{Credit, Scratch},
    state::{FirstBytes, HalfOpen, Hello, SHORT, ShortHello, Splice},
    world::{Choice, Endpoint, Found, Listener, Splices},
};
use crate::{
    abi::FlowKey,
    header::{ETHER_IPV4, ETHER_IPV6, Ether, Ip, Ipv4, Ipv6},
    packet::{Bytes, Frame},
};

/// Bytes that a client may send before a backend answers, as its SYN is told: a whole hello.
pub const WINDOW: u16 = crate::client_hello::MAX as u16;
/// Endpoints that are tried for one connection.
pub const ATTEMPTS: u32 = 8;
/// SYNs that an endpoint is sent before the next one is tried.
pub const TRIES: u32 = 3;

/// A packet that [`crate::decide::ingress`] says is of TLS passthrough: a TCP packet to a passthrough
/// listener, or of a connection that had one, or an ICMP error about a packet to such a client.
#[inline(always)]
pub fn from_client<P, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    T: Splices,
{
    from::<Client, P, T>(packet, scratch, tables)
}

/// A TCP packet of a backend, or an ICMP error about one to it; also one of the node's own stack that
/// leaves on an uplink.
#[inline(always)]
pub fn from_backend<P, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    T: Splices,
{
    from::<Backend, P, T>(packet, scratch, tables)
}

/// What is done with the packets of one side.
trait Side {
    fn segment<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
    where
        P: Bytes + ?Sized,
        I: Ip,
        T: Splices;
    fn error<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
    where
        P: Bytes + ?Sized,
        I: Ip,
        T: Splices;
}

struct Client;
struct Backend;

impl Side for Client {
    #[inline(always)]
    fn segment<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
    where
        P: Bytes + ?Sized,
        I: Ip,
        T: Splices,
    {
        client::packet::<P, I, T>(packet, scratch, tables)
    }

    #[inline(always)]
    fn error<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
    where
        P: Bytes + ?Sized,
        I: Ip,
        T: Splices,
    {
        errors::from_client::<P, I, T>(packet, scratch, tables)
    }
}

impl Side for Backend {
    #[inline(always)]
    fn segment<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
    where
        P: Bytes + ?Sized,
        I: Ip,
        T: Splices,
    {
        backend::packet::<P, I, T>(packet, scratch, tables)
    }

    #[inline(always)]
    fn error<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
    where
        P: Bytes + ?Sized,
        I: Ip,
        T: Splices,
    {
        errors::from_backend::<P, I, T>(packet, scratch, tables)
    }
}

#[inline(always)]
fn from<S, P, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    S: Side,
    P: Bytes + ?Sized,
    T: Splices,
{
    scratch.credit.clear();
    match packet.head::<Ether>().map(|ether| ether.kind) {
        Some(ETHER_IPV4) => by_protocol::<S, P, Ipv4, T>(packet, scratch, tables),
        Some(ETHER_IPV6) => by_protocol::<S, P, Ipv6, T>(packet, scratch, tables),
        _ => Outcome::NotOurs,
    }
}

/// A segment, unless it is an error, for callers know that it is either.
#[inline(always)]
fn by_protocol<S, P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    S: Side,
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let frame = packet.head::<Frame<I, ()>>();
    match frame.is_some_and(|frame| frame.ip.plain() == Ok(I::ICMP)) {
        true => S::error::<P, I, T>(packet, scratch, tables),
        false => S::segment::<P, I, T>(packet, scratch, tables),
    }
}

/// The key of a connection's tie, once it has an endpoint.
#[inline(always)]
pub fn tie_of(splice: &Splice) -> FlowKey {
    let mut back = FlowKey::default();
    connect::write_back_key(splice, &mut back);
    back
}

/// Whether a tie leads nowhere, with what it leads to: user space may remove it.
pub fn is_loose(backend: &FlowKey, splice: Option<&Splice>) -> bool {
    splice.is_none_or(|splice| !connect::is_back_key(splice, backend))
}

/// Removes what is not needed of a connection whose client is reset. A client that believes part of
/// its hello to have arrived would not prove itself again, should the reset be lost.
#[inline(never)]
fn refuse<T: Splices>(key: &FlowKey, tables: &mut T) {
    let now = tables.now();
    let Some(splice) = tables.splice(key) else {
        return;
    };
    if splice.early == 0 && splice.state & state::SPOKE == 0 {
        return forget(key, tables);
    }
    splice.phase = state::REFUSED;
    splice.last_seen = now;
    let back = tie_of(splice);
    tables.untie(&back);
    tables.close_hello(key);
}

/// Removes everything about a connection.
#[inline(never)]
pub fn forget<T: Splices>(key: &FlowKey, tables: &mut T) {
    let mut has_hello = true;
    if let Some(splice) = tables.splice(key) {
        has_hello = splice.has_hello();
        let back = tie_of(splice);
        tables.untie(&back);
    }
    if has_hello {
        tables.close_hello(key);
    }
    tables.remove(key);
}
