//! Flows to backends whose replies would not pass this node: both ends of each packet are
//! rewritten, and the node sends it out itself, for its network stack would take a packet from its
//! own address for a forgery. It leaves by the uplink that it came by, to the next hop of the node's
//! routes there.

use super::{fresh, icmp, neighbour, quiet};
use crate::{
    abi::{Counter, FORWARD, Flow, FlowKey, REVERSE},
    addr::Addr,
    checksum,
    header::{End, Ip, Ipv6, L4, Quote, Tcp, Udp},
    packet::{Frame, Packet},
    tables::{Tables, Traffic},
};

/// What is none of these flows.
const PASS: Counter = Counter::PassProtocol;

/// A packet that arrives on an uplink, behind XDP.
#[inline(always)]
pub(super) fn packet<P: Packet + ?Sized, I: Ip, T: Tables>(
    packet: &mut P,
    tables: &mut T,
) -> Counter {
    let plain = packet.head::<Frame<I, ()>>().map(|frame| frame.ip.plain());
    match plain {
        Some(Ok(p)) if u16::from(p) == Tcp::PROTOCOL => segment::<P, I, Tcp, T>(packet, tables),
        Some(Ok(p)) if u16::from(p) == Udp::PROTOCOL => segment::<P, I, Udp, T>(packet, tables),
        Some(Ok(p)) if p == I::ICMP && I::ICMP == Ipv6::ICMP && neighbour::is_ndp(packet) => {
            neighbour::ndp::<P, T, true>(packet, tables)
        }
        Some(Ok(p)) if p == I::ICMP => error::<P, I, T>(packet, tables),
        _ => PASS,
    }
}

/// Whether a packet to this address and port may belong to a far flow, and which way it goes.
#[inline(always)]
fn direction<I: Ip, T: Tables>(destination: &Addr, port: u16, tables: &T) -> Option<u16> {
    if tables.snat(I::SNAT)?.takes(destination, port) {
        return Some(REVERSE);
    }
    let is_ours = tables.may_serve(destination) && tables.address(destination).is_some();
    is_ours.then_some(FORWARD)
}

