//! Which service a hello is for, and which of its endpoints.

use aya_ebpf::btf_maps::lpm_trie::Key;
use gateway_common::{
    abi::{FlowKey, NEAR, TlsKey, TlsName},
    maps::{SNAT_V4, SNAT_V6},
    pick,
    splice::{Choice, Endpoint},
    tables::Tables as _,
};

use crate::{
    maps::{HELLOS, TLS_NAMES},
    world::World,
};

/// Where the name of a hello leads, or a hello without one.
#[inline(always)]
pub(crate) fn service(key: &FlowKey) -> Choice {
    let (Some(hello), Some(frontend)) = (HELLOS.get_ptr_mut(key), World.frontend(&key.to())) else {
        return Choice::Local;
    };
    // SAFETY: as in `Splices::hello`.
    let asked = unsafe { (*hello).scan.key() };
    asked.name.group = (frontend.service as u16).to_be_bytes();
    let asked: *const TlsKey = asked;
    // SAFETY: the same layout, but for the alignment.
    match TLS_NAMES.get(unsafe { &*asked.cast::<Key<TlsName>>() }) {
        Some(target) if target.service != 0 => Choice::Service(target.service),
        _ => Choice::Local,
    }
}

/// The endpoint of a service to try after `attempt` others.
#[inline(always)]
pub(crate) fn endpoint(key: &FlowKey, id: u32, attempt: u32, to: &mut Endpoint) -> Option<()> {
    let service = World
        .service(id)
        .filter(|service| service.maglev_size > 0)?;
    let hash = match service.affinity {
        0 => pick::hash(key),
        _ => pick::client(key),
    };
    let slot = service.maglev_offset + pick::slot(hash, attempt, service.maglev_size);
    let number = World.slot(slot)?;
    let backend = World.backend(number)?;
    to.address = backend.address.copied();
    to.port = backend.port as u16;
    to.backend = number;
    to.mss = u16::MAX;
    to.source_port = 0;
    if backend.far == NEAR {
        return Some(());
    }
    let family = if key.source.is_v4() { SNAT_V4 } else { SNAT_V6 };
    let snat = World.snat(family).filter(|snat| snat.ports > 0)?;
    to.source = snat.address.copied();
    to.source_port = (snat.first_port + pick::slot(pick::hash(key), attempt, snat.ports)) as u16;
    Some(())
}
