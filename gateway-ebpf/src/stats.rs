//! Counters of packets and of backends, per CPU.

use aya_ebpf::bindings::BPF_NOEXIST;
use gateway_common::{
    abi::{BackendStats, Count, Counter},
    splice::{Credit, HelloKind, Outcome},
    tables::Traffic,
};

use crate::maps::{BACKEND_STATS, COUNTERS, NO_TRAFFIC, TLS_HELLOS_READ, TLS_OUTCOMES};

/// What became of a packet.
#[inline(always)]
pub(crate) fn count(counter: Counter, bytes: u64) {
    let Some(counters) = COUNTERS.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: this CPU's value, a row of `Count`s in the order of the enum's numbers.
    unsafe { add(counters.cast::<Count>().add(counter as usize), bytes) };
}

/// What became of a packet of TLS passthrough.
#[inline(always)]
pub(crate) fn count_tls(outcome: Outcome, bytes: u64) {
    if let Some(count) = TLS_OUTCOMES.get_ptr_mut(outcome as u32) {
        // SAFETY: this CPU's value.
        unsafe { add(count, bytes) };
    }
}

/// What a hello of TLS passthrough is.
#[inline(always)]
pub(crate) fn count_hello(kind: HelloKind) {
    if let Some(count) = TLS_HELLOS_READ.get_ptr_mut(kind as u32) {
        // SAFETY: this CPU's value.
        unsafe { *count += 1 };
    }
}

/// # Safety
/// A value that nobody else writes.
#[inline(always)]
unsafe fn add(count: *mut Count, bytes: u64) {
    // SAFETY: the caller's.
    unsafe {
        (*count).packets += 1;
        (*count).bytes += bytes;
    }
}

/// Traffic of a backend.
#[inline(always)]
pub(crate) fn credit(backend: u32, traffic: Traffic, bytes: u64) {
    if let Some(stats) = entry(backend, matches!(traffic, Traffic::Opened(_))) {
        // SAFETY: this CPU's value.
        unsafe { (*stats).credit(traffic, bytes) };
    }
}

/// The same of a packet of TLS passthrough. `reply`: bytes of the backend's frame; `request`: of that
/// for it.
#[inline(never)]
pub(crate) fn credit_tls(credit: &Credit, reply: u64, request: u64) {
    if credit.backend == 0 {
        return;
    }
    if let Some(stats) = entry(credit.backend, credit.opens()) {
        // SAFETY: this CPU's value.
        unsafe { (*stats).credit_splice(credit, reply, request) };
    }
}

/// This CPU's value of a backend; made where it is `new`.
#[inline(always)]
fn entry(backend: u32, new: bool) -> Option<*mut BackendStats> {
    let mut known = BACKEND_STATS.get_ptr_mut(backend);
    if new && known.is_none() {
        // Another CPU may be first; then the entry is there all the same.
        #[expect(
            clippy::needless_borrows_for_generic_args,
            reason = "by value it would be copied to the stack"
        )]
        let _ = BACKEND_STATS.insert(backend, &NO_TRAFFIC, u64::from(BPF_NOEXIST));
        known = BACKEND_STATS.get_ptr_mut(backend);
    }
    known
}
