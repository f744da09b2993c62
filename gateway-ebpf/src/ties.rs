//! Which client the packets of a backend are for.

use aya_ebpf::bindings::BPF_NOEXIST;
use gateway_common::{abi::FlowKey, flow::lives, tables::Tables as _};

use crate::{maps::TIES, notes, world::World};

/// See `Splices::tied`.
#[inline(always)]
pub(crate) fn find(backend: &FlowKey, client: &mut FlowKey) -> bool {
    // SAFETY: values are replaced whole. The same below.
    let Some(tied) = (unsafe { TIES.get(backend) }) else {
        return false;
    };
    *client = tied.copied();
    true
}

/// See `Splices::tie`.
#[inline(always)]
pub(crate) fn tie(backend: &FlowKey, client: &FlowKey) -> bool {
    let (now, hz) = (World.now(), World.hz());
    match World.find(backend) {
        Some(flow) if lives(backend, flow, now, hz) => return false,
        // Flows are looked for first: what an ended one left must go.
        Some(_) => World.forget(backend),
        None => {}
    }
    if TIES.insert(backend, client, u64::from(BPF_NOEXIST)).is_ok() {
        return true;
    }
    // SAFETY: as above.
    match unsafe { TIES.get(backend) } {
        Some(tied) => tied == client,
        None => {
            notes::note_full();
            false
        }
    }
}
