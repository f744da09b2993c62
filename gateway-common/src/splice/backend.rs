//! Packets of backends, by the phase of their connection.

use crate::{
    abi::REVERSE,
    header::{ACCEPTS, Ip},
    packet::Bytes,
    splice::{
        Outcome, Scratch, Splice, Splices, connect, forge,
        open::reply,
        options::Walk,
        replay,
        segment::{ACK, RST, SYN, Segment},
        state::{BLOCKED, CONNECT, DRAINED, REPLAY, RESET_BY_CLIENT, SPLICED, SPOKE},
        translate,
    },
};

/// Numbers that a backend may be ahead of what the client acknowledged, before it has the whole hello.
pub(super) const AHEAD: u32 = 1 << 20;

#[inline(always)]
pub(super) fn packet<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    if !scratch.read::<P, I>(packet, REVERSE) {
        return Outcome::Malformed;
    }
    let (now, hz) = (tables.now(), tables.hz());
    if !tables.tied(&scratch.segment.key, &mut scratch.key) {
        return Outcome::NotOurs;
    }
    let Some(splice) = tables.splice(&scratch.key) else {
        return orphan::<P, I, T>(packet, scratch, tables);
    };
    scratch.credit.backend = splice.backend;
    match splice.phase {
        _ if !connect::is_back_key(splice, &scratch.segment.key) => {
            orphan::<P, I, T>(packet, scratch, tables)
        }
        SPLICED => translate::to_client::<P, I>(packet, scratch, splice, (now, hz)),
        CONNECT | REPLAY => early::<P, I, T>(packet, scratch, tables),
        // It keeps its tie: a reset may be lost.
        DRAINED => {
            splice.tell(RESET_BY_CLIENT, now);
            reject::<P, I>(packet, scratch)
        }
        _ => orphan::<P, I, T>(packet, scratch, tables),
    }
}

/// A packet of a backend that no client is tied to any more.
#[inline(always)]
fn orphan<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    tables.untie(&scratch.segment.key);
    reject::<P, I>(packet, scratch)
}

/// Answers a backend's packet with a RST that it believes.
#[inline(always)]
fn reject<P: Bytes + ?Sized, I: Ip>(packet: &mut P, scratch: &mut Scratch) -> Outcome {
    if scratch.segment.has(RST) {
        return Outcome::OrphanReset;
    }
    scratch.header.answer(&scratch.segment.key);
    scratch.header.resets(scratch.segment.acknowledged, 0, 0);
    reply::<P, I>(packet, scratch, Outcome::Orphan)
}

/// A packet of a backend before it has the whole hello.
#[inline(never)]
fn early<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    scratch.look(packet, 0);
    let now = tables.now();
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Idle;
    };
    if scratch.segment.has(RST) {
        return refused::<P, I, T>(packet, scratch, tables);
    }
    if !scratch.segment.has(ACK) {
        return Outcome::Idle;
    }
    match (splice.phase, scratch.segment.has(SYN)) {
        // Of an older connection, which the backend has not forgotten (RFC 9293, 3.5.1).
        (CONNECT, false) => reject::<P, I>(packet, scratch),
        (CONNECT, true) => {
            if scratch.segment.acknowledged != splice.initial.wrapping_add(1) {
                return reject::<P, I>(packet, scratch);
            }
            splice.last_seen = now;
            splice.accept(&scratch.segment, &scratch.walk);
            scratch.credit.signal = ACCEPTS;
            if splice.offer.has_stamps() && !splice.answer.has_stamps() {
                tables.note_no_stamps(&scratch.key);
            }
            replay::piece::<P, I, T>(packet, scratch, true, false, tables)
        }
        (_, true) => {
            // It has not heard of our answer.
            if scratch.segment.sequence.wrapping_add(splice.delta) != splice.cookie {
                return Outcome::Idle;
            }
            replay::piece::<P, I, T>(packet, scratch, true, false, tables)
        }
        _ => replay::advance::<P, I, T>(packet, scratch, tables),
    }
}

impl Splice {
    /// The backend's SYN-ACK: the differences between what it says and what the client was told.
    #[inline(always)]
    fn accept(&mut self, segment: &Segment, walk: &Walk) {
        self.phase = REPLAY;
        self.state &= !BLOCKED;
        self.received = segment.acknowledged;
        self.told = segment.acknowledged;
        self.delta = self.cookie.wrapping_sub(segment.sequence);
        self.answer = walk.offer;
        if self.answer.mss == 0 {
            self.answer.mss = 536;
        }
        self.backend_end = segment.end();
        self.stamp_backend = walk.value;
        self.stamp_delta = match walk.stamps {
            0 => 0,
            _ => self.stamp_told.wrapping_sub(walk.value),
        };
        // Not shifted in a SYN.
        self.window_backend = u32::from(segment.window);
    }
}

/// A backend's RST before it has the whole hello: the next one, unless the client has heard of this.
#[inline(always)]
fn refused<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Idle;
    };
    let Some(asked) = connect::asked(splice) else {
        return Outcome::Idle;
    };
    let believed = match splice.phase {
        CONNECT => {
            scratch.segment.has(ACK)
                && scratch.segment.acknowledged == splice.initial.wrapping_add(1)
        }
        _ => {
            let expected = splice.acknowledged.wrapping_sub(splice.delta);
            scratch.segment.sequence.wrapping_sub(expected) < AHEAD
        }
    };
    if !believed {
        return Outcome::Idle;
    }
    let (acknowledged, initial, early) = (splice.acknowledged, splice.initial, splice.early);
    let spoke = splice.state & SPOKE != 0;
    if !spoke {
        match connect::dial::<P, I, T>(packet, scratch, asked, tables) {
            Outcome::Failed => {}
            outcome => return outcome,
        }
    }
    super::refuse(&scratch.key, tables);
    scratch.header.answer(&scratch.key);
    scratch
        .header
        .resets(acknowledged, initial.wrapping_add(1 + early), ACK);
    forge::bare::<P, I>(packet, &scratch.header, Outcome::Failed)
}
