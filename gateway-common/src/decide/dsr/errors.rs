//! Errors about packets in outer headers, of which their senders know nothing.

use crate::{
    abi::{Counter, FORWARD, FlowKey},
    checksum::{self, address},
    header::{DeepQuote, End, Icmp, Ip, L4 as _, Quote},
    packet::{Frame, Packet},
    tables::Tables,
};

/// Whether an error is about a packet inside another.
#[inline(always)]
pub(in super::super) fn is_quoted<P: Packet + ?Sized, I: Ip>(packet: &mut P) -> bool {
    let frame = packet.head::<Frame<I, DeepQuote<I>>>();
    frame.is_some_and(|frame| frame.l4.outer.plain() == Ok(I::TUNNEL))
}

/// An error of this node's stack, which could not send a packet to the backend's node: tells the
/// client of its own packet, as if the gateway's address had refused that. What was quoted beyond
/// the certain 8 bytes is cut off.
#[inline(always)]
pub(in super::super) fn unquote<P, I, T>(packet: &mut P, tables: &T) -> Counter
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    match is_ours::<P, I, T>(packet, tables) {
        true => {
            cut::<P, I>(packet);
            finish::<P, I>(packet)
        }
        false => Counter::PassProtocol,
    }
}

/// Whether the error is about a packet that this node put inside another.
#[inline(never)]
fn is_ours<P, I, T>(packet: &mut P, tables: &T) -> bool
where
    P: Packet + ?Sized,
    I: Ip,
    T: Tables,
{
    let Some(frame) = packet.head::<Frame<I, DeepQuote<I>>>() else {
        return false;
    };
    let DeepQuote {
        outer, inner, l4, ..
    } = &frame.l4;
    let Ok(protocol) = inner.plain() else {
        return false;
    };
    let key = FlowKey {
        source: inner.source(),
        destination: inner.destination(),
        source_port: l4.source(),
        destination_port: l4.destination(),
        protocol: u16::from(protocol),
        direction: FORWARD,
    };
    if frame.ip.destination() != key.source || outer.source() != key.source {
        return false;
    }
    let node = outer.destination();
    let flow = tables.find(&key);
    flow.is_some_and(|flow| flow.is_dsr() && flow.peer == node)
}

/// Moves the inner packet to where the outer one was quoted.
#[inline(never)]
fn cut<P: Packet + ?Sized, I: Ip>(packet: &mut P) {
    let Some(frame) = packet.head::<Frame<I, DeepQuote<I>>>() else {
        return;
    };
    let l4 = frame.l4.l4;
    frame.l4.outer = frame.l4.inner;
    if let Some(frame) = packet.head::<Frame<I, Quote<I>>>() {
        frame.l4.l4 = l4;
    }
}

/// What fits the link with an outer header is less without it. An extension that may follow the
/// quoted packet (RFC 4884) is cut off with the rest.
#[inline(always)]
fn narrow<I: Ip>(icmp: &mut Icmp) {
    let [_, mtu] = icmp.rest;
    icmp.rest = match [icmp.kind, icmp.code] == I::TOO_BIG {
        true => [
            0,
            u16::from_be(mtu)
                .saturating_sub(size_of::<I>() as u16)
                .to_be(),
        ],
        false => [0, 0],
    };
}

/// Completes the message that quotes the inner packet.
#[inline(never)]
fn finish<P: Packet + ?Sized, I: Ip>(packet: &mut P) -> Counter {
    let Some(Frame { ip, l4: quote, .. }) = packet.head::<Frame<I, Quote<I>>>() else {
        return Counter::DropRewrite;
    };
    let gateway = quote.ip.destination();
    let delta = checksum::address_delta(&ip.source(), &gateway);
    ip.set(End::Source, gateway, delta);
    ip.set_payload(size_of::<Quote<I>>() as u16);
    narrow::<I>(&mut quote.icmp);
    quote.icmp.checksum = 0;
    let mut sum = quote.icmp.sum() + quote.ip.sum() + quote.l4.sum();
    if I::ICMP_COVERS_ADDRESSES {
        let length = (size_of::<Quote<I>>() as u16).to_be();
        let rest = u64::from(length) + u64::from(u16::from(I::ICMP).to_be());
        sum += address(&ip.source()) + address(&ip.destination()) + rest;
    }
    quote.icmp.checksum = checksum::text(sum);
    match packet.resize(size_of::<Frame<I, Quote<I>>>() as u64) {
        true => Counter::Related,
        false => Counter::DropRewrite,
    }
}
