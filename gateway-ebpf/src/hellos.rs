//! Hellos between two packets of a client: nearly all are short, so that little is copied.
//!
//! The packet in hand has a copy, for the verifier would follow everything once for each map that a hello
//! may be in. Where two CPUs have packets of one client, either may undo what the other keeps, as if the
//! packet were lost.

use core::{ffi::c_void, mem::MaybeUninit};

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
#[inline(always)]
pub(crate) fn copy<'a>(key: &FlowKey) -> Option<&'a mut Hello> {
    let copy = TLS_HELLO.get_ptr_mut(0)?;
    let copied = match HELLOS.get_ptr_mut(key) {
        Some(short) => {
            // SAFETY: a live map value.
            let end = unsafe { end(&raw const (*short).filled, &raw const (*short).beyond_end) };
            read(
                copy.cast(),
                short.cast(),
                size_of::<ShortHello>(),
                short_size(end),
            )
        }
        None => {
            let long = LONG_HELLOS.get_ptr_mut(key)?;
            let size = size_of::<Hello>();
            read(copy.cast(), long.cast(), size, size as u32)
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
#[inline(always)]
pub(crate) fn keep(key: &FlowKey) -> bool {
    let Some(copy) = current() else {
        return false;
    };
    let end = copy.end();
    if end as usize <= SHORT
        && let Some(short) = HELLOS.get_ptr_mut(key)
    {
        let copy = (&raw mut *copy).cast();
        return read(short.cast(), copy, size_of::<Hello>(), short_size(end));
    }
    let long: &Hello = copy;
    if LONG_HELLOS.insert(key, long, u64::from(BPF_ANY)).is_err() {
        return false;
    }
    // Where it was short until now.
    let _ = HELLOS.remove(key);
    true
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

/// # Safety
/// Both are fields of a live map value.
#[inline(always)]
unsafe fn end(filled: *const u32, beyond_end: *const u32) -> u32 {
    // SAFETY: the caller says so.
    let (filled, beyond_end) = unsafe { (filled.read(), beyond_end.read()) };
    if beyond_end > filled {
        beyond_end
    } else {
        filled
    }
}

/// Bytes of a hello that ends there, at most all that a short one has.
#[inline(always)]
fn short_size(end: u32) -> u32 {
    let end = if end > SHORT as u32 {
        SHORT as u32
    } else {
        end
    };
    Hello::HEAD as u32 + end
}

/// The first `size` bytes of a value of `room` bytes into another one. By helper: loops over bytes are the
/// verifier's, and become calls of `memcpy`, which there is not.
#[inline(always)]
fn read(to: *mut c_void, from: *mut c_void, room: usize, size: u32) -> bool {
    let mut view = MaybeUninit::uninit();
    // SAFETY: `from` is a map value of so many bytes; `to` has room for `size`, as the verifier sees.
    unsafe {
        bpf_dynptr_from_mem(from, room as u32, 0, view.as_mut_ptr()) == 0
            && bpf_dynptr_read(to, size, view.as_ptr(), 0, 0) == 0
    }
}
