//! Packets of clients, by the phase of their connection.

use crate::{
    abi::FORWARD,
    header::Ip,
    packet::Bytes,
    splice::{
        Outcome, Scratch, Splices,
        backend::AHEAD,
        collect, connect, cookie, forge, forget, open,
        options::Walk,
        replay,
        segment::{ACK, RST, SYN, Segment},
        state::{
            COLLECT, CONNECT, DRAINED, REFUSED, REPLAY, RESET_BY_BACKEND, SPLICED, SPOKE, Splice,
            newer,
        },
        translate,
    },
};

/// Seconds of silence after which a client may have begun anew.
const SILENT: u32 = 3;

#[inline(always)]
pub(super) fn packet<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    if !scratch.read::<P, I>(packet, FORWARD) {
        return Outcome::Malformed;
    }
    scratch.key = scratch.segment.key.copied();
    let (now, hz) = (tables.now(), tables.hz());
    let Some(splice) = tables.splice(&scratch.key) else {
        return open::first::<P, I, T>(packet, scratch, tables);
    };
    if scratch.segment.has(SYN) {
        return again::<P, I, T>(packet, scratch, tables);
    }
    match splice.phase {
        SPLICED => {
            scratch.credit.backend = splice.backend;
            translate::to_backend::<P, I>(packet, scratch, splice, (now, hz))
        }
        REFUSED if scratch.segment.has(RST) => {
            forget(&scratch.key, tables);
            Outcome::GivenUp
        }
        REFUSED => open::reset::<P, I>(packet, scratch, Outcome::Refused),
        DRAINED => {
            splice.tell(RESET_BY_BACKEND, now);
            drained::<P, I>(packet, scratch)
        }
        phase if is_other(scratch, splice) => match proves(scratch, tables) {
            true => {
                forget(&scratch.key, tables);
                open::first::<P, I, T>(packet, scratch, tables)
            }
            false => early::<P, I, T>(packet, scratch, phase, tables),
        },
        phase => early::<P, I, T>(packet, scratch, phase, tables),
    }
}

/// A packet of a connection that had its time.
#[inline(always)]
fn drained<P: Bytes + ?Sized, I: Ip>(packet: &mut P, scratch: &mut Scratch) -> Outcome {
    match scratch.segment.has(RST) {
        // It knows.
        true => Outcome::Repeated,
        false => open::reset::<P, I>(packet, scratch, Outcome::Drained),
    }
}

/// A SYN of a connection that is known: an old copy, or the client has forgotten and begins anew.
#[inline(always)]
fn again<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let (now, hz) = (tables.now(), tables.hz());
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Repeated;
    };
    if scratch.segment.has(ACK) || scratch.segment.sequence == splice.initial {
        return Outcome::Repeated;
    }
    let ended = match splice.phase {
        REFUSED | DRAINED => true,
        SPLICED => splice.closing(),
        // Anybody can send a SYN in the client's name: no connection under way ends by that.
        _ => now.wrapping_sub(splice.last_seen) >= SILENT * hz,
    };
    match splice.phase {
        _ if ended => {
            forget(&scratch.key, tables);
            open::first::<P, I, T>(packet, scratch, tables)
        }
        SPLICED => doubt::<P, I>(packet, scratch, splice),
        _ => Outcome::Repeated,
    }
}

/// Maybe the first data of another connection than the one that is known, whose own came late: the
/// client has begun anew in between. One that cannot prove itself again is left alone.
#[inline(always)]
fn is_other(scratch: &Scratch, splice: &Splice) -> bool {
    let segment = &scratch.segment;
    segment.acknowledged.wrapping_sub(1) != splice.cookie
        && segment.bytes > 0
        && segment.has(ACK)
        && !segment.has(RST)
        && splice.early == 0
        && splice.state & SPOKE == 0
}

#[inline(always)]
fn proves<T: Splices>(scratch: &Scratch, tables: &T) -> bool {
    let segment = &scratch.segment;
    let (initial, number) = (
        segment.sequence.wrapping_sub(1),
        segment.acknowledged.wrapping_sub(1),
    );
    cookie::check(&scratch.key, initial, number, tables).is_some()
}

