//! The whole data path as functions over traits: the same code runs on the host and in the kernel.
//!
//! Parse, decide, rewrite: nothing is written before everything was checked, and every packet
//! ends in exactly one [`Counter`], whose kind says what to do with it.

mod open;
mod rewrite;
mod touch;

use crate::{
    abi::{Counter, FORWARD, FlowKey, Kind, REVERSE},
    header::{ETHER_IPV4, End, Ether, Ip, Ipv4, L4, Signal, Tcp, Udp},
    packet::{Frame, Packet},
    tables::{Tables, Traffic},
};

/// A packet that arrives on an uplink: requests for a layer 4 frontend get a backend's address
/// and go on through the node's stack.
#[inline(always)]
pub fn ingress<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    let outcome = match protocol(packet) {
        Ok(p) if u16::from(p) == Tcp::PROTOCOL => request::<P, Ipv4, Tcp, T>(packet, tables),
        Ok(p) if u16::from(p) == Udp::PROTOCOL => request::<P, Ipv4, Udp, T>(packet, tables),
        Ok(_) => Counter::PassProtocol,
        Err(reason) => reason,
    };
    tables.count(outcome, packet.len());
    outcome
}

/// A packet that leaves on an uplink: replies of backends get the gateway's address.
#[inline(always)]
pub fn egress<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    let outcome = match protocol(packet) {
        Ok(p) if u16::from(p) == Tcp::PROTOCOL => reply::<P, Ipv4, Tcp, T>(packet, tables),
        Ok(p) if u16::from(p) == Udp::PROTOCOL => reply::<P, Ipv4, Udp, T>(packet, tables),
        Ok(_) => Counter::PassProtocol,
        Err(reason) => reason,
    };
    tables.count(outcome, packet.len());
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
    let outcome = match ready(&key, signal, bytes, tables) {
        Ok(()) => carry::<P, I, L, T>(packet, &key, End::Destination, tables),
        Err(reason) => reason,
    };
    if outcome.kind() == Kind::Drop {
        tables.report(outcome, &key, bytes);
    }
    outcome
}

/// Makes sure that there is a flow to follow, and that it is kept up to date.
#[inline(always)]
fn ready<T: Tables>(
    key: &FlowKey,
    signal: Signal,
    bytes: u64,
    tables: &mut T,
) -> Result<(), Counter> {
    match tables.flow(key) {
        Some(flow) if signal == 0 && !flow.stale(tables.now(), tables.hz()) => return Ok(()),
        Some(_) if !touch::ended(key, signal, tables) => {}
        _ => {
            return match open::open(key, bytes, tables) {
                Counter::Opened => Ok(()),
                reason => Err(reason),
            };
        }
    }
    touch::touch(key, signal, tables);
    Ok(())
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
    let Some(flow) = tables.flow(&key) else {
        return Counter::PassNoFlow;
    };
    if signal != 0 || flow.stale(tables.now(), tables.hz()) {
        touch::touch(&key, signal, tables);
    }
    let outcome = carry::<P, I, L, T>(packet, &key, End::Source, tables);
    if outcome.kind() == Kind::Drop {
        tables.report(outcome, &key, bytes);
    }
    outcome
}

/// Rewrites a packet as its flow says.
#[inline(always)]
fn carry<P, I, L, T>(packet: &mut P, key: &FlowKey, end: End, tables: &mut T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
    T: Tables,
{
    let Some(flow) = tables.flow(key) else {
        // Evicted since a moment ago: the table is far too small for its load.
        return Counter::DropTableFull;
    };
    let backend = flow.backend;
    if !rewrite::rewrite::<P, I, L>(packet, flow, end) {
        return Counter::DropRewrite;
    }
    let (outcome, traffic) = match end {
        End::Destination => (Counter::Forwarded, Traffic::Request),
        End::Source => (Counter::Replied, Traffic::Reply),
    };
    tables.credit(backend, traffic, packet.len());
    outcome
}
