//! The other end: a packet inside another arrives on the node of its backend.
//!
//! Only what a gateway may have sent is touched: to this node's address, with the same source
//! outside and inside, and inside a packet to a layer 4 frontend or an error about one of its flows.
//! Whoever forges that gains nothing but the choice of a backend: all else could be sent to the
//! frontend itself.

use super::super::{carry, fresh, icmp, open, quiet, revive, settle, touch};
use crate::{
    abi::{Counter, FORWARD, Flow, FlowKey, Frontend, NEAR, Service, TUNNEL, TagKey},
    addr::Addr,
    header::{CONGESTED, End, Ether, Ip, L4, NOT_CAPABLE, Nested, Quote, Signal, Tcp, Udp},
    packet::{Frame, Packet},
    pick,
    tables::{Tables, Traffic},
};

/// What is somebody else's.
const PASS: Counter = Counter::PassProtocol;

/// A packet inside another, which arrives on an uplink.
///
/// In steps one after the other instead of calls within calls: their frames share the stack.
#[inline(always)]
pub(in super::super) fn arrive<P, I, T>(packet: &mut P, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    let (mut key, bytes) = (NO_KEY, packet.len());
    let read = read::<P, I, T>(packet, bytes, &mut key, tables);
    if read == 0 {
        return PASS;
    }
    if key.protocol == u16::from(I::ICMP) {
        return error::<P, I, T>(packet, tables);
    }
    match enter(&key, read, bytes, tables) {
        Counter::Opened if !strip::<P, I>(packet) => Counter::DropRewrite,
        Counter::Opened if key.is_tcp() => deliver::<P, I, Tcp, T>(packet, &key, tables),
        Counter::Opened => deliver::<P, I, Udp, T>(packet, &key, tables),
        reason => reason,
    }
}

/// Written over before anybody looks.
const NO_KEY: FlowKey = FlowKey {
    source: Addr::from_v4([0; 2]),
    destination: Addr::from_v4([0; 2]),
    source_port: 0,
    destination_port: 0,
    protocol: 0,
    direction: FORWARD,
};

/// The packet, of which the compiler knows nothing more. Where a function only reads it, LLVM would
/// pass the bounds of its bytes as 32-bit numbers instead, and the kernel refuses such arithmetic.
#[inline(always)]
fn opaque<P: Packet + ?Sized>(packet: &mut P) -> &mut P {
    core::hint::black_box(packet)
}

/// Whether a packet of `bytes` may be ours. If so, its key without ports is noted, and the rest is
/// [`head`]'s; else 0.
#[inline(never)]
fn read<P, I, T>(packet: &mut P, bytes: u64, key: &mut FlowKey, tables: &T) -> u32
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    let packet = opaque(packet);
    let Some(frame) = packet.head::<Frame<Nested<I>, ()>>() else {
        return 0;
    };
    let Nested { outer, inner } = &frame.ip;
    let inside = usize::from(inner.payload()) + size_of::<I>();
    let whole = outer.holds(bytes, size_of::<I>()) && inside <= usize::from(outer.payload());
    key.source = inner.source();
    if !whole || outer.source() != key.source {
        return 0;
    }
    let here = outer.destination();
    let Ok(protocol) = inner.plain() else {
        return 0;
    };
    let ours = tables.snat(I::SNAT);
    if !ours.is_some_and(|link| link.ports != 0 && link.address == here) {
        return 0;
    }
    key.destination = inner.destination();
    key.protocol = protocol.into();
    match key.protocol {
        Tcp::PROTOCOL => head::<P, I, Tcp>(packet, key),
        Udp::PROTOCOL => head::<P, I, Udp>(packet, key),
        p if p == u16::from(I::ICMP) => READ,
        _ => 0,
    }
}

/// Notes the ports of the inner packet; gives the tag, and its signal above that. 0: it is cut
/// short.
#[inline(always)]
fn head<P, I, L>(packet: &mut P, key: &mut FlowKey) -> u32
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
{
    let Some(frame) = packet.head::<Frame<Nested<I>, L>>() else {
        return 0;
    };
    let Nested { outer, inner } = &frame.ip;
    if usize::from(inner.payload()) < size_of::<L>() {
        return 0;
    }
    key.source_port = frame.l4.source();
    key.destination_port = frame.l4.destination();
    outer.tag() | frame.l4.signal() << 16 | READ
}

/// Marks what [`read`] gives.
const READ: u32 = 1 << 31;

