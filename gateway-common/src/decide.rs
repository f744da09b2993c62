//! The whole data path as functions over traits: the same code runs on the host and in the kernel.
//!
//! Parse, decide, rewrite: nothing is written before everything was checked, and every packet
//! ends in exactly one [`Counter`], whose kind says what to do with it.

mod neighbour;
mod open;
mod rewrite;
mod touch;

use crate::{
    abi::{Counter, FORWARD, Flow, FlowKey, Kind, REVERSE},
    header::{ETHER_IPV4, End, Ether, Ip, Ipv4, L4, Signal, Tcp, Udp},
    packet::{Frame, Packet},
    tables::{Tables, Traffic},
};

/// A packet that arrives on an uplink: requests for a layer 4 frontend get a backend's address
/// and go on through the node's stack; whoever asks for the link address of a gateway's address
/// is answered.
#[inline(always)]
pub fn ingress<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    let (tcp, udp) = (request::<P, Ipv4, Tcp, T>, request::<P, Ipv4, Udp, T>);
    by_protocol(packet, tables, tcp, udp, neighbour::ingress::<P, T, false>)
}

/// A packet behind XDP, on an uplink that XDP cannot answer on: whoever asks for the link address of
/// a gateway's address is answered. Counts answers only: all packets were counted before.
#[inline(always)]
pub fn answer<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    let bytes = packet.len();
    let outcome = neighbour::ingress::<_, _, true>(packet, tables);
    if outcome.kind() == Kind::Answer {
        tables.count(outcome, bytes);
    }
    outcome
}

/// A packet that leaves on an uplink: replies of backends get the gateway's address.
#[inline(always)]
pub fn egress<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    let (tcp, udp) = (reply::<P, Ipv4, Tcp, T>, reply::<P, Ipv4, Udp, T>);
    by_protocol(packet, tables, tcp, udp, neighbour::egress)
}

/// Lets `tcp` or `udp` decide, or `other` where it is not IPv4, and counts the outcome.
#[inline(always)]
fn by_protocol<P: Packet + ?Sized, T: Tables>(
    packet: &mut P,
    tables: &mut T,
    tcp: impl FnOnce(&mut P, &mut T) -> Counter,
    udp: impl FnOnce(&mut P, &mut T) -> Counter,
    other: impl FnOnce(&mut P, &mut T) -> Counter,
) -> Counter {
    let bytes = packet.len();
    let outcome = match protocol(packet) {
        Ok(p) if u16::from(p) == Tcp::PROTOCOL => tcp(packet, tables),
        Ok(p) if u16::from(p) == Udp::PROTOCOL => udp(packet, tables),
        Ok(_) => Counter::PassProtocol,
        Err(Counter::PassNotIpv4) => other(packet, tables),
        Err(reason) => reason,
    };
    tables.count(outcome, bytes);
    outcome
}

/// Protocol of a packet with plain headers; else why it is none of our business.
#[inline(always)]
fn protocol<P: Packet + ?Sized>(packet: &mut P) -> Result<u8, Counter> {
    let Some(ether) = packet.head::<Ether>() else {
        return Err(Counter::PassMalformed);
    };
    if ether.kind != ETHER_IPV4 {
        return Err(Counter::PassNotIpv4);
    }
    match packet.head::<Frame<Ipv4, ()>>() {
        Some(frame) => frame.ip.plain(),
        None => Err(Counter::PassMalformed),
    }
}

#[inline(always)]
fn request<P, I, L, T>(packet: &mut P, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
    T: Tables,
{
    let bytes = packet.len();
    let Some(frame) = packet.head::<Frame<I, L>>() else {
        return Counter::PassMalformed;
    };
    if !frame.ip.holds(bytes, size_of::<L>()) {
        return Counter::PassMalformed;
    }
    let (key, signal) = (frame.key(FORWARD), frame.l4.signal());
    let flow = match tables.flow(&key) {
        Some(flow) if quiet(flow, signal, tables) => Ok(flow),
        found => match prepare(&key, found.is_some(), signal, bytes, tables) {
            Counter::Opened => tables.flow(&key).ok_or(EVICTED),
            reason => Err(reason),
        },
    };
    let carried = flow.and_then(|flow| carry::<P, I, L>(packet, flow, End::Destination));
    settle(carried, &key, bytes, tables)
}

#[inline(always)]
fn reply<P, I, L, T>(packet: &mut P, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
    T: Tables,
{
    let bytes = packet.len();
    let Some(frame) = packet.head::<Frame<I, L>>() else {
        return Counter::PassMalformed;
    };
    let (key, signal) = (frame.key(REVERSE), frame.l4.signal());
    let flow = match tables.flow(&key) {
        None => return Counter::PassNoFlow,
        Some(flow) if quiet(flow, signal, tables) => Ok(flow),
        Some(_) => {
            touch::touch(&key, signal, tables);
            tables.flow(&key).ok_or(EVICTED)
        }
    };
    let carried = flow.and_then(|flow| carry::<P, I, L>(packet, flow, End::Source));
    settle(carried, &key, bytes, tables)
}

/// A flow that was evicted since a moment ago: the table is far too small for its load.
const EVICTED: Counter = Counter::DropTableFull;

/// The packet changes nothing about its flow: most packets need this one lookup only.
#[inline(always)]
fn quiet<T: Tables>(flow: &Flow, signal: Signal, tables: &T) -> bool {
    signal == 0 && !flow.stale(tables.now(), tables.hz())
}

/// Brings the flow of a request up to date, or opens it; [`Counter::Opened`] where there is one
/// to follow, else what becomes of the packet. `known`: the key was found.
#[inline(always)]
fn prepare<T: Tables>(
    key: &FlowKey,
    known: bool,
    signal: Signal,
    bytes: u64,
    tables: &mut T,
) -> Counter {
    if !known || touch::ended(key, signal, tables) {
        return open::open(key, bytes, tables);
    }
    touch::touch(key, signal, tables);
    Counter::Opened
}

/// Rewrites a packet as its flow says; the backend that it goes to or comes from.
#[inline(always)]
fn carry<P, I, L>(packet: &mut P, flow: &Flow, end: End) -> Result<u32, Counter>
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
{
    if rewrite::rewrite::<P, I, L>(packet, flow, end) {
        Ok(flow.backend)
    } else {
        Err(Counter::DropRewrite)
    }
}

/// Credits the backend of a packet that was carried, and tells of one that is dropped.
#[inline(always)]
fn settle<T: Tables>(
    carried: Result<u32, Counter>,
    key: &FlowKey,
    bytes: u64,
    tables: &mut T,
) -> Counter {
    let (outcome, traffic) = match key.direction {
        FORWARD => (Counter::Forwarded, Traffic::Request),
        _ => (Counter::Replied, Traffic::Reply),
    };
    match carried {
        Ok(backend) => {
            tables.credit(backend, traffic, bytes);
            outcome
        }
        Err(reason) => {
            if matches!(reason.kind(), Kind::Refuse | Kind::Drop) {
                tables.report(reason, key, bytes);
            }
            reason
        }
    }
}
