//! The endpoint of a service for a client, from the same tables as for TCP and UDP.

use crate::{
    abi::{FlowKey, NEAR},
    pick,
    splice::Endpoint,
    tables::Tables,
};

/// Puts down the endpoint of a service to try after `attempt` others; `None`: there is none.
#[inline(always)]
pub fn endpoint<T: Tables>(
    key: &FlowKey,
    service: u32,
    attempt: u32,
    endpoint: &mut Endpoint,
    tables: &T,
) -> Option<()> {
    let service = tables
        .service(service)
        .filter(|service| service.maglev_size > 0)?;
    let hash = pick::of_service(service, key);
    let slot = service.maglev_offset + pick::slot(hash, attempt, service.maglev_size);
    let number = tables.slot(slot)?;
    let backend = tables.backend(number)?;
    endpoint.address = backend.address.copied();
    endpoint.port = backend.port as u16;
    endpoint.backend = number;
    endpoint.mss = u16::MAX;
    endpoint.source_port = 0;
    if backend.far == NEAR {
        return Some(());
    }
    let snat = tables.snat_for(key)?;
    endpoint.source = snat.address.copied();
    endpoint.source_port = pick::port(snat, key, attempt) as u16;
    Some(())
}
