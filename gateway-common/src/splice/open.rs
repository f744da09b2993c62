//! Packets of clients without an entry: a SYN is answered without memory, and the first data proves
//! that the answer arrived.

use crate::{
    abi::FlowKey,
    header::Ip,
    packet::Bytes,
    splice::{
        HalfOpen, Offer, Outcome, Scratch, Splice, Splices, WINDOW, collect, cookie, forge,
        segment::{ACK, FIN, RST, SYN},
        state::COLLECT,
        world::Listener,
    },
};

/// The segment size of who says nothing (RFC 9293, 3.7.1).
const MSS_V4: u16 = 536;
const MSS_V6: u16 = 1220;

/// The same, by the family.
#[inline(always)]
pub(super) const fn least<I: Ip>() -> u16 {
    match size_of::<I>() {
        20 => MSS_V4,
        _ => MSS_V6,
    }
}

/// Seconds in which a client's first data may come after what follows it.
const YOUNG: u32 = 30;

#[inline(never)]
pub(super) fn first<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let Some(listener) = tables.listener(&scratch.key) else {
        return Outcome::NotOurs;
    };
    scratch.look(packet, least::<I>());
    match scratch.segment.flags & (SYN | ACK | RST | FIN) {
        SYN => answer::<P, I, T>(packet, scratch, &listener, tables),
        ACK if scratch.segment.bytes == 0 => bare::<P, I, T>(packet, scratch, tables),
        flags if flags & (SYN | RST) == 0 && flags & ACK != 0 => {
            begin::<P, I, T>(packet, scratch, tables)
        }
        // A reset answers nothing.
        _ if tables.is_local(&scratch.key) => Outcome::Local,
        _ => Outcome::Unproved,
    }
}

/// What proves nothing: of a connection that nobody knows any more, which the node's stack resets, or
/// ahead of the first data, and then nobody may. A client that echoes a recent time stamp may be a new
/// one. Without time stamps it is remembered since when it has been heard of.
#[inline(always)]
fn stray<T: Splices>(scratch: &Scratch, tables: &mut T) -> Outcome {
    let (key, walk) = (&scratch.key, &scratch.walk);
    if tables.is_local(key) {
        return Outcome::Local;
    }
    let old = match walk.stamps {
        // The node's stack may have answered it, and remember as little.
        _ if !answers(tables) => true,
        0 => is_old(scratch, tables),
        _ => tables.clock().wrapping_sub(walk.echo) >= YOUNG * 1000,
    };
    match old {
        true => Outcome::Stray,
        false => Outcome::Unproved,
    }
}

/// SYNs are answered here at present.
#[inline(always)]
fn answers<T: Splices>(tables: &T) -> bool {
    cookie::known(tables).is_some() && !tables.is_full()
}

#[inline(always)]
fn is_old<T: Splices>(scratch: &Scratch, tables: &mut T) -> bool {
    let (now, hz) = (tables.now(), tables.hz());
    if let Some(heard) = tables.held(&scratch.key) {
        return now.wrapping_sub(heard.since) >= YOUNG * hz;
    }
    let heard = HalfOpen {
        initial: scratch.segment.sequence,
        since: now,
        offer: Offer::plain(scratch.walk.offer.mss),
    };
    // Where there is no room, the client has to find out by itself.
    tables.hold(&scratch.key, &heard);
    false
}

/// Answers a SYN. Data in it is not taken (RFC 7413), the client sends it again.
#[inline(always)]
fn answer<P, I, T>(
    packet: &mut P,
    scratch: &mut Scratch,
    listener: &Listener,
    tables: &mut T,
) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    // All of a tuple is the node's own, until its stack has forgotten it.
    if tables.is_local(&scratch.key) {
        return Outcome::Local;
    }
    if tables.is_full() {
        return Outcome::NoCookie;
    }
    let mut offer = scratch.walk.offer;
    // A client that is told time stamps may take nothing without (RFC 7323, 3.2), and a backend that has
    // none never sends any.
    if offer.has_stamps() && tables.has_no_stamps(&scratch.key) {
        offer.drop_stamps();
    }
    if offer.needs_keeping() {
        let half_open = HalfOpen {
            initial: scratch.segment.sequence,
            since: tables.now(),
            offer,
        };
        if !tables.hold(&scratch.key, &half_open) {
            offer = Offer::plain(offer.mss);
        }
    }
    let Some(number) = cookie::make(&scratch.key, scratch.segment.sequence, &offer, tables) else {
        return Outcome::NoCookie;
    };
    let stamp = offer.stamp(tables.clock());
    let answer = Offer {
        mss: listener.mss,
        scale: offer.told(),
        flags: offer.flags,
    };
    scratch.header.answer(&scratch.key);
    scratch.header.says(
        number,
        scratch.segment.sequence.wrapping_add(1),
        WINDOW,
        SYN | ACK,
    );
    scratch
        .header
        .options
        .opening(&answer, (stamp, scratch.walk.value));
    reply::<P, I>(packet, scratch, Outcome::Accepted)
}

