//! An established connection: numbers are translated, nothing is kept but how it ends.

use crate::{
    abi::{CLOSED_BY_BACKEND, CLOSED_BY_CLIENT, FlowKey},
    checksum,
    header::{End, Ip, L4 as _, Stamped, Tcp},
    packet::{Bytes, Frame},
    splice::{
        Outcome, Scratch, Splice,
        offer::{NO_SCALE, SCALE, scaled, unscaled},
        segment::{ACK, FIN, RST, Segment, number, words},
        state::{COUNTED, RESET_BY_BACKEND, RESET_BY_CLIENT, WINDOW_MAX},
    },
};

/// Bits of [`Splice::state`] for packets of one end: it sends no more, it reset the connection, and
/// the other end did, which was not believed where this one goes on.
struct Ends {
    closed: u32,
    reset: u32,
    doubted: u32,
}

const BY_CLIENT: Ends = Ends {
    closed: CLOSED_BY_CLIENT,
    reset: RESET_BY_CLIENT,
    doubted: RESET_BY_BACKEND,
};
const BY_BACKEND: Ends = Ends {
    closed: CLOSED_BY_BACKEND,
    reset: RESET_BY_BACKEND,
    doubted: RESET_BY_CLIENT,
};

/// How a segment changes.
struct Change {
    /// Added to its number, and to the one that it acknowledges.
    sequence: u32,
    acknowledged: u32,
    /// Added to the edges of selective acknowledgments, to its time stamp, and to the one it echoes.
    edges: u32,
    value: u32,
    echo: u32,
    window: u16,
    address: u32,
    ports: u32,
}

/// A client's packet: it sees the backend's numbers shifted, and names them so.
#[inline(never)]
pub(super) fn to_backend<P: Bytes + ?Sized, I: Ip>(
    packet: &mut P,
    scratch: &mut Scratch,
    splice: &mut Splice,
    clock: (u32, u32),
) -> Outcome {
    splice.note(&scratch.segment, &BY_CLIENT, clock);
    let acknowledges = scratch.segment.has(ACK);
    let change = Change {
        sequence: 0,
        acknowledged: if acknowledges {
            splice.delta.wrapping_neg()
        } else {
            0
        },
        edges: splice.delta.wrapping_neg(),
        value: 0,
        echo: if acknowledges {
            splice.stamp_delta.wrapping_neg()
        } else {
            0
        },
        window: match splice.offer.has_scale() && !splice.answer.has_scale() {
            // The backend takes windows as they are written.
            true => scaled(
                unscaled(scratch.segment.window, splice.offer.scale),
                NO_SCALE,
            ),
            false => scratch.segment.window,
        },
        address: splice.address_delta,
        ports: splice.port_delta,
    };
    scratch.header.ahead(splice);
    match apply::<P, I>(packet, scratch, &change)
        && readdress::<P, I>(packet, &scratch.header.key, change.address)
    {
        true => Outcome::ToBackend,
        false => Outcome::NoRoom,
    }
}

/// A backend's packet.
#[inline(never)]
pub(super) fn to_client<P: Bytes + ?Sized, I: Ip>(
    packet: &mut P,
    scratch: &mut Scratch,
    splice: &mut Splice,
    clock: (u32, u32),
) -> Outcome {
    splice.note(&scratch.segment, &BY_BACKEND, clock);
    let change = Change {
        sequence: splice.delta,
        acknowledged: 0,
        edges: 0,
        value: splice.stamp_delta,
        echo: 0,
        window: match splice.offer.has_scale() {
            true => scaled(unscaled(scratch.segment.window, splice.answer.scale), SCALE),
            false => scratch.segment.window,
        },
        address: checksum::reverse(splice.address_delta),
        ports: checksum::reverse(splice.port_delta),
    };
    scratch.header.answer(&scratch.key);
    match apply::<P, I>(packet, scratch, &change)
        && readdress::<P, I>(packet, &scratch.header.key, change.address)
    {
        true => Outcome::ToClient,
        false => Outcome::NoRoom,
    }
}

impl Splice {
    /// How the connection ends, when it was seen, and how much was said, by a packet of one end.
    #[inline(always)]
    fn note(&mut self, segment: &Segment, ends: &Ends, (now, hz): (u32, u32)) {
        let mut state = self.state & !ends.doubted;
        if segment.has(RST) {
            state = self.state | ends.reset;
        } else if segment.has(FIN) {
            state |= ends.closed;
        }
        // Written only where it changes: both directions share it.
        if state != self.state {
            self.state = state;
        }
        let mut due = segment.has(RST | FIN);
        // One for each: the end that speaks first in each second leaves the other its own.
        let seen = match ends.closed {
            CLOSED_BY_CLIENT => &mut self.last_seen,
            _ => &mut self.sent,
        };
        if now.wrapping_sub(*seen) >= hz {
            *seen = now;
            due = true;
        }
        self.count(segment, ends, due);
    }

