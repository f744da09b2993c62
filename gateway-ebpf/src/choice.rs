//! Which service a hello is for.

use aya_ebpf::btf_maps::lpm_trie::Key;
use gateway_common::{
    abi::{FlowKey, TlsKey, TlsName},
    splice::Choice,
    tables::Tables as _,
};

use crate::{
    maps::{HELLOS, TLS_NAMES},
    world::World,
};

/// Where the name of a hello leads, or a hello without one; puts down what stands for the entry.
#[inline(always)]
pub(crate) fn service(key: &FlowKey, name: &mut u64) -> Choice {
    let (Some(hello), Some(frontend)) = (HELLOS.get_ptr_mut(key), World.frontend(&key.to())) else {
        return Choice::Local;
    };
    // SAFETY: as in `Splices::hello`.
    let asked = unsafe { (*hello).scan.key() };
    asked.name.group = (frontend.service as u16).to_be_bytes();
    let asked: *const TlsKey = asked;
    // SAFETY: the same layout, but for the alignment.
    let Some(target) = TLS_NAMES.get(unsafe { &*asked.cast::<Key<TlsName>>() }) else {
        return Choice::Local;
    };
    *name = target.name;
    match target.service {
        0 => Choice::Local,
        service => Choice::Service(service),
    }
}