/// Makes the frame an answer.
#[inline(always)]
pub(super) fn reply<P: Bytes + ?Sized, I: Ip>(
    packet: &mut P,
    scratch: &Scratch,
    outcome: Outcome,
) -> Outcome {
    match forge::bare::<P, I>(packet, &scratch.header, outcome) {
        Outcome::NoRoom => Outcome::NoRoom,
        _ if !forge::turn(packet) => Outcome::NoRoom,
        outcome => outcome,
    }
}

/// An acknowledgment alone: the end of the handshake, a keep-alive after it, or nothing of ours.
#[inline(always)]
fn bare<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let number = scratch.segment.acknowledged.wrapping_sub(1);
    let (key, sequence) = (&scratch.key, scratch.segment.sequence);
    if cookie::check(key, sequence.wrapping_sub(1), number, tables).is_some() {
        return Outcome::Proved;
    }
    let Some(mss) = cookie::check(key, sequence, number, tables) else {
        return stray(scratch, tables);
    };
    let offer = match scratch.walk.stamps {
        0 => held(key, sequence, tables).unwrap_or(Offer::plain(mss)),
        _ => Offer::of_stamp(scratch.walk.echo, mss),
    };
    scratch.header.answer(key);
    scratch.header.says(
        scratch.segment.acknowledged,
        sequence.wrapping_add(1),
        super::offer::scaled(u32::from(WINDOW), offer.told()),
        ACK,
    );
    scratch.header.options.stamps(
        scratch.walk.stamps != 0,
        (scratch.walk.echo, scratch.walk.value),
    );
    reply::<P, I>(packet, scratch, Outcome::Acknowledged)
}

/// What a client offered whose answer said so.
#[inline(always)]
fn held<T: Splices>(key: &FlowKey, initial: u32, tables: &T) -> Option<Offer> {
    let half_open = tables.held(key)?;
    (half_open.initial == initial).then_some(half_open.offer)
}

/// The first data, or an end without any.
#[inline(always)]
fn begin<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let key = &scratch.key;
    let (initial, number) = (
        scratch.segment.sequence.wrapping_sub(1),
        scratch.segment.acknowledged.wrapping_sub(1),
    );
    let Some(mss) = cookie::check(key, initial, number, tables) else {
        return stray(scratch, tables);
    };
    if scratch.segment.bytes == 0 {
        return reset::<P, I>(packet, scratch, Outcome::Unused);
    }
    let offer = match scratch.walk.stamps {
        0 => held(key, initial, tables).unwrap_or(Offer::plain(mss)),
        _ => Offer::of_stamp(scratch.walk.echo, mss),
    };
    let splice = &mut scratch.splice;
    *splice = Splice::filled(packet.veiled_zero() as u32);
    splice.phase = COLLECT;
    splice.last_seen = tables.now();
    splice.since = splice.last_seen;
    splice.client_end = scratch.segment.sequence;
    splice.initial = initial;
    splice.cookie = number;
    splice.acknowledged = scratch.segment.acknowledged;
    splice.received = scratch.segment.sequence;
    splice.stamp_told = scratch.walk.echo;
    splice.stamp_client = scratch.walk.value;
    splice.window_client = super::offer::unscaled(scratch.segment.window, offer.scale);
    splice.offer = offer;
    match enter(key, &scratch.splice, tables) {
        Entered::Now => {}
        Entered::Elsewhere => return Outcome::Repeated,
        Entered::NoRoom => {
            tables.note_full();
            // The node's stack knows nothing of this connection, nor can it.
            return reset::<P, I>(packet, scratch, Outcome::Full);
        }
    }
    tables.release(&scratch.key);
    collect::take::<P, I, T>(packet, scratch, true, tables)
}

/// Whether a connection is remembered.
enum Entered {
    Now,
    /// By another CPU, which has a copy of the segment or a later one: this one is as if lost.
    Elsewhere,
    NoRoom,
}

/// Remembers a connection. The hello comes first: whoever finds the connection finds that, too.
#[inline(always)]
fn enter<T: Splices>(key: &FlowKey, splice: &Splice, tables: &mut T) -> Entered {
    if !tables.open_hello(key) {
        return match tables.hello_bytes(key) {
            Some(_) => Entered::Elsewhere,
            None => Entered::NoRoom,
        };
    }
    if tables.insert(key, splice) {
        return Entered::Now;
    }
    tables.close_hello(key);
    match tables.splice(key) {
        Some(_) => Entered::Elsewhere,
        None => Entered::NoRoom,
    }
}

/// Answers a client's segment with a RST at the number that it waits for.
#[inline(always)]
pub(super) fn reset<P: Bytes + ?Sized, I: Ip>(
    packet: &mut P,
    scratch: &mut Scratch,
    outcome: Outcome,
) -> Outcome {
    scratch.header.answer(&scratch.key);
    let segment = &scratch.segment;
    scratch
        .header
        .resets(segment.acknowledged, segment.end(), ACK);
    reply::<P, I>(packet, scratch, outcome)
}
