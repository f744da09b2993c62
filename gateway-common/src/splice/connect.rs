//! A backend is asked, and the next one where it refuses or is silent.

use crate::{
    abi::{FlowKey, REVERSE, TCP},
    checksum,
    header::Ip,
    packet::Bytes,
    splice::{
        ATTEMPTS, Endpoint, Offer, Outcome, Scratch, Splice, Splices, TRIES, collect, forge,
        segment::{FIN, SYN},
        state::{BLOCKED, CONNECT, LOCAL},
    },
};

/// Endpoints that one packet may pass over, because they talk to this client already.
const TURNS: u32 = 4;
/// Parts of a second between two SYNs, or two pieces, that nobody but the client asks for: what it
/// sends at once asks once.
pub(super) const PAUSE: u32 = 10;

/// The key of a backend's packets.
#[inline(always)]
pub(super) const fn write_back_key(splice: &Splice, key: &mut FlowKey) {
    key.source = splice.backend_address.copied();
    key.source_port = splice.backend_port as u16;
    key.destination = splice.source.copied();
    key.destination_port = splice.source_port as u16;
    key.protocol = TCP as u16;
    key.direction = REVERSE;
}

/// Whether it is the key of the backend's packets.
#[inline(always)]
pub(super) fn is_back_key(splice: &Splice, key: &FlowKey) -> bool {
    key.source == splice.backend_address
        && u32::from(key.source_port) == splice.backend_port
        && key.destination == splice.source
        && u32::from(key.destination_port) == splice.source_port
}

/// Makes the frame in hand, whatever it is, the SYN for the endpoint that is next after `asked` others.
/// [`Outcome::Failed`]: there is none. [`Outcome::Repeated`]: another CPU, with another packet, asks that
/// one already. In both cases the frame is as it was.
#[inline(never)]
pub(super) fn dial<P, I, T>(
    packet: &mut P,
    scratch: &mut Scratch,
    asked: u32,
    tables: &mut T,
) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    for turn in 0..TURNS {
        let Some(splice) = tables.splice(&scratch.key) else {
            return Outcome::NoRoom;
        };
        let (service, attempt) = (splice.service, asked + turn);
        if splice.attempt != attempt {
            return Outcome::Repeated;
        }
        // Until it has its SYN: see `asked`.
        splice.tries = 0;
        splice.attempt += 1;
        if attempt >= ATTEMPTS {
            break;
        }
        let endpoint = &mut scratch.endpoint;
        let known = match service {
            LOCAL => attempt == 0 && itself(&scratch.key, endpoint, tables),
            _ => tables.endpoint(&scratch.key, service, attempt, endpoint),
        };
        if !known {
            break;
        }
        if address(scratch, tables) {
            return ask::<P, I, T>(packet, scratch, tables);
        }
    }
    Outcome::Failed
}

/// Puts down the listener that the client addresses, as an endpoint; `false`: there is none any more.
#[inline(always)]
fn itself<T: Splices>(key: &FlowKey, endpoint: &mut Endpoint, tables: &T) -> bool {
    let Some(listener) = tables.listener(key) else {
        return false;
    };
    endpoint.address = key.destination.copied();
    endpoint.port = key.destination_port;
    endpoint.backend = 0;
    endpoint.mss = listener.mss;
    endpoint.source = key.source.copied();
    endpoint.source_port = 0;
    true
}

/// Ties a connection to an endpoint; `false`: it cannot be. Apart, for the frames on the stack of what
/// comes after would be too much together with its own.
#[inline(never)]
fn address<T: Splices>(scratch: &mut Scratch, tables: &mut T) -> bool {
    let (key, endpoint, back) = (&scratch.key, &scratch.endpoint, &mut scratch.back);
    back.source = endpoint.address.copied();
    back.source_port = endpoint.port;
    back.destination = endpoint.source.copied();
    back.destination_port = endpoint.source_port;
    back.protocol = key.protocol;
    back.direction = REVERSE;
    if endpoint.source_port == 0 {
        back.destination = key.source.copied();
        back.destination_port = key.source_port;
    }
    if !tables.tie(back, key) {
        return false;
    }
    let Some(splice) = tables.splice(key) else {
        return false;
    };
    write_back_key(splice, &mut scratch.old);
    splice.backend_address = endpoint.address.copied();
    splice.backend_port = endpoint.port.into();
    splice.backend = endpoint.backend;
    splice.source = back.destination.copied();
    splice.source_port = back.destination_port.into();
    if endpoint.mss < splice.offer.mss {
        splice.offer.mss = endpoint.mss;
    }
    splice.address_delta = checksum::both(
        checksum::address_delta(&key.destination, &endpoint.address),
        checksum::address_delta(&key.source, &back.destination),
    );
    splice.port_delta = checksum::both(
        checksum::port_delta(key.destination_port, endpoint.port),
        checksum::port_delta(key.source_port, back.destination_port),
    );
    splice.phase = CONNECT;
    splice.received = splice.initial;
    splice.state &= !BLOCKED;
    if scratch.old.source_port != 0 && scratch.old != *back {
        tables.untie(&scratch.old);
    }
    true
}

/// Makes the frame the SYN for the endpoint that the connection is tied to.
#[inline(always)]
fn ask<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let now = tables.now();
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::NoRoom;
    };
    splice.tries += 1;
    scratch.credit.backend = splice.backend;
    scratch.credit.asked = splice.tries;
    splice.sent = now;
    splice.last_seen = now;
    let outcome = match splice.service {
        LOCAL => Outcome::AskedProxy,
        _ => Outcome::Asked,
    };
    let window = match splice.window_client {
        0..=0xffff => splice.window_client as u16,
        _ => u16::MAX,
    };
    scratch.header.ahead(splice);
    scratch.header.says(splice.initial, 0, window, SYN);
    scratch
        .header
        .options
        .opening(&splice.offer, (splice.stamp_client, 0));
    forge::bare::<P, I>(packet, &scratch.header, outcome)
}

/// How many endpoints were asked; `None`: another CPU is about to ask the next one. In this order, for the
/// other CPU says so before it counts on.
#[inline(always)]
pub(super) fn asked(splice: &Splice) -> Option<u32> {
    let asked = splice.attempt;
    (splice.tries != 0).then_some(asked)
}

/// A client's packet while the backend has not answered. The client has no other clock than ours for
/// what it sends again: neither have we.
#[inline(always)]
pub(super) fn again<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    let (now, hz) = (tables.now(), tables.hz());
    let Some(splice) = tables.splice(&scratch.key) else {
        return Outcome::Repeated;
    };
    let Some(asked) = asked(splice) else {
        return Outcome::Repeated;
    };
    let says = scratch.segment.bytes > 0 || scratch.segment.has(FIN);
    if !says || now.wrapping_sub(splice.sent) < hz / PAUSE {
        return Outcome::Repeated;
    }
    if splice.tries < TRIES {
        return ask::<P, I, T>(packet, scratch, tables);
    }
    match dial::<P, I, T>(packet, scratch, asked, tables) {
        Outcome::Failed => collect::refuse::<P, I, T>(packet, scratch, Outcome::Refused, tables),
        outcome => outcome,
    }
}

impl Offer {
    /// Bytes of data in a full segment to who offered this.
    #[inline(always)]
    pub(super) const fn piece(&self, stamps: bool) -> u32 {
        const LEAST: u32 = 64;
        let options = if stamps { 12 } else { 0 };
        match (self.mss as u32).saturating_sub(options) {
            piece if piece < LEAST => LEAST,
            piece => piece,
        }
    }
}