    /// Counts what an end has said since it was counted: where that is due, or much.
    #[inline(always)]
    fn count(&mut self, segment: &Segment, ends: &Ends, due: bool) {
        let (end, bytes) = match ends.closed {
            CLOSED_BY_CLIENT => (&mut self.client_end, &mut self.client_bytes),
            _ => (&mut self.backend_end, &mut self.backend_bytes),
        };
        let next = segment.sequence.wrapping_add(segment.bytes);
        let more = next.wrapping_sub(*end);
        let least = if due { 1 } else { COUNTED };
        if more >= least && more <= WINDOW_MAX {
            *end = next;
            *bytes += more as u64;
        }
    }
}

/// Changes the numbers, options and the window of a segment, and its checksum for that and the new
/// addresses. `false`: it cannot be, and the frame is of no use.
#[inline(always)]
fn apply<P: Bytes + ?Sized, I: Ip>(packet: &mut P, scratch: &mut Scratch, change: &Change) -> bool {
    if scratch.segment.options == 0 {
        return renumber::<P, I>(packet, &scratch.segment, change, 0);
    }
    let usual = packet.head::<Frame<I, Stamped>>();
    let Some(usual) = usual.filter(|frame| frame.l4.is_usual()) else {
        return apply_any::<P, I>(packet, scratch, change);
    };
    let (value, echo) = (number(usual.l4.value), number(usual.l4.echo));
    let new_value = value.wrapping_add(change.value);
    let new_echo = echo.wrapping_add(change.echo);
    let delta = checksum::both(
        checksum::number_delta(value, new_value),
        checksum::number_delta(echo, new_echo),
    );
    if !renumber::<P, I>(packet, &scratch.segment, change, delta) {
        return false;
    }
    let Some(usual) = packet.head::<Frame<I, Stamped>>() else {
        return false;
    };
    usual.l4.value = words(new_value);
    usual.l4.echo = words(new_echo);
    true
}

/// The same with any options, through a copy of them.
#[inline(never)]
fn apply_any<P: Bytes + ?Sized, I: Ip>(
    packet: &mut P,
    scratch: &mut Scratch,
    change: &Change,
) -> bool {
    scratch.look(packet, 0);
    let (options, walk) = (&mut scratch.options, &scratch.walk);
    let mut delta = 0;
    if walk.stamps != 0 {
        let (value, echo) = (
            walk.value.wrapping_add(change.value),
            walk.echo.wrapping_add(change.echo),
        );
        delta = checksum::both(
            options.replace(walk.stamps, value),
            options.replace(walk.stamps + 4, echo),
        );
    }
    if change.edges != 0 {
        delta = checksum::both(delta, options.move_edges(walk, change.edges));
    }
    renumber::<P, I>(packet, &scratch.segment, change, delta)
        && scratch.options.store(packet, &scratch.segment)
}

/// Changes the numbers and the window of a segment; `delta` is what its options add to the change of
/// the checksum.
#[inline(always)]
fn renumber<P: Bytes + ?Sized, I: Ip>(
    packet: &mut P,
    segment: &Segment,
    change: &Change,
    delta: u32,
) -> bool {
    let (sequence, acknowledged) = (
        segment.sequence.wrapping_add(change.sequence),
        segment.acknowledged.wrapping_add(change.acknowledged),
    );
    let numbers = checksum::both(
        checksum::number_delta(segment.sequence, sequence),
        checksum::number_delta(segment.acknowledged, acknowledged),
    );
    let (old, new) = (segment.window.to_be(), change.window.to_be());
    let window = checksum::both(checksum::word_delta(old, new), change.ports);
    let delta = checksum::both(checksum::both(delta, numbers), window);
    if !packet.adjust::<I, Tcp>(change.address, delta) {
        return false;
    }
    let Some(frame) = packet.head::<Frame<I, Tcp>>() else {
        return false;
    };
    frame.l4.sequence = words(sequence);
    frame.l4.acknowledged = words(acknowledged);
    frame.l4.window = new;
    true
}

/// Gives a packet the ends that `key` says; checksums are corrected already, but for that of the
/// header.
#[inline(always)]
fn readdress<P: Bytes + ?Sized, I: Ip>(packet: &mut P, key: &FlowKey, delta: u32) -> bool {
    let Some(frame) = packet.head::<Frame<I, Tcp>>() else {
        return false;
    };
    frame.ip.set(End::Source, key.source, delta);
    frame.ip.set(End::Destination, key.destination, 0);
    frame.l4.set(End::Source, key.source_port);
    frame.l4.set(End::Destination, key.destination_port);
    true
}