/// Asks the backend whether a connection lives whose client seems to begin anew: by an old number,
/// which it answers with an acknowledgment. A client that has indeed forgotten answers that with a
/// reset (RFC 5961, 4), and a backend that has forgotten does so itself: then the next SYN is taken.
#[inline(always)]
fn doubt<P: Bytes + ?Sized, I: Ip>(
    packet: &mut P,
    scratch: &mut Scratch,
    splice: &Splice,
) -> Outcome {
    scratch.header.ahead(splice);
    scratch.header.says(
        splice.received.wrapping_sub(1),
        splice.acknowledged.wrapping_sub(splice.delta),
        1,
        ACK,
    );
    let numbers = (splice.stamp_client, splice.stamp_backend);
    scratch.header.options.stamps(splice.has_stamps(), numbers);
    forge::bare::<P, I>(packet, &scratch.header, Outcome::Doubted)
}

/// A packet of a connection whose hello is under way.
#[inline(never)]
fn early<P, I, T>(packet: &mut P, scratch: &mut Scratch, phase: u32, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    scratch.look(packet, 0);
    let now = tables.now();
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Repeated;
    };
    if scratch.segment.has(RST) {
        return give_up::<P, I, T>(packet, scratch, tables);
    }
    if !scratch.segment.has(ACK) || !splice.has_told(scratch.segment.acknowledged) {
        return Outcome::Repeated;
    }
    // A hello that comes byte by byte has an end nevertheless.
    if phase != COLLECT {
        splice.last_seen = now;
    }
    let heard = splice.hear(&scratch.segment, &scratch.walk);
    match phase {
        COLLECT => collect::take::<P, I, T>(packet, scratch, false, tables),
        CONNECT => connect::again::<P, I, T>(packet, scratch, tables),
        REPLAY => replay::again::<P, I, T>(packet, scratch, heard, tables),
        _ => Outcome::Repeated,
    }
}

impl Splice {
    /// The client may have been told what it acknowledges so, before it has an answer to its hello; else
    /// the packet is of a connection before.
    #[inline(always)]
    const fn has_told(&self, acknowledged: u32) -> bool {
        let first = self.cookie.wrapping_add(1);
        let known = self.acknowledged.wrapping_sub(first);
        let more = match self.phase {
            REPLAY => AHEAD,
            _ => 0,
        };
        acknowledged.wrapping_sub(first) <= known.wrapping_add(more)
    }

    /// Takes in what a client's packet says; whether it acknowledges more than before.
    #[inline(always)]
    fn hear(&mut self, segment: &Segment, walk: &Walk) -> bool {
        if walk.stamps != 0 && newer(walk.value, self.stamp_client) {
            self.stamp_client = walk.value;
        }
        let further = newer(segment.acknowledged, self.acknowledged);
        if further {
            self.acknowledged = segment.acknowledged;
        }
        // The window begins at what the packet acknowledges: not one of an old packet.
        if segment.acknowledged == self.acknowledged {
            self.window_client = super::offer::unscaled(segment.window, self.offer.scale);
        }
        further
    }
}

/// A client's RST; one that nobody who does not see the connection could have sent.
#[inline(always)]
fn give_up<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Repeated;
    };
    let first = splice.initial.wrapping_add(1);
    if scratch.segment.sequence.wrapping_sub(first) > u32::from(super::WINDOW) {
        return Outcome::Repeated;
    }
    scratch.header.ahead(splice);
    // What the backend waits for, else it is not believed (RFC 5961, 3).
    scratch.header.resets(splice.received, 0, 0);
    let phase = splice.phase;
    forget(&scratch.key, tables);
    match phase {
        CONNECT | REPLAY => forge::bare::<P, I>(packet, &scratch.header, Outcome::GivenUpToBackend),
        _ => Outcome::GivenUp,
    }
}
