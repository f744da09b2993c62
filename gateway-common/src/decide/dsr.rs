//! Direct server return: a packet for a backend on another node goes to that node whole, inside
//! another one (IP in IP). That node strips the outer header and serves the packet as if the client
//! had sent it there, so that the backend sees the client's address, and its replies go to the
//! client directly.
//!
//! The outer packet keeps the client as its source, so that the network stack of this node routes
//! it, and tells the client of what goes wrong; it leads to the node, not to the pod, so that it
//! needs no route to pods. A tag of 16 bits names the backend.

mod arrive;
mod errors;

pub(super) use self::{
    arrive::arrive,
    errors::{is_quoted, unquote},
};
use crate::{
    abi::{CLOSED_BY_BACKEND, Counter, Flow, FlowKey, TUNNEL},
    addr::Addr,
    checksum,
    header::{Ether, Ip, Opening, Tcp},
    packet::{Frame, Packet},
    tables::{Tables, Traffic},
};

/// Enters the flow of `key` to backend `id`, which is on another node: one entry, for replies do
/// not pass this one.
#[inline(never)]
pub(super) fn connect<T: Tables>(key: &FlowKey, id: u32, tables: &mut T) -> Counter {
    let Some(backend) = tables.backend(id) else {
        return Counter::RefuseNoBackend;
    };
    let flow = Flow {
        address: backend.address,
        peer: backend.node,
        port: backend.port,
        peer_port: backend.tag,
        service: backend.service,
        backend: id,
        // Of the backend's end nothing will be seen.
        state: TUNNEL | CLOSED_BY_BACKEND,
        last_seen: tables.now(),
        address_delta: 0,
        port_delta: 0,
    };
    match tables.insert(key, &flow) {
        true => Counter::Opened,
        false => Counter::DropTableFull,
    }
}

/// Sends a request to the node of its backend: [`Counter::Forwarded`], or why not.
#[inline(never)]
pub(super) fn send<P, I, T>(
    packet: &mut P,
    node: &Addr,
    tag: u32,
    backend: u32,
    tables: &mut T,
) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    let bytes = packet.len();
    if !wrap::<P, I>(packet, node, tag) {
        return Counter::DropRewrite;
    }
    tables.count(Counter::Encapsulated, bytes);
    tables.credit(backend, Traffic::Request, bytes);
    Counter::Forwarded
}

/// Puts the outer header in front of a packet; `false`: there is no room.
#[inline(always)]
pub(super) fn wrap<P: Packet + ?Sized, I: Ip>(packet: &mut P, node: &Addr, tag: u32) -> bool {
    let Some(ether) = packet.head::<Ether>().copied() else {
        return false;
    };
    if !packet.shift(-(size_of::<I>() as i32)) {
        return false;
    }
    let Some(frame) = packet.head::<Frame<I, I>>() else {
        return false;
    };
    frame.ether = ether;
    frame.ip.enclose(&frame.l4, node, tag);
    true
}

/// Lowers the largest segment size that a backend announces to a client, so that the client's
/// segments fit the link between the nodes with their outer header.
#[inline(never)]
pub(super) fn clamp<P, I, T>(packet: &mut P, tables: &T)
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    let Some(link) = tables.snat(I::SNAT) else {
        return;
    };
    let headers = 2 * size_of::<I>() as u32 + size_of::<Tcp>() as u32;
    let Some(most) = link.mtu.checked_sub(headers) else {
        return;
    };
    let Some(frame) = packet.head::<Frame<I, Opening>>() else {
        return;
    };
    let (old, new) = match frame.l4.segment_size() {
        Some(size) if u32::from(size) > most => (size.to_be(), (most as u16).to_be()),
        _ => return,
    };
    if !packet.adjust::<I, Tcp>(0, checksum::word_delta(old, new)) {
        return;
    }
    if let Some(frame) = packet.head::<Frame<I, Opening>>() {
        frame.l4.value = new;
    }
}
