//! ICMP errors about packets of a connection: without them, neither end would find out how large a
//! packet may be on the way of the other.
//!
//! One from the client's side is about a packet that the backend sent, and goes on to it; one from the
//! backend's side goes on to the client. Addresses, ports and the sequence number of what is quoted
//! become those that the receiver knows; the rest of the quoted segment, if there is more, stays
//! (RFC 5508, 4.2).

use crate::{
    abi::{FORWARD, FlowKey, REVERSE},
    checksum,
    header::{End, Ip, L4 as _, Quote, Tcp},
    packet::{Bytes, Frame, Packet},
    splice::{
        Outcome, Scratch, Splice, Splices, connect, open, replay,
        segment::{Segment, number, words},
        state::{REPLAY, SPLICED, SPOKE},
    },
};

/// How an error changes.
struct Change {
    /// Its own source stays.
    keeps_source: bool,
    /// Added to the quoted sequence number.
    sequence: u32,
    /// What the quoted addresses and ports add to a checksum.
    address: u32,
    ports: u32,
}

impl Segment {
    /// Reads what can be known of a quoted segment: the ends as of the other end's packets, and the
    /// sequence number. `false`: not an error about a segment.
    #[inline(always)]
    fn read_quote<P: Packet + ?Sized, I: Ip>(&mut self, packet: &mut P, direction: u16) -> bool {
        let Some(frame) = packet.head::<Frame<I, Quote<I>>>() else {
            return false;
        };
        let Some(key) = frame.l4.key(direction) else {
            return false;
        };
        self.key = key;
        self.sequence = number(frame.l4.sequence());
        key.is_tcp() && I::is_error(frame.l4.icmp.kind)
    }
}

/// An error about a packet to the client.
#[inline(never)]
pub(super) fn from_client<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    if !scratch.segment.read_quote::<P, I>(packet, FORWARD) {
        return Outcome::NotOurs;
    }
    scratch.key = scratch.segment.key.copied();
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::NotOurs;
    };
    // What the client got before was not the backend's.
    if splice.state & SPOKE == 0 || !matches!(splice.phase, REPLAY | SPLICED) {
        return Outcome::EarlyError;
    }
    let change = Change {
        keeps_source: splice.source == scratch.key.source,
        sequence: splice.delta.wrapping_neg(),
        address: splice.address_delta,
        ports: splice.port_delta,
    };
    scratch.header.ahead(splice);
    let Some(frame) = packet.head::<Frame<I, Quote<I>>>() else {
        return Outcome::NoRoom;
    };
    apply(frame, &scratch.header.key, &change);
    Outcome::ErrorToBackend
}

/// An error about a packet to the backend.
#[inline(never)]
pub(super) fn from_backend<P, I, T>(
    packet: &mut P,
    scratch: &mut Scratch,
    tables: &mut T,
) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    if !scratch.segment.read_quote::<P, I>(packet, REVERSE)
        || !tables.tied(&scratch.segment.key, &mut scratch.key)
    {
        return Outcome::NotOurs;
    }
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::NotOurs;
    };
    if !connect::is_back_key(splice, &scratch.segment.key) {
        return Outcome::NotOurs;
    }
    if splice.phase != SPLICED {
        let sequence = scratch.segment.sequence;
        let narrower = splice.phase == REPLAY && narrow::<P, I>(packet, splice, sequence);
        return match narrower {
            true => replay::piece::<P, I, T>(packet, scratch, false, false, tables),
            false => Outcome::EarlyError,
        };
    }
    let change = Change {
        // The client knows nobody else.
        keeps_source: false,
        sequence: 0,
        address: checksum::reverse(splice.address_delta),
        ports: checksum::reverse(splice.port_delta),
    };
    scratch.header.answer(&scratch.key);
    let Some(frame) = packet.head::<Frame<I, Quote<I>>>() else {
        return Outcome::NoRoom;
    };
    apply(frame, &scratch.header.key, &change);
    Outcome::ErrorToClient
}

/// Takes in that the way to the backend carries less than a piece of the hello has; whether that is so.
/// The segment that is quoted must be one that was sent: anybody may send an error (RFC 5927, 4.1).
#[inline(always)]
fn narrow<P: Packet + ?Sized, I: Ip>(packet: &mut P, splice: &mut Splice, sequence: u32) -> bool {
    let Some(frame) = packet.head::<Frame<I, Quote<I>>>() else {
        return false;
    };
    let Some(mtu) = frame.l4.mtu() else {
        return false;
    };
    let first = splice.initial.wrapping_add(1);
    if sequence.wrapping_sub(first) >= splice.told.wrapping_sub(first) {
        return false;
    }
    let headers = (size_of::<I>() + size_of::<Tcp>()) as u32;
    // No way of today carries less than the segment size of who says nothing.
    let mss = match mtu.saturating_sub(headers) {
        mss if mss < u32::from(open::least::<I>()) => open::least::<I>(),
        mss if mss < u32::from(splice.answer.mss) => mss as u16,
        _ => splice.answer.mss,
    };
    let is_less = mss < splice.answer.mss;
    if is_less {
        splice.answer.mss = mss;
    }
    is_less
}

/// Gives an error the ends that `key` says, and what it quotes the opposite ones.
#[inline(never)]
fn apply<I: Ip>(frame: &mut Frame<I, Quote<I>>, key: &FlowKey, change: &Change) {
    let Frame { ip, l4: quote, .. } = frame;
    let mut own = checksum::address_delta(&ip.destination(), &key.destination);
    if !change.keeps_source {
        let source = checksum::address_delta(&ip.source(), &key.source);
        own = checksum::both(own, source);
        ip.set(End::Source, key.source, own);
        ip.set(End::Destination, key.destination, 0);
    } else {
        ip.set(End::Destination, key.destination, own);
    }
    quote.ip.set(End::Source, key.destination, change.address);
    quote.ip.set(End::Destination, key.source, 0);
    quote.l4.set(End::Source, key.destination_port);
    quote.l4.set(End::Destination, key.source_port);
    let old = number(quote.sequence());
    let new = old.wrapping_add(change.sequence);
    quote.set_sequence(words(new));
    let rest = checksum::both(change.ports, checksum::number_delta(old, new));
    quote.resum(own, change.address, rest);
}
