//! A connection that the node's own stack gets: with the hello from its first byte on, for its
//! listener makes a socket of nothing else.
//!
//! What the client believes to have arrived it does not send again: the stack gets that from here,
//! one piece for each packet of the client.

use crate::{
    header::Ip,
    packet::Bytes,
    splice::{
        Outcome, Splice, Splices, forge, forget,
        options::{Laid, Options},
        segment::{ACK, PSH, Segment},
        state::{HANDING, SEGMENT, min},
    },
};

/// The client's packet in hand is the last that was needed to know.
#[inline(always)]
pub(super) fn begin<P, I, T>(packet: &mut P, segment: &Segment, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let Some(splice) = tables.splice(&segment.key) else {
        return Outcome::Repeated;
    };
    let first = splice.initial.wrapping_add(1);
    if segment.sequence == first && splice.early <= segment.bytes {
        forget(&segment.key, tables);
        return Outcome::Handed;
    }
    splice.phase = HANDING;
    splice.handed = 0;
    piece::<P, I, T>(packet, segment, tables)
}

/// A client's packet while the stack gets what the client has no more.
#[inline(always)]
pub(super) fn next<P, I, T>(packet: &mut P, segment: &Segment, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let local = tables.is_local(&segment.key);
    let Some(splice) = tables.splice(&segment.key) else {
        return Outcome::Repeated;
    };
    if !local {
        // The first piece had no success.
        splice.handed = 0;
    } else if splice.handed >= splice.early {
        forget(&segment.key, tables);
        return Outcome::Local;
    }
    piece::<P, I, T>(packet, segment, tables)
}

/// Makes the client's packet in hand the next piece of the hello.
#[inline(always)]
fn piece<P, I, T>(packet: &mut P, segment: &Segment, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let walk = Options::load(packet, segment).walk(packet, 0);
    let key = &segment.key;
    let filled = tables.hello(key).map_or(0, |hello| hello.filled);
    let Some(splice) = tables.splice(key) else {
        return Outcome::Repeated;
    };
    let (at, initial) = (splice.handed, splice.initial);
    let header = forge::Header {
        key: *key,
        sequence: initial.wrapping_add(1 + at),
        acknowledged: splice.acknowledged,
        window: segment.window,
        flags: ACK | PSH,
        options: Laid::stamps(walk.stamps != 0, (walk.value, walk.echo)),
    };
    let bytes = min(filled.saturating_sub(at), SEGMENT);
    let hello = tables.hello(key);
    let Some(made) = forge::make::<P, I>(packet, &header, hello.as_deref(), at, bytes) else {
        return Outcome::NoRoom;
    };
    if let Some(splice) = tables.splice(key) {
        splice.handed = at + made;
    }
    Outcome::Handed
}

/// A packet for the node's stack, which takes windows as they are written.
#[inline(always)]
pub(super) fn to_local<P: Bytes + ?Sized, I: Ip>(
    _packet: &mut P,
    _segment: &Segment,
    _splice: &mut Splice,
    _clock: (u32, u32),
) -> Outcome {
    Outcome::Local
}

/// A packet of the node's stack.
#[inline(always)]
pub(super) fn from_local<P, I, T>(_packet: &mut P, _segment: &Segment, _tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    Outcome::NotOurs
}