/// Finds or makes the flow of the inner packet, of which [`read`] gave `read`: [`Counter::Opened`],
/// or why there is none.
#[inline(never)]
fn enter<T: Tables>(key: &FlowKey, read: u32, bytes: u64, tables: &mut T) -> Counter {
    let (tag, signal) = (read & 0xffff, (read & !READ) >> 16);
    let known = tables.flow(key).map(|flow| quiet(flow, signal, tables));
    let outcome = match known {
        Some(true) => Counter::Established,
        known if revive(key, known.is_some(), signal, tables) => Counter::Established,
        _ => match fresh::request(key, signal, bytes, tables) {
            fresh::NONE => match named(key, tag, tables) {
                FOREIGN => return PASS,
                NOT_HERE => Counter::DropNotHere,
                id => admit(key, id, signal, bytes, tables),
            },
            outcome => outcome,
        },
    };
    tables.count(Counter::Decapsulated, bytes);
    match outcome {
        Counter::Established | Counter::Opened => Counter::Opened,
        reason => {
            tables.report(reason, key, bytes);
            reason
        }
    }
}

/// Sends the packet, without its outer header, to the backend of its flow.
#[inline(never)]
fn deliver<P, I, L, T>(packet: &mut P, key: &FlowKey, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
    T: Tables,
{
    let bytes = packet.len();
    let carried = match tables.find(key) {
        Some(flow) if flow.is_near() => carry::<P, I, L>(packet, flow, End::Destination),
        // The gateway that sent it has other tables, for a moment. Never to a third node: that
        // could send it back.
        Some(_) => Err(Counter::DropNotHere),
        None => Err(Counter::DropTableFull),
    };
    settle(carried, key, 0, bytes, tables)
}

/// Instead of a backend's id: the packet is for no frontend of ours.
const FOREIGN: u32 = 0;
/// The same: its backend is not on this node.
const NOT_HERE: u32 = u32::MAX;

/// Id of the backend on this node that the outer header of a packet names. Where the tag means
/// nothing, and be it that segmentation offload wrote over it, the one that all gateways choose
/// first.
#[inline(never)]
fn named<T: Tables>(key: &FlowKey, tag: u32, tables: &T) -> u32 {
    let Ok(&Frontend { service, .. }) = open::frontend(key, tables) else {
        return FOREIGN;
    };
    let id = match tables.tagged(&TagKey { service, tag }) {
        Some(id) => id,
        None => match first_choice(key, service, tables) {
            Some(id) => id,
            None => return NOT_HERE,
        },
    };
    match tables.backend(id) {
        Some(backend) if backend.far == NEAR && backend.service == service => id,
        _ => NOT_HERE,
    }
}

#[inline(always)]
fn first_choice<T: Tables>(key: &FlowKey, service: u32, tables: &T) -> Option<u32> {
    let &Service {
        maglev_offset,
        maglev_size,
        affinity,
        ..
    } = tables.service(service)?;
    if maglev_size == 0 {
        return None;
    }
    let hash = match affinity {
        0 => pick::hash(key),
        _ => pick::client(key),
    };
    tables.slot(maglev_offset + pick::slot(hash, 0, maglev_size))
}

/// Opens a flow to a backend: [`Counter::Opened`], or why not. Both entries tell that its requests
/// come in outer headers.
#[inline(never)]
fn admit<T: Tables>(key: &FlowKey, id: u32, signal: Signal, bytes: u64, tables: &mut T) -> Counter {
    let outcome = open::connect(key, id, 0, tables);
    if outcome == Counter::Opened {
        touch::note(key, TUNNEL, tables);
        tables.count(Counter::Opened, bytes);
        tables.credit(id, Traffic::Opened(signal), bytes);
    }
    outcome
}

/// An error about a reply that went to the client from here.
#[inline(never)]
fn error<P, I, T>(packet: &mut P, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    let bytes = packet.len();
    let Some(frame) = packet.head::<Frame<Nested<I>, Quote<I>>>() else {
        return PASS;
    };
    let kind = frame.l4.icmp.kind;
    let Some(key) = frame.l4.key(FORWARD) else {
        return PASS;
    };
    if !I::is_error(kind) || !tables.find(&key).is_some_and(Flow::is_near) {
        return PASS;
    }
    tables.count(Counter::Decapsulated, bytes);
    match strip::<P, I>(packet) {
        true => icmp::ingress::<P, I, T>(packet, tables),
        false => Counter::DropRewrite,
    }
}

/// Takes the outer header off; what it says of congestion goes on (RFC 6040, 4.2).
#[inline(never)]
fn strip<P: Packet + ?Sized, I: Ip>(packet: &mut P) -> bool {
    let Some(frame) = packet.head::<Frame<Nested<I>, ()>>() else {
        return false;
    };
    let ether: Ether = frame.ether;
    let Nested { outer, inner } = &mut frame.ip;
    if outer.congestion() == CONGESTED && inner.congestion() != NOT_CAPABLE {
        inner.set_congested();
    }
    if !packet.shift(size_of::<I>() as i32) {
        return false;
    }
    let Some(frame) = packet.head::<Frame<I, ()>>() else {
        return false;
    };
    frame.ether = ether;
    true
}
