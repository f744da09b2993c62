//! A backend is asked, and the next one where it refuses or is silent.

use crate::{
    abi::{FlowKey, REVERSE, TCP},
    checksum,
    header::Ip,
    packet::Bytes,
    splice::{
        ATTEMPTS, Endpoint, Offer, Outcome, Scratch, Splice, Splices, TRIES, collect, forge,
        options::Laid,
        segment::{FIN, SYN},
        state::{BLOCKED, CONNECT},
    },
};

/// Endpoints that one packet may pass over, because they talk to this client already.
const TURNS: u32 = 4;
/// Parts of a second between two SYNs, or two pieces, that nobody but the client asks for: what it
/// sends at once asks once.
pub(super) const PAUSE: u32 = 10;

/// The key of a backend's packets.
#[inline(always)]
pub(super) const fn back_key(splice: &Splice) -> FlowKey {
    FlowKey {
        source: splice.backend_address,
        destination: splice.source,
        source_port: splice.backend_port as u16,
        destination_port: splice.source_port as u16,
        protocol: TCP as u16,
        direction: REVERSE,
    }
}

/// Addresses of a packet to the backend.
#[inline(always)]
pub(super) const fn to_backend(splice: &Splice) -> FlowKey {
    forge::back(&back_key(splice))
}

/// Makes the frame in hand, whatever it is, the SYN for the next endpoint. [`Outcome::Failed`]: there
/// is none, and the frame is as it was.
#[inline(never)]
pub(super) fn dial<P, I, T>(packet: &mut P, scratch: &mut Scratch, tables: &mut T) -> Outcome
where
    P: Bytes + ?Sized,
    I: Ip,
    T: Splices,
{
    for _ in 0..TURNS {
        let Some(splice) = tables.splice(&scratch.key) else {
            return Outcome::NoRoom;
        };
        let (service, attempt) = (splice.service, splice.attempt);
        splice.attempt += 1;
        if attempt >= ATTEMPTS {
            break;
        }
        let endpoint = &mut scratch.endpoint;
        if !tables.endpoint(&scratch.key, service, attempt, endpoint) {
            break;
        }
        if address(&scratch.key, &scratch.endpoint, tables) {
            return ask::<P, I, T>(packet, scratch, tables);
        }
    }
    Outcome::Failed
}

/// Ties a connection to an endpoint; `false`: it cannot be.
#[inline(always)]
fn address<T: Splices>(key: &FlowKey, endpoint: &Endpoint, tables: &mut T) -> bool {
    let (source, port) = match endpoint.source_port {
        0 => (key.source, key.source_port),
        port => (endpoint.source, port),
    };
    let new = FlowKey {
        source: endpoint.address,
        destination: source,
        source_port: endpoint.port,
        destination_port: port,
        protocol: TCP as u16,
        direction: REVERSE,
    };
    if !tables.tie(&new, key) {
        return false;
    }
    let Some(splice) = tables.splice(key) else {
        return false;
    };
    let old = back_key(splice);
    splice.backend_address = endpoint.address;
    splice.backend_port = endpoint.port.into();
    splice.backend = endpoint.backend;
    splice.source = source;
    splice.source_port = port.into();
    if endpoint.mss < splice.offer.mss {
        splice.offer.mss = endpoint.mss;
    }
    splice.address_delta = checksum::both(
        checksum::address_delta(&key.destination, &endpoint.address),
        checksum::address_delta(&key.source, &source),
    );
    splice.port_delta = checksum::both(
        checksum::port_delta(key.destination_port, endpoint.port),
        checksum::port_delta(key.source_port, port),
    );
    splice.phase = CONNECT;
    splice.tries = 0;
    splice.received = splice.initial;
    splice.state &= !BLOCKED;
    if old.source_port != 0 && old != new {
        tables.untie(&old);
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
    splice.sent = now;
    splice.last_seen = now;
    let window = match splice.window_client {
        0..=0xffff => splice.window_client as u16,
        _ => u16::MAX,
    };
    scratch.header = forge::Header {
        key: to_backend(splice),
        sequence: splice.initial,
        acknowledged: 0,
        window,
        flags: SYN,
        options: Laid::opening(&splice.offer, (splice.stamp_client, 0)),
    };
    match forge::bare::<P, I>(packet, &scratch.header) {
        true => Outcome::Asked,
        false => Outcome::NoRoom,
    }
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
    let says = scratch.segment.bytes > 0 || scratch.segment.has(FIN);
    if !says || now.wrapping_sub(splice.sent) < hz / PAUSE {
        return Outcome::Repeated;
    }
    if splice.tries < TRIES {
        return ask::<P, I, T>(packet, scratch, tables);
    }
    match dial::<P, I, T>(packet, scratch, tables) {
        Outcome::Failed => collect::refuse::<P, I, T>(packet, scratch, tables),
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
