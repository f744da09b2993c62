//! A connection that the node's own stack gets: with the hello from its first byte on, for its
//! listener makes a socket of nothing else.
//!
//! What the client believes to have arrived it does not send again: the stack gets that from here, a
//! piece for each packet of the client, until it has acknowledged it. And a client without time
//! stamps was promised shifted windows that the stack knows nothing of: these are translated for the
//! whole life of the connection.

use crate::{
    header::Ip,
    packet::Bytes,
    splice::{
        Outcome, Scratch, Splice, Splices, forge, forget,
        offer::{NO_SCALE, scaled, unscaled},
        segment::{ACK, PSH},
        state::{HANDING, LOCAL, SEGMENT, min, newer},
        translate::{self, BY_BACKEND, BY_CLIENT},
    },
};

impl Splice {
    /// The node's stack takes windows as they are written, and the client does not.
    #[inline(always)]
    const fn misleads(&self) -> bool {
        self.offer.has_scale() && !self.offer.has_stamps()
    }

    /// A client's window for the node's stack, and the other way.
    #[inline(always)]
    const fn window_up(&self, window: u16) -> u16 {
        match self.misleads() {
            true => scaled(unscaled(window, self.offer.scale), NO_SCALE),
            false => window,
        }
    }

    #[inline(always)]
    const fn window_down(&self, window: u16) -> u16 {
        match self.misleads() {
            true => scaled(window as u32, self.scale as u8),
            false => window,
        }
    }
}

/// The client's packet in hand is the last that was needed to know.
#[inline(always)]
pub(super) fn begin<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Repeated;
    };
    splice.handed = 0;
    splice.phase = HANDING;
    let first = splice.initial.wrapping_add(1);
    if scratch.segment.sequence == first && splice.early <= scratch.segment.bytes {
        splice.early = 0;
        return next::<P, I, T>(packet, scratch, tables);
    }
    piece::<P, I, T>(packet, scratch, tables)
}

/// A client's packet while the stack gets what the client has no more.
#[inline(always)]
pub(super) fn next<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let clock = (tables.now(), tables.hz());
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Repeated;
    };
    if splice.handed < splice.early {
        return piece::<P, I, T>(packet, scratch, tables);
    }
    if !splice.misleads() {
        forget(&scratch.key, tables);
        return Outcome::Handed;
    }
    splice.phase = LOCAL;
    let outcome = to_local::<P, I>(packet, scratch, splice, clock);
    tables.close_hello(&scratch.key);
    outcome
}

/// Makes the client's packet in hand the next piece of the hello.
#[inline(always)]
fn piece<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let filled = tables.hello(&scratch.key).map_or(0, |hello| hello.filled);
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Repeated;
    };
    let (at, initial) = (splice.handed, splice.initial);
    scratch.header.key = scratch.key;
    scratch.header.says(
        initial.wrapping_add(1 + at),
        splice.acknowledged,
        splice.window_up(scratch.segment.window),
        ACK | PSH,
    );
    // The latest: an old copy must not have its piece refused (RFC 7323, 5.3).
    scratch.header.options.stamps(
        scratch.walk.stamps != 0,
        (splice.stamp_client, scratch.walk.echo),
    );
    let bytes = min(filled.saturating_sub(at), SEGMENT);
    let hello = tables.hello(&scratch.key);
    match forge::make::<P, I>(packet, &scratch.header, hello.as_deref(), at, bytes) {
        true => Outcome::Handed,
        false => Outcome::NoRoom,
    }
}

/// A packet for the node's stack.
#[inline(always)]
pub(super) fn to_local<P: Bytes + ?Sized, I: Ip>(
    packet: &mut P,
    scratch: &mut Scratch,
    splice: &mut Splice,
    clock: (u32, u32),
) -> Outcome {
    splice.note(&scratch.segment, &BY_CLIENT, clock);
    let window = splice.window_up(scratch.segment.window);
    match translate::rewindow::<P, I>(packet, &scratch.segment, window) {
        true => Outcome::Local,
        false => Outcome::NoRoom,
    }
}

/// A packet of the node's stack, or of anybody else.
#[inline(always)]
pub(super) fn from_local<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    scratch.turn();
    let clock = (tables.now(), tables.hz());
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::NotOurs;
    };
    if !matches!(splice.phase, HANDING | LOCAL) {
        return Outcome::NotOurs;
    }
    // While the client has to be there, the stack alone does not keep the entry.
    let seen = match splice.phase {
        LOCAL => clock,
        _ => (splice.last_seen, clock.1),
    };
    splice.note(&scratch.segment, &BY_BACKEND, seen);
    let start = splice.initial.wrapping_add(1);
    let handed = start.wrapping_add(splice.handed);
    if scratch.segment.has(ACK) && newer(scratch.segment.acknowledged, handed) {
        splice.handed = scratch.segment.acknowledged.wrapping_sub(start);
        splice.last_seen = clock.0;
    }
    let window = splice.window_down(scratch.segment.window);
    match translate::rewindow::<P, I>(packet, &scratch.segment, window) {
        true => Outcome::Local,
        false => Outcome::NoRoom,
    }
}
