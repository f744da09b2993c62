//! The backend gets the hello, piece by piece: each packet of its that advances becomes the next
//! piece. What repeats becomes nothing, or two copies would ask for two more for ever.

use crate::{
    abi::CLOSED_BY_BACKEND,
    header::Ip,
    packet::Bytes,
    splice::{
        Outcome, Scratch, Splices,
        connect::PAUSE,
        forge, forget,
        offer::{NO_SCALE, scaled, unscaled},
        segment::{ACK, FIN, PSH},
        state::{BLOCKED, SEGMENT, SPLICED, SPOKE, min, newer},
        translate,
    },
};

/// A backend's packet.
#[inline(always)]
pub(super) fn advance<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let filled = tables.hello_bytes(&scratch.key).unwrap_or(0);
    let clock = (tables.now(), tables.hz());
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Idle;
    };
    let start = splice.initial.wrapping_add(1);
    let acknowledged = scratch.segment.acknowledged;
    if newer(acknowledged, splice.told) || newer(start, acknowledged) {
        // What was never sent, or not now: of a connection before.
        return Outcome::Idle;
    }
    if scratch.walk.stamps != 0 && newer(scratch.walk.value, splice.stamp_backend) {
        splice.stamp_backend = scratch.walk.value;
    }
    let further = newer(scratch.segment.acknowledged, splice.received);
    if further {
        splice.received = scratch.segment.acknowledged;
        // A backend that only asks whether a client is there does not keep it.
        splice.last_seen = clock.0;
    }
    if scratch.segment.acknowledged == splice.received {
        splice.window_backend = unscaled(scratch.segment.window, splice.answer.scale);
    }
    let done = splice.received.wrapping_sub(start) >= filled;
    if done || scratch.segment.bytes > 0 || scratch.segment.has(FIN) {
        splice.state |= SPOKE;
        if done {
            splice.phase = SPLICED;
        } else if scratch.segment.has(FIN) {
            splice.state |= CLOSED_BY_BACKEND;
        }
        let outcome = translate::to_client::<P, I>(packet, scratch, splice, clock);
        if done {
            tables.close_hello(&scratch.key);
        }
        return outcome;
    }
    let opened = splice.state & BLOCKED != 0 && splice.window_backend > 0;
    match further || opened {
        true => piece::<P, I, T>(packet, scratch, false, false, tables),
        false => Outcome::Idle,
    }
}

/// A client's packet, `heard`: that acknowledges more than any before. It has no answer to its hello,
/// so that either end may have lost something.
#[inline(always)]
pub(super) fn again<P, I, T>(
    packet: &mut P,
    scratch: &mut Scratch,
    heard: bool,
    tables: &mut T,
) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let (now, hz) = (tables.now(), tables.hz());
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Repeated;
    };
    if !heard && now.wrapping_sub(splice.sent) < hz / PAUSE {
        return Outcome::Repeated;
    }
    piece::<P, I, T>(packet, scratch, true, true, tables)
}

/// Makes the frame in hand the piece of the hello that the backend waits for. `always`: even where
/// that is nothing but an acknowledgment. `probe`: one byte though its window is shut.
#[inline(always)]
pub(super) fn piece<P, I, T>(
    packet: &mut P,
    scratch: &mut Scratch,
    always: bool,
    probe: bool,
    tables: &mut T,
) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let now = tables.now();
    let Some(filled) = tables.hello_bytes(&scratch.key) else {
        // Another CPU may have heard that the backend has all of it.
        let splice = tables.splice(&scratch.key);
        if splice.is_none_or(|splice| splice.phase != SPLICED) {
            forget(&scratch.key, tables);
        }
        return Outcome::NoRoom;
    };
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::NoRoom;
    };
    scratch.credit.backend = splice.backend;
    let at = splice.received.wrapping_sub(splice.initial.wrapping_add(1));
    let rest = filled.saturating_sub(at);
    let stamps = splice.has_stamps();
    let window = match splice.window_backend {
        0 => u32::from(probe),
        window => window,
    };
    let full = min(splice.answer.piece(stamps), SEGMENT);
    let bytes = min(min(rest, full), window);
    splice.state = match window < min(rest, full) {
        true => splice.state | BLOCKED,
        false => splice.state & !BLOCKED,
    };
    if bytes == 0 && !always {
        return Outcome::Idle;
    }
    splice.sent = now;
    let end = splice.received.wrapping_add(bytes);
    if newer(end, splice.told) {
        splice.told = end;
    }
    // Windows are shifted only where both offered that (RFC 7323, 2.2).
    let scale = match splice.answer.has_scale() {
        true => splice.offer.scale,
        false => NO_SCALE,
    };
    scratch.header.ahead(splice);
    scratch.header.says(
        splice.received,
        splice.acknowledged.wrapping_sub(splice.delta),
        scaled(splice.window_client, scale),
        if bytes == rest { ACK | PSH } else { ACK },
    );
    scratch
        .header
        .options
        .stamps(stamps, (splice.stamp_client, splice.stamp_backend));
    let hello = tables.hello(&scratch.key);
    match forge::make::<P, I>(packet, &scratch.header, hello.as_deref(), at, bytes) {
        true => Outcome::Replayed,
        false => Outcome::NoRoom,
    }
}
