//! Packets into the ring.

use aya_ebpf::{
    helpers::{bpf_ktime_get_ns, generated::bpf_probe_read_kernel},
    macros::map,
    maps::{Array, PerCpuArray, RingBuf},
};
use gateway_common::capture::{AFTER, CAPTURED_BYTES, Record, SNAP_MAX, Settings};

use crate::{
    filter::{Head, wanted},
    frame::Frame,
};

#[map(name = "captured")]
static CAPTURED: RingBuf = RingBuf::with_byte_size(CAPTURED_BYTES, 0);
#[map(name = "settings")]
static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);
#[map(name = "lost")]
static LOST: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);
/// Too large for the stack. Nothing interrupts a packet on its CPU to bring another one.
#[map(name = "scratch")]
static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

const BYTES: usize = SNAP_MAX as usize + 1;

#[repr(C)]
struct Scratch {
    record: Record,
    bytes: [u8; BYTES],
    /// The packet was wanted before the program: so it is after, whatever its addresses are then.
    wanted: u32,
    pad: u32,
}

#[inline(always)]
pub(crate) fn settings() -> Option<&'static Settings> {
    SETTINGS.get(0)
}

/// Hands a packet to user space, if it is wanted.
#[inline(always)]
pub(crate) fn tell(frame: &Frame, hook: u32, verdict: i32, settings: &Settings) {
    if settings.interface != 0 && settings.interface != frame.interface {
        return;
    }
    let Some(scratch) = SCRATCH.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: this CPU's value.
    let scratch = unsafe { &mut *scratch };
    if hook & AFTER == 0 {
        scratch.wanted = 0;
    }
    // The mask tells the verifier what the comparison does not.
    let captured = frame.linear.min(settings.snap) & SNAP_MAX;
    let to = scratch.bytes.as_mut_ptr();
    // SAFETY: at most as many bytes as there are; the helper copes with every address.
    let read = unsafe { bpf_probe_read_kernel(to.cast(), captured, frame.data as *const _) };
    if read != 0 {
        return;
    }
    // SAFETY: the array is longer.
    let head = unsafe { &*scratch.bytes.as_ptr().cast::<Head>() };
    let mut take = wanted(head, captured, settings);
    if hook & AFTER == 0 {
        scratch.wanted = u32::from(take);
    } else {
        take |= scratch.wanted != 0;
    }
    if !take {
        return;
    }
    scratch.record = Record {
        // SAFETY: the helper has no precondition.
        time: unsafe { bpf_ktime_get_ns() },
        interface: frame.interface,
        length: frame.length,
        captured,
        hook,
        verdict,
        pad: 0,
    };
    let from: *const Scratch = scratch;
    let size = size_of::<Record>() + captured as usize;
    // SAFETY: the scratch is at least as long.
    let told = unsafe { core::slice::from_raw_parts(from.cast::<u8>(), size) };
    if CAPTURED.output::<[u8]>(told, 0).is_err()
        && let Some(lost) = LOST.get_ptr_mut(0)
    {
        // SAFETY: this CPU's value.
        unsafe { *lost += 1 };
    }
}
