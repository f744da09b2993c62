//! A new flow: frontend, service, backend, and both entries.

use super::{dsr, fresh, reflect};
use crate::{
    abi::{
        BY_DSR, Counter, Flow, FlowKey, Frontend, FrontendKey, KIND_L4, KIND_PROXY, KIND_TLS, NEAR,
        Service,
    },
    checksum,
    flow::expired,
    header::Signal,
    pick,
    tables::{Tables, Traffic},
};

/// Slots tried where a backend already talks to the same client address and port, or ports where
/// a far one already talks to them.
const ATTEMPTS: u32 = 4;

/// A packet of `key` that belongs to no established flow: [`Counter::Opened`] where it has a fresh
/// one now, [`Counter::Established`] where it proved that, or why it has none.
#[inline(never)]
pub(super) fn open<T: Tables>(
    key: &FlowKey,
    signal: Signal,
    bytes: u64,
    tables: &mut T,
) -> Counter {
    let &Frontend {
        service, silent, ..
    } = match frontend(key, tables) {
        Ok(frontend) => frontend,
        Err(reason) => return reason,
    };
    let known = fresh::request(key, signal, bytes, tables);
    if known != fresh::NONE {
        return known;
    }
    match choose(key, service, signal, bytes, tables) {
        Counter::RefuseNoBackend if silent != 0 => Counter::DropUnserved,
        outcome => outcome,
    }
}

/// Gives a new flow of `key` one of the service's backends.
#[inline(always)]
fn choose<T: Tables>(
    key: &FlowKey,
    service: u32,
    signal: Signal,
    bytes: u64,
    tables: &mut T,
) -> Counter {
    let service = tables.service(service).filter(|s| s.maglev_size > 0);
    let Some(service) = service else {
        return Counter::RefuseNoBackend;
    };
    let hash = pick::of_service(service, key);
    let &Service {
        maglev_offset,
        maglev_size,
        ..
    } = service;
    let (mut walked, mut outcome) = (0, Counter::DropReverseTaken);
    for attempt in 0..ATTEMPTS {
        let slot = maglev_offset + pick::slot(hash, walked, maglev_size);
        let Some(id) = tables.slot(slot) else {
            return Counter::RefuseNoBackend;
        };
        outcome = connect(key, id, attempt, tables);
        match outcome {
            Counter::Opened => {
                tables.count(Counter::Opened, bytes);
                tables.credit(id, Traffic::Opened(signal), bytes);
                break;
            }
            // The next backend; for a far one, the next port.
            Counter::DropReverseTaken => walked += 1,
            Counter::DropNoPort => {}
            _ => break,
        }
    }
    outcome
}

/// The layer 4 frontend that `key` addresses.
#[inline(always)]
pub(super) fn frontend<'a, T: Tables>(
    key: &FlowKey,
    tables: &'a T,
) -> Result<&'a Frontend, Counter> {
    match tables.frontend(&key.to()) {
        Some(frontend) if frontend.kind == KIND_L4 => Ok(frontend),
        Some(frontend) if frontend.kind == KIND_TLS => Err(Counter::Tls),
        Some(frontend) if frontend.kind == KIND_PROXY => Err(Counter::PassProxy),
        _ => Err(Counter::PassNotOurs),
    }
}

/// Enters the flow of `key` to backend `id`, the reverse, where replies need it, first: a reply is
/// never untranslated.
#[inline(never)]
pub(super) fn connect<T: Tables>(key: &FlowKey, id: u32, attempt: u32, tables: &mut T) -> Counter {
    let Some(backend) = tables.backend(id) else {
        return Counter::RefuseNoBackend;
    };
    if backend.far == BY_DSR {
        return dsr::connect(key, id, tables);
    }
    let mut flow = Flow {
        address: backend.address,
        peer: key.source,
        port: backend.port,
        peer_port: 0,
        service: backend.service,
        backend: id,
        state: 0,
        last_seen: tables.now(),
        address_delta: checksum::address_delta(&key.destination, &backend.address),
        port_delta: checksum::port_delta(key.destination_port, backend.port as u16),
    };
    if backend.far != NEAR && !disguise(key, attempt, &mut flow, tables) {
        return Counter::DropNoPort;
    }
    let done = match flow.is_near() && is_alone(key, &flow, tables) {
        true => Counter::Opened,
        false => reserve(key, &flow, attempt, tables),
    };
    match done {
        Counter::Opened if !tables.insert(key, &flow) => Counter::DropTableFull,
        done => done,
    }
}

/// Flows of no other frontend go to this endpoint: its replies need no entry yet, and nothing can be
/// in the way of one.
#[inline(never)]
fn is_alone<T: Tables>(key: &FlowKey, flow: &Flow, tables: &T) -> bool {
    let endpoint = FrontendKey {
        address: flow.address,
        port: flow.port,
        protocol: key.protocol.into(),
    };
    let origin = tables.origin(&endpoint);
    origin.is_some_and(|origin| origin.shared == 0 && origin.is(&key.to()))
}

/// Enters the reverse of a flow: [`Counter::Opened`], or why not.
#[inline(always)]
fn reserve<T: Tables>(key: &FlowKey, flow: &Flow, attempt: u32, tables: &mut T) -> Counter {
    let other = key.other(flow);
    let is_last = attempt + 1 == ATTEMPTS;
    if taken(key, &other, is_last, tables) {
        return match flow.is_far() {
            true => Counter::DropNoPort,
            false => Counter::DropReverseTaken,
        };
    }
    // Replies are looked for among the established flows first: what an ended one left must go.
    // Asking costs less than removing nothing.
    if tables.flow(&other).is_some() {
        tables.forget(&other);
    }
    match reflect(key, flow, &other, tables) {
        true => Counter::Opened,
        false => Counter::DropTableFull,
    }
}

/// Gives the flow a source of this node, so that a far backend replies to it; `false`: there is
/// none.
#[inline(never)]
fn disguise<T: Tables>(key: &FlowKey, attempt: u32, flow: &mut Flow, tables: &T) -> bool {
    let Some(snat) = tables.snat_for(key) else {
        return false;
    };
    let port = pick::port(snat, key, attempt);
    flow.peer = snat.address;
    flow.peer_port = port;
    let address = checksum::address_delta(&key.source, &snat.address);
    flow.address_delta = checksum::both(flow.address_delta, address);
    let ports = checksum::port_delta(key.source_port, port as u16);
    flow.port_delta = checksum::both(flow.port_delta, ports);
    true
}

/// The reverse entry belongs to another flow that still lives: its replies could not be told
/// from ours. A port that a connection to a far backend has just ended at rests for a while, unless
/// this is the last attempt: replies may be under way (TIME-WAIT
/// is for the same, RFC 9293, 3.3.2).
#[inline(never)]
fn taken<T: Tables>(key: &FlowKey, reverse: &FlowKey, is_last: bool, tables: &T) -> bool {
    // The client talks to it through TLS passthrough.
    if key.is_tcp() && tables.is_tied(reverse) {
        return true;
    }
    let Some(entry) = tables.find(reverse) else {
        return false;
    };
    let (owner, is_far) = (reverse.other(entry), entry.is_far());
    if owner == *key {
        return false;
    }
    let Some(flow) = tables.find(&owner) else {
        return false;
    };
    let same_client = match flow.is_far() {
        true => is_far && flow.peer_port as u16 == reverse.destination_port,
        false => !is_far,
    };
    same_client
        && flow.port as u16 == reverse.source_port
        && flow.address == reverse.source
        && (!flow.closing() || (is_far && !is_last))
        && !expired(&owner, flow, tables.now(), tables.hz())
}
