//! Control messages: errors go to whom they concern, pings of the gateway are answered.
//!
//! An error comes from somewhere on the way and quotes the packet that it is about, with the
//! addresses which that had there. Its own addresses and the quoted ones are translated as those of
//! the flow; without this, path MTU discovery would stop at the gateway (RFC 5508, RFC 2663).

use super::{dsr, fresh, neighbour};
use crate::{
    abi::{Counter, FORWARD, Flow, FlowKey, REVERSE, UDP},
    checksum,
    header::{End, Icmp, Ip, L4 as _, Quote},
    packet::{Frame, Packet},
    tables::Tables,
};

/// A control message that arrives on an uplink.
#[inline(never)]
pub(super) fn ingress<P, I, T>(packet: &mut P, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    match kind::<P, I>(packet) {
        Some(kind) if kind == I::ECHO => echo::<P, I, T>(packet, tables),
        Some(kind) if I::is_error(kind) => related::<P, I, T>(packet, End::Destination, tables),
        Some(_) => Counter::PassProtocol,
        None => Counter::PassMalformed,
    }
}

/// A control message that leaves on an uplink.
#[inline(never)]
pub(super) fn egress<P, I, T>(packet: &mut P, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    match kind::<P, I>(packet) {
        Some(kind) if I::is_error(kind) && dsr::is_quoted::<P, I>(packet) => {
            dsr::unquote::<P, I, T>(packet, tables)
        }
        Some(kind) if I::is_error(kind) => related::<P, I, T>(packet, End::Source, tables),
        Some(_) => Counter::PassProtocol,
        None => Counter::PassMalformed,
    }
}

#[inline(always)]
fn kind<P: Packet + ?Sized, I: Ip>(packet: &mut P) -> Option<u8> {
    let frame = packet.head::<Frame<I, Icmp>>()?;
    Some(frame.l4.kind)
}

/// Answers a ping of an address that this node answers for. Where XDP cannot send, and for packets
/// with options or in fragments, the network stack answers.
#[inline(always)]
fn echo<P, I, T>(packet: &mut P, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    let (interface, bytes) = (packet.interface(), packet.len());
    let Some((mac, true)) = neighbour::uplink::<T, false>(interface, tables) else {
        return Counter::PassProtocol;
    };
    let Some(Frame {
        ether,
        ip,
        l4: icmp,
    }) = packet.head::<Frame<I, Icmp>>()
    else {
        return Counter::PassMalformed;
    };
    if !ip.holds(bytes, size_of::<Icmp>()) {
        return Counter::PassMalformed;
    }
    let from = ip.source();
    // From ourselves or from a group: nobody to answer, or a loop.
    let answerable = neighbour::same(ether.destination, mac)
        && icmp.code == 0
        && !from.is_group()
        && !neighbour::is_ours(&from, tables);
    if !answerable || !neighbour::is_ours(&ip.destination(), tables) {
        return Counter::PassProtocol;
    }
    ether.destination = ether.source;
    ether.source = mac;
    ip.turn();
    icmp.set_kind(I::ECHO_REPLY);
    Counter::AnswerEcho
}

/// Translates an error about a packet of a flow. `end`: the one that is rewritten, as in the flow's
/// own packets of this direction; the quoted packet went the other way.
#[inline(always)]
fn related<P, I, T>(packet: &mut P, end: End, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    let Some(frame) = packet.head::<Frame<I, Quote<I>>>() else {
        return Counter::PassProtocol;
    };
    let Frame { ip, l4: quote, .. } = frame;
    let direction = match end {
        End::Destination => FORWARD,
        End::Source => REVERSE,
    };
    let Some(key) = quote.key(direction) else {
        return Counter::PassProtocol;
    };
    if end == End::Source && tables.find(&key).is_none() {
        // It may be the first that comes back.
        fresh::derive(&key, tables);
    }
    let Some(flow) = tables.find(&key) else {
        return passed_through(&key, end, tables);
    };
    if !flow.is_near() {
        return match flow.is_dsr() && end == End::Destination {
            true => onward::<P, I, T>(packet, &key, tables),
            false => Counter::PassFar,
        };
    }
    let old = match end {
        End::Destination => ip.destination(),
        End::Source => ip.source(),
    };
    let (address, port) = (flow.address, flow.port as u16);
    let own = checksum::address_delta(&old, &address);
    ip.set(end, address, own);
    quote.ip.set(end.other(), address, flow.address_delta);
    quote.l4.set(end.other(), port);
    resum(quote, flow, own, key.protocol);
    Counter::Related
}

/// An error about no packet of a flow.
#[inline(always)]
fn passed_through<T: Tables>(key: &FlowKey, end: End, tables: &T) -> Counter {
    let is_known = key.is_tcp()
        && match end {
            End::Destination => tables.is_spliced(key),
            End::Source => tables.is_tied(key),
        };
    match is_known {
        true => Counter::Tls,
        false => Counter::PassProtocol,
    }
}

/// Sends an error to the node of the backend that it concerns.
#[inline(never)]
fn onward<P, I, T>(packet: &mut P, key: &FlowKey, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    let bytes = packet.len();
    let Some(flow) = tables.find(key) else {
        return Counter::PassProtocol;
    };
    if !dsr::wrap::<P, I>(packet, &flow.peer, flow.peer_port) {
        return Counter::DropRewrite;
    }
    tables.count(Counter::Encapsulated, bytes);
    Counter::Related
}

/// Corrects the checksums of an error whose quote was translated as `flow` says; `own` is what its
/// own addresses add.
#[inline(always)]
pub(super) fn resum<I: Ip>(quote: &mut Quote<I>, flow: &Flow, own: u32, protocol: u16) {
    let mut delta = flow.port_delta;
    if u32::from(protocol) == UDP {
        let before = quote.l4.checksum;
        quote.l4.adjust(flow.address_delta + flow.port_delta);
        delta += checksum::word_delta(before, quote.l4.checksum);
    }
    quote.resum(own, flow.address_delta, delta);
}