#[inline(never)]
fn segment<P, I, L, T>(packet: &mut P, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
    T: Tables,
{
    let bytes = packet.len();
    let Some(frame) = packet.head::<Frame<I, L>>() else {
        return PASS;
    };
    let (mut key, signal, hops) = (frame.key(FORWARD), frame.l4.signal(), frame.ip.hops());
    match direction::<I, T>(&key.destination, key.destination_port, tables) {
        Some(way) => key.direction = way,
        None => return own::<P, I, T>(packet, &key, tables),
    }
    // XDP has brought flows of requests up to date.
    let is_reply = key.direction == REVERSE;
    if is_reply {
        match tables.flow(&key) {
            Some(flow) if quiet(flow, signal, tables) => {}
            None if key.is_tcp() && tables.is_tied(&key) => return Counter::Tls,
            // The flow is looked for below, wherever it is now.
            found => {
                fresh::reply(&key, found.is_some(), signal, bytes, tables);
            }
        }
    }
    let Some(flow) = tables.find(&key).filter(|flow| flow.is_far()) else {
        return PASS;
    };
    let backend = flow.backend;
    match send::<P, I, L>(packet, flow, is_reply, hops) {
        Ok(()) => {
            let (outcome, traffic) = match is_reply {
                false => (Counter::Forwarded, Traffic::Request),
                true => (Counter::Replied, Traffic::Reply(signal)),
            };
            tables.credit(backend, traffic, bytes);
            outcome
        }
        Err(reason) => {
            tables.report(reason, &key, bytes);
            reason
        }
    }
}

/// A packet of TLS passthrough that XDP has given an address of this node, for a far backend, or an
/// error about one of the backend's; `key`: from the node to the backend. Anybody may send one that
/// looks like it: only those of connections that there are go on.
#[inline(always)]
fn own<P: Packet + ?Sized, I: Ip, T: Tables>(packet: &mut P, key: &FlowKey, tables: &T) -> Counter {
    let snat = tables.snat(I::SNAT);
    let is_own = snat.is_some_and(|snat| snat.takes(&key.source, key.source_port));
    if !is_own || !key.is_tcp() {
        return PASS;
    }
    let reply = FlowKey {
        source: key.destination,
        destination: key.source,
        source_port: key.destination_port,
        destination_port: key.source_port,
        protocol: key.protocol,
        direction: REVERSE,
    };
    if !tables.is_tied(&reply) {
        return PASS;
    }
    match packet.head::<Frame<I, ()>>() {
        Some(frame) if frame.ip.hops() > 1 => {
            frame.ip.hop();
            Counter::Forwarded
        }
        _ => Counter::DropHops,
    }
}

/// Rewrites a packet of a far flow.
#[inline(always)]
fn send<P, I, L>(packet: &mut P, flow: &Flow, is_reply: bool, hops: u8) -> Result<(), Counter>
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
{
    if hops <= 1 {
        return Err(Counter::DropHops);
    }
    if !packet.adjust::<I, L>(flow.address_delta, flow.port_delta) {
        return Err(Counter::DropRewrite);
    }
    let Some(frame) = packet.head::<Frame<I, L>>() else {
        return Err(Counter::DropRewrite);
    };
    place::<I>(&mut frame.ip, ends(flow, is_reply), flow.address_delta);
    let (port, peer) = (flow.port as u16, flow.peer_port as u16);
    let (source, destination) = match is_reply {
        false => (peer, port),
        true => (port, peer),
    };
    frame.l4.set(End::Source, source);
    frame.l4.set(End::Destination, destination);
    frame.ip.hop();
    Ok(())
}

/// Source and destination of the flow's packets as they leave.
#[inline(always)]
const fn ends(flow: &Flow, is_reply: bool) -> [&Addr; 2] {
    match is_reply {
        false => [&flow.peer, &flow.address],
        true => [&flow.address, &flow.peer],
    }
}

/// Both addresses at once; `delta` is what they add together.
#[inline(always)]
fn place<I: Ip>(ip: &mut I, [source, destination]: [&Addr; 2], delta: u32) {
    ip.set(End::Source, *source, delta);
    ip.set(End::Destination, *destination, 0);
}

/// An error about a packet of a far flow, as [`icmp`] does for near ones: from the client's side
/// about a reply, or from the backend's about a request. The quoted packet went the other way.
#[inline(never)]
fn error<P: Packet + ?Sized, I: Ip, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    let Some(frame) = packet.head::<Frame<I, Quote<I>>>() else {
        return PASS;
    };
    let Frame { ip, l4: quote, .. } = frame;
    let (hops, to) = (ip.hops(), ip.destination());
    let Some(mut key) = quote.key(FORWARD) else {
        return PASS;
    };
    let old = [ip.source(), to];
    match direction::<I, T>(&to, key.destination_port, tables) {
        Some(way) => key.direction = way,
        // Of TLS passthrough, from the client's side: the addresses are those of the backend's packets.
        None if to == key.destination => return own::<P, I, T>(packet, &key, tables),
        None => return PASS,
    }
    let is_reply = key.direction == REVERSE;
    let Some(flow) = tables.find(&key).filter(|flow| flow.is_far()) else {
        return match is_reply && key.is_tcp() && tables.is_tied(&key) {
            true => Counter::Tls,
            false => PASS,
        };
    };
    if hops <= 1 {
        return Counter::DropHops;
    }
    let ends @ [source, destination] = ends(flow, is_reply);
    let Some(Frame { ip, l4: quote, .. }) = packet.head::<Frame<I, Quote<I>>>() else {
        return Counter::DropRewrite;
    };
    let own = checksum::both(
        checksum::address_delta(&old[0], source),
        checksum::address_delta(&old[1], destination),
    );
    place::<I>(ip, ends, own);
    ip.hop();
    requote(quote, flow, is_reply, own, key.protocol);
    Counter::Related
}

/// Translates what an error quotes; `own` is what its own addresses add to a checksum.
#[inline(never)]
fn requote<I: Ip>(quote: &mut Quote<I>, flow: &Flow, is_reply: bool, own: u32, protocol: u16) {
    let [destination, source] = ends(flow, is_reply);
    place::<I>(&mut quote.ip, [source, destination], flow.address_delta);
    let (port, peer) = (flow.port as u16, flow.peer_port as u16);
    let (source, destination) = match is_reply {
        false => (port, peer),
        true => (peer, port),
    };
    quote.l4.set(End::Source, source);
    quote.l4.set(End::Destination, destination);
    icmp::resum(quote, flow, own, protocol);
}
