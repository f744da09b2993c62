//! Packets into the ring.

use aya_ebpf::{
    btf_maps::{Array, PerCpuArray, RingBuf},
    helpers::bpf_ktime_get_ns,
    macros::btf_map,
};
use gateway_common::capture::{AFTER, CAPTURED_BYTES, Record, SNAP_MAX, Settings};

use super::{
    Source,
    filter::{Head, wanted},
};

/// Of `Record`s with their bytes; libbpf refuses ring buffers with a typed value.
#[btf_map(name = "captured")]
static CAPTURED: RingBuf<(), { CAPTURED_BYTES as usize }> = RingBuf::new();
#[btf_map(name = "settings")]
static SETTINGS: Array<Settings, 1> = Array::new();
#[btf_map(name = "lost")]
static LOST: PerCpuArray<u64, 1> = PerCpuArray::new();
/// A packet before a program and after it. Too large for the stack; and nothing brings another
/// packet to a CPU before it is done with one.
#[btf_map(name = "scratch")]
static SCRATCH: PerCpuArray<Scratch, 2> = PerCpuArray::new();

const BYTES: usize = SNAP_MAX as usize + 1;
/// Of `Scratch::state`: no packet, one that was not wanted so far, one that was told.
const NOTHING: u32 = 0;
const HELD: u32 = 1;
const TOLD: u32 = 2;

#[repr(C)]
struct Scratch {
    record: Record,
    bytes: [u8; BYTES],
    state: u32,
    pad: u32,
}

/// Hands a packet to user space, if it is wanted as it is on one of both sides of the program: both
/// then.
#[inline(never)]
pub(super) fn tell<S: Source>(packet: &S, hook: u32, verdict: i32) {
    let Some(own) = SCRATCH.get_ptr_mut(hook & AFTER) else {
        return;
    };
    // SAFETY: this CPU's value.
    let own = unsafe { &mut *own };
    own.state = NOTHING;
    if !fill(own, packet, hook, verdict) {
        return;
    }
    if hook & AFTER == 0 {
        if own.state == TOLD {
            put(own);
        }
        return;
    }
    let Some(first) = SCRATCH.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: this CPU's value, and not that of `own`.
    let first = unsafe { &mut *first };
    if own.state == TOLD || first.state == TOLD {
        if first.state == HELD {
            put(first);
        }
        put(own);
    }
    // The next packet may come from a program on a link that does not tell, while some do.
    first.state = NOTHING;
}

/// `false` where there is nothing to capture.
#[inline(always)]
fn fill<S: Source>(scratch: &mut Scratch, packet: &S, hook: u32, verdict: i32) -> bool {
    let Some(settings) = SETTINGS.get(0) else {
        return false;
    };
    // SAFETY: the helper has no precondition.
    let time = unsafe { bpf_ktime_get_ns() };
    let interface = packet.interface();
    let elsewhere = settings.interface != 0 && settings.interface != interface;
    if elsewhere || (time >> 30) as u32 > settings.until {
        return false;
    }
    let length = packet.len() as u32;
    // The mask tells the verifier what the comparison does not.
    let captured = length.min(settings.snap) & SNAP_MAX;
    if captured == 0 || !packet.copy(scratch.bytes.as_mut_ptr(), captured) {
        return false;
    }
    // SAFETY: the array is longer.
    let head = unsafe { &*scratch.bytes.as_ptr().cast::<Head>() };
    scratch.state = if wanted(head, captured, settings) {
        TOLD
    } else {
        HELD
    };
    scratch.record = Record {
        time,
        interface,
        length,
        captured,
        hook,
        verdict,
        pad: 0,
    };
    true
}

#[inline(always)]
fn put(scratch: &Scratch) {
    let size = size_of::<Record>() + (scratch.record.captured & SNAP_MAX) as usize;
    let from: *const Scratch = scratch;
    // SAFETY: the scratch is longer.
    let told = unsafe { core::slice::from_raw_parts(from.cast::<u8>(), size) };
    if CAPTURED.output_untyped::<[u8]>(told, 0).is_err()
        && let Some(lost) = LOST.get_ptr_mut(0)
    {
        // SAFETY: this CPU's value.
        unsafe { *lost += 1 };
    }
}
