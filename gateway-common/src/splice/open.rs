//! Packets of clients without an entry: a SYN is answered without memory, and the first data proves
//! that the answer arrived.

use crate::{
    abi::FlowKey,
    header::Ip,
    packet::Bytes,
    splice::{
        HalfOpen, NO_SCALE, Offer, Outcome, Scratch, Splice, Splices, WINDOW, collect, forge,
        forget,
        segment::{ACK, FIN, RST, SYN},
        state::COLLECT,
        world::Listener,
    },
};

/// The segment size of who says nothing (RFC 9293, 3.7.1).
const MSS_V4: u16 = 536;
const MSS_V6: u16 = 1220;
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
    let mss = if scratch.key.source.is_v4() {
        MSS_V4
    } else {
        MSS_V6
    };
    scratch.look(packet, mss);
    match scratch.segment.flags & (SYN | ACK | RST | FIN) {
        SYN => answer::<P, I, T>(packet, scratch, &listener, tables),
        ACK if scratch.segment.bytes == 0 => bare::<P, I, T>(packet, scratch, &listener, tables),
        flags if flags & (SYN | RST) == 0 && flags & ACK != 0 => {
            begin::<P, I, T>(packet, scratch, &listener, tables)
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
        0 => is_old(scratch, tables),
        _ => tables.clock().wrapping_sub(walk.echo) >= YOUNG * 1000,
    };
    match old {
        true => Outcome::Stray,
        false => Outcome::Unproved,
    }
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
    let mut offer = scratch.walk.offer;
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
    let Some(cookie) = tables.cookie(&scratch.key, scratch.segment.sequence, offer.mss) else {
        return Outcome::NoCookie;
    };
    let stamp = offer.stamp(tables.clock());
    let answer = Offer {
        mss: listener.mss,
        scale: announced(&offer, listener) as u8,
        flags: offer.flags,
    };
    scratch.header.answer(&scratch.key);
    scratch.header.says(
        cookie,
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

/// The shift of windows that a client with this offer is told.
#[inline(always)]
fn announced(offer: &Offer, listener: &Listener) -> u32 {
    match offer.has_scale() {
        true => u32::from(listener.scale),
        false => u32::from(NO_SCALE),
    }
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
fn bare<P, I, T>(
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
    let cookie = scratch.segment.acknowledged.wrapping_sub(1);
    let (key, sequence) = (&scratch.key, scratch.segment.sequence);
    if tables.proves(key, sequence.wrapping_sub(1), cookie) {
        return Outcome::Proved;
    }
    if !tables.proves(key, sequence, cookie) {
        return stray(scratch, tables);
    }
    let offer = match scratch.walk.stamps {
        0 => held(key, sequence, tables).unwrap_or(Offer::plain(0)),
        _ => Offer::of_stamp(scratch.walk.echo),
    };
    scratch.header.answer(key);
    scratch.header.says(
        scratch.segment.acknowledged,
        sequence.wrapping_add(1),
        super::offer::scaled(u32::from(WINDOW), announced(&offer, listener) as u8),
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
fn begin<P, I, T>(
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
    let key = &scratch.key;
    let (initial, cookie) = (
        scratch.segment.sequence.wrapping_sub(1),
        scratch.segment.acknowledged.wrapping_sub(1),
    );
    if !tables.proves(key, initial, cookie) {
        return stray(scratch, tables);
    }
    // An old copy of what the stack was handed proves itself, too.
    if tables.is_local(key) {
        return Outcome::Local;
    }
    if scratch.segment.bytes == 0 {
        return reset::<P, I>(packet, scratch, Outcome::Unused);
    }
    let kept = held(key, initial, tables);
    let offer = match (scratch.walk.stamps, kept) {
        (0, Some(offer)) => offer,
        (0, None) => Offer::plain(scratch.walk.offer.mss),
        _ => Offer::of_stamp(scratch.walk.echo),
    };
    let splice = &mut scratch.splice;
    *splice = Splice::NONE;
    splice.phase = COLLECT;
    splice.last_seen = tables.now();
    splice.initial = initial;
    splice.cookie = cookie;
    splice.acknowledged = scratch.segment.acknowledged;
    splice.received = scratch.segment.sequence;
    splice.stamp_told = scratch.walk.echo;
    splice.stamp_client = scratch.walk.value;
    splice.window_client = super::offer::unscaled(scratch.segment.window, offer.scale);
    splice.offer = offer;
    splice.scale = announced(&offer, listener);
    if !enter(key, &scratch.splice, tables) {
        return match kept.is_some() && scratch.walk.stamps == 0 {
            // The node's stack cannot know what the client offered.
            true => reset::<P, I>(packet, scratch, Outcome::Refused),
            false => Outcome::Full,
        };
    }
    tables.release(&scratch.key);
    collect::take::<P, I, T>(packet, scratch, tables)
}

/// Remembers a connection.
#[inline(always)]
fn enter<T: Splices>(key: &FlowKey, splice: &Splice, tables: &mut T) -> bool {
    if !tables.insert(key, splice) {
        return false;
    }
    if !tables.open_hello(key) {
        forget(key, tables);
        return false;
    }
    true
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
