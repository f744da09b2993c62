//! What the programs of TLS passthrough note for the connections that come next.

use aya_ebpf::bindings::BPF_ANY;
use gateway_common::{
    abi::{FrontendKey, TlsNoStamps},
    tables::Tables as _,
};

use crate::{
    maps::{TLS_FULL, TLS_NO_STAMPS},
    world::World,
};

/// See `Splices::is_full`.
#[inline(always)]
pub(crate) fn is_full() -> bool {
    let (now, hz) = (World.now(), World.hz());
    let full = TLS_FULL.get(0);
    full.is_some_and(|full| full.counts(now, hz))
}

/// See `Splices::note_full`.
#[inline(always)]
pub(crate) fn note_full() {
    let Some(full) = TLS_FULL.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: a live map value; whichever CPU writes last is right.
    unsafe {
        (*full).since = World.now();
        (*full).is_full = 1;
    }
}

/// See `Splices::has_no_stamps`.
#[inline(always)]
pub(crate) fn has_no_stamps(listener: &FrontendKey) -> bool {
    // SAFETY: values are replaced whole.
    let Some(noted) = (unsafe { TLS_NO_STAMPS.get(listener) }) else {
        return false;
    };
    let counts = noted.counts(World.now(), World.hz());
    if !counts {
        // Before the clock has gone round, when it would look new. It may be gone already.
        let _ = TLS_NO_STAMPS.remove(listener);
    }
    counts
}

/// See `Splices::note_no_stamps`.
#[inline(always)]
pub(crate) fn note_no_stamps(listener: &FrontendKey) {
    let noted = TlsNoStamps { since: World.now() };
    // Without room for it, the next connection finds it out.
    let _ = TLS_NO_STAMPS.insert(listener, noted, u64::from(BPF_ANY));
}
