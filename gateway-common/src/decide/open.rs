//! A new flow: frontend, service, backend, and both entries.

use crate::{
    abi::{Counter, Flow, FlowKey, FrontendKey, KIND_L4, KIND_PROXY, Service},
    checksum,
    flow::expired,
    pick,
    tables::{Tables, Traffic},
};

/// Slots tried where a backend already talks to the same client address and port.
const ATTEMPTS: u32 = 4;

/// Opens a flow for the first packet of `key`: [`Counter::Opened`], or why not.
#[inline(never)]
pub(super) fn open<T: Tables>(key: &FlowKey, bytes: u64, tables: &mut T) -> Counter {
    let service = match service(key, tables) {
        Ok(id) => id,
        Err(reason) => return reason,
    };
    let Some(&Service {
        maglev_offset,
        maglev_size,
        ..
    }) = tables.service(service)
    else {
        return Counter::RefuseNoBackend;
    };
    if maglev_size == 0 {
        return Counter::RefuseNoBackend;
    }
    let hash = pick::hash(key);
    for attempt in 0..ATTEMPTS {
        let slot = maglev_offset + pick::slot(hash, attempt, maglev_size);
        let Some(id) = tables.slot(slot) else {
            return Counter::RefuseNoBackend;
        };
        let outcome = connect(key, id, tables);
        if outcome == Counter::Opened {
            tables.count(Counter::Opened, bytes);
            tables.credit(id, Traffic::Opened, bytes);
        }
        if outcome != Counter::DropReverseTaken {
            return outcome;
        }
    }
    Counter::DropReverseTaken
}

/// Service of the frontend that `key` addresses.
#[inline(always)]
fn service<T: Tables>(key: &FlowKey, tables: &T) -> Result<u32, Counter> {
    let wanted = FrontendKey {
        address: key.destination,
        port: u32::from(key.destination_port),
        protocol: u32::from(key.protocol),
    };
    match tables.frontend(&wanted) {
        Some(frontend) if frontend.kind == KIND_L4 => Ok(frontend.service),
        Some(frontend) if frontend.kind == KIND_PROXY => Err(Counter::PassProxy),
        _ => Err(Counter::PassNotOurs),
    }
}

/// Enters the flow of `key` to backend `id`, the reverse first: a reply is never untranslated.
#[inline(never)]
fn connect<T: Tables>(key: &FlowKey, id: u32, tables: &mut T) -> Counter {
    let Some(backend) = tables.backend(id) else {
        return Counter::RefuseNoBackend;
    };
    let flow = Flow {
        address: backend.address,
        port: backend.port,
        service: backend.service,
        backend: id,
        state: 0,
        last_seen: tables.now(),
        address_delta: checksum::address_delta(&key.destination, &backend.address),
        port_delta: checksum::port_delta(key.destination_port, backend.port as u16),
        pad: 0,
    };
    let other = key.other(&flow);
    if taken(key, &other, tables) {
        return Counter::DropReverseTaken;
    }
    if tables.insert(&other, &key.mirror(&flow)) && tables.insert(key, &flow) {
        Counter::Opened
    } else {
        Counter::DropTableFull
    }
}

/// The reverse entry belongs to another flow that still lives: its replies could not be told
/// from ours.
#[inline(always)]
fn taken<T: Tables>(key: &FlowKey, reverse: &FlowKey, tables: &T) -> bool {
    let Some(entry) = tables.flow(reverse) else {
        return false;
    };
    let owner = reverse.other(entry);
    if owner == *key {
        return false;
    }
    match tables.flow(&owner) {
        Some(flow) => {
            owner.other(flow) == *reverse
                && !flow.closing()
                && !expired(&owner, flow, tables.now(), tables.hz())
        }
        None => false,
    }
}
