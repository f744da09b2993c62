//! The client's hello, collected until it is complete.
//!
//! It is not acknowledged: so the client keeps it, and sends again what is lost here or on the way to
//! the backend. But a client that sends old bytes again before the hello is complete may send nothing
//! else until it hears of them, so that these are acknowledged; and then it has them no more.

use crate::{
    abi::FlowKey,
    client_hello::{MAX, Stop},
    header::Ip,
    packet::Bytes,
    splice::{
        Choice, Found, Outcome, Scratch, Splice, Splices, connect, forget,
        offer::scaled,
        open,
        segment::{ACK, FIN, Segment},
        state::{COLLECT, Hello, LOCAL, SEGMENT, min},
    },
};

/// What a segment brought.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Brought {
    Nothing,
    /// Old bytes only.
    Old,
    /// Bytes that may complete the hello.
    More,
}

/// A client's segment while the hello is not complete; `first`: its first one.
#[inline(always)]
pub(super) fn take<P, I, T>(
    packet: &mut P,
    scratch: &mut Scratch,
    first: bool,
    tables: &mut T,
) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let Some(&mut Splice { initial, early, .. }) = tables.splice(&scratch.key) else {
        return Outcome::Repeated;
    };
    let offset = scratch
        .segment
        .sequence
        .wrapping_sub(initial.wrapping_add(1));
    if scratch.segment.bytes == 0 && !scratch.segment.has(FIN) {
        return match (offset as i32) < early as i32 {
            true => acknowledge::<P, I, T>(packet, scratch, early, tables),
            false => Outcome::Repeated,
        };
    }
    let Some(hello) = tables.hello(&scratch.key) else {
        if is_past(&scratch.key, tables) {
            return Outcome::Repeated;
        }
        forget(&scratch.key, tables);
        return open::reset::<P, I>(packet, scratch, Outcome::Refused);
    };
    let brought = keep(packet, &scratch.segment, offset, hello);
    let filled = hello.filled;
    let read = match T::look(hello) {
        Err(Stop::Incomplete(_)) if filled >= MAX as u32 => Err(Stop::TooLong),
        read => read,
    };
    let named = hello.scan.has_name();
    if !tables.keep_hello(&scratch.key) {
        tables.note_full();
        // The client sends it again.
        return Outcome::NoRoom;
    }
    let found = match read {
        Ok(()) if named => Found::Name,
        Ok(()) => Found::NoName,
        Err(Stop::NotTls) => Found::NotTls,
        Err(Stop::Malformed) => Found::Malformed,
        Err(Stop::TooLong) => Found::TooLong,
        Err(Stop::Incomplete(_)) if first && leave(&scratch.key, tables) => {
            return Outcome::Local;
        }
        Err(Stop::Incomplete(_)) => {
            // It will never be complete.
            if scratch.segment.has(FIN) && offset.wrapping_add(scratch.segment.bytes) == filled {
                return refuse::<P, I, T>(packet, scratch, Outcome::Unused, tables);
            }
            return match brought {
                Brought::Old => acknowledge::<P, I, T>(packet, scratch, filled, tables),
                _ => Outcome::Collected,
            };
        }
    };
    decide::<P, I, T>(packet, scratch, found, tables)
}

/// Another CPU, with another segment, has gone on since this one found the connection: it has asked a
/// backend, which may have all of the hello by now.
#[inline(always)]
fn is_past<T: Splices>(key: &FlowKey, tables: &mut T) -> bool {
    let splice = tables.splice(key);
    splice.is_none_or(|splice| splice.phase != COLLECT)
}

/// Leaves a connection to the node's stack, where that has it: the first segment is an old copy, and the
/// entry was gone. Not asked where a backend is to get the hello, for no other lookup costs as much: the
/// stack has answered no SYN that a cookie was made for, so that what it has leads to itself.
#[inline(always)]
fn leave<T: Splices>(key: &FlowKey, tables: &mut T) -> bool {
    let has = tables.is_local(key);
    if has {
        forget(key, tables);
    }
    has
}

/// Keeps what is new of a segment's data.
#[inline(always)]
fn keep<P: Bytes + ?Sized>(
    packet: &mut P,
    segment: &Segment,
    offset: u32,
    hello: &mut Hello,
) -> Brought {
    if (offset as i32) < 0 && (offset.wrapping_add(segment.bytes) as i32) <= 0 {
        return Brought::Old;
    }
    if offset >= MAX as u32 {
        return Brought::Nothing;
    }
    // What is too much for one look the client sends again.
    let bytes = min(segment.bytes, SEGMENT);
    let end = min(offset + bytes, MAX as u32);
    let Some(from) = hello.place(offset, end) else {
        return match end <= hello.filled {
            true => Brought::Old,
            false => Brought::Nothing,
        };
    };
    let (length, skip) = (end - from, from - offset);
    if length == 0 || !packet.load(segment.data + skip, &mut hello.bytes, from, length) {
        return Brought::Nothing;
    }
    hello.put(from, end);
    Brought::More
}

/// Acknowledges so many bytes of the hello, now that the client asks.
#[inline(always)]
fn acknowledge<P, I, T>(
    packet: &mut P,
    scratch: &mut Scratch,
    bytes: u32,
    tables: &mut T,
) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Repeated;
    };
    splice.early = bytes;
    let room = (MAX as u32).saturating_sub(bytes);
    scratch.header.answer(&scratch.key);
    scratch.header.says(
        splice.acknowledged,
        splice.initial.wrapping_add(1 + bytes),
        scaled(room, splice.offer.told()),
        ACK,
    );
    scratch.header.options.stamps(
        splice.offer.has_stamps(),
        (splice.stamp_told, splice.stamp_client),
    );
    open::reply::<P, I>(packet, scratch, Outcome::Acknowledged)
}

/// Nothing more is to be read of the hello.
#[inline(always)]
fn decide<P, I, T>(packet: &mut P, scratch: &mut Scratch, found: Found, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    if is_past(&scratch.key, tables) {
        return Outcome::Repeated;
    }
    let mut name = 0;
    let service = match tables.choose(&scratch.key, found, &mut name) {
        Choice::Service(service) => service,
        Choice::Local | Choice::Refuse if leave(&scratch.key, tables) => return Outcome::Local,
        Choice::Local => LOCAL,
        Choice::Refuse => return refuse::<P, I, T>(packet, scratch, Outcome::Unmatched, tables),
    };
    if let Some(splice) = tables.splice(&scratch.key) {
        splice.service = service;
        splice.name = name;
    }
    match connect::dial::<P, I, T>(packet, scratch, 0, tables) {
        Outcome::Failed => refuse::<P, I, T>(packet, scratch, Outcome::Refused, tables),
        outcome => outcome,
    }
}

/// Resets the client, from which the packet in hand is; `why`.
#[inline(always)]
pub(super) fn refuse<P, I, T>(
    packet: &mut P,
    scratch: &mut Scratch,
    why: Outcome,
    tables: &mut T,
) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    super::refuse(&scratch.key, tables);
    open::reset::<P, I>(packet, scratch, why)
}
