//! Hellos between two packets of a client: nearly all are short, so that little is copied.
//!
//! The packet in hand has a copy, for the verifier would follow everything once for each map that a hello
//! may be in. Where two CPUs have packets of one client, either may undo what the other keeps, as if the
//! packet were lost.

use core::mem::MaybeUninit;

use aya_ebpf::{
    bindings::{BPF_ANY, BPF_NOEXIST},
    helpers::generated::{bpf_dynptr_from_mem, bpf_dynptr_read},
};
use gateway_common::{
    abi::FlowKey,
    splice::{Hello, SHORT, ShortHello},
};

use crate::maps::{HELLOS, LONG_HELLOS, NO_HELLO, TLS_HELLO};

/// See `Splices::open_hello`.
#[inline(always)]
pub(crate) fn open(key: &FlowKey) -> bool {
    // By reference: so much is too much for the stack.
    let empty: &ShortHello = &NO_HELLO;
    HELLOS.insert(key, empty, u64::from(BPF_NOEXIST)).is_ok()
}

/// See `Splices::hello`.
#[inline(never)]
pub(crate) fn copy<'a>(key: &FlowKey) -> Option<&'a mut Hello> {
    let copy = TLS_HELLO.get_ptr_mut(0)?;
    let copied = match HELLOS.get_ptr_mut(key) {
        Some(short) => {
            // SAFETY: a live map value; words are read whole.
            let end = unsafe { (*short).end() };
            read(copy, short, short_size(end))
        }
        None => {
            let long = LONG_HELLOS.get_ptr_mut(key)?;
            read(copy, long, size_of::<Hello>() as u32)
        }
    };
    // SAFETY: this CPU's value: programs of one CPU run one after the other.
    copied.then(|| unsafe { &mut *copy })
}

/// The copy as it is.
#[inline(always)]
pub(crate) fn current<'a>() -> Option<&'a mut Hello> {
    // SAFETY: as above.
    TLS_HELLO.get_ptr_mut(0).map(|copy| unsafe { &mut *copy })
}

/// See `Splices::keep_hello`.
#[inline(never)]
pub(crate) fn keep(key: &FlowKey) -> bool {
    let Some(copy) = current() else {
        return false;
    };
    let end = copy.end();
    if end as usize <= SHORT
        && let Some(short) = HELLOS.get_ptr_mut(key)
    {
        return read(short, copy, short_size(end));
    }
    let long: &Hello = copy;
    let kept = LONG_HELLOS.insert(key, long, u64::from(BPF_ANY)).is_ok();
    if kept {
        // Where it was short until now.
        let _ = HELLOS.remove(key);
    }
    kept
}

/// See `Splices::hello_bytes`.
#[inline(always)]
pub(crate) fn bytes(key: &FlowKey) -> Option<u32> {
    if let Some(short) = HELLOS.get_ptr(key) {
        // SAFETY: a live map value; a word is read whole.
        return Some(unsafe { (*short).filled });
    }
    let long = LONG_HELLOS.get_ptr(key)?;
    // SAFETY: as above.
    Some(unsafe { (*long).filled })
}

/// See `Splices::close_hello`.
#[inline(always)]
pub(crate) fn close(key: &FlowKey) {
    // What is gone already is as it should be.
    if HELLOS.remove(key).is_err() {
        let _ = LONG_HELLOS.remove(key);
    }
}

/// Bytes of a hello that ends there, at most all that a short one has.
#[inline(always)]
fn short_size(end: u32) -> u32 {
    Hello::HEAD as u32 + end.min(SHORT as u32)
}

/// The first `size` bytes of a map value into another one. By helper: loops over bytes are the verifier's,
/// and become calls of `memcpy`, which there is not.
#[inline(always)]
fn read<T, F>(to: *mut T, from: *mut F, size: u32) -> bool {
    let mut view = MaybeUninit::uninit();
    // SAFETY: `from` is a whole map value; `to` has room for `size`, as the verifier sees.
    unsafe {
        bpf_dynptr_from_mem(from.cast(), size_of::<F>() as u32, 0, view.as_mut_ptr()) == 0
            && bpf_dynptr_read(to.cast(), size, view.as_ptr(), 0, 0) == 0
    }
}
