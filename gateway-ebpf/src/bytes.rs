//! Bytes of frames at places that are not known beforehand, by helpers.

use core::{ffi::c_void, ptr};

use aya_ebpf::{
    EbpfContext as _,
    helpers::{
        bpf_csum_diff, bpf_skb_load_bytes, bpf_skb_store_bytes, bpf_xdp_load_bytes,
        bpf_xdp_store_bytes,
    },
};
use gateway_common::packet::Bytes;

use crate::packet::{Skb, Xdp, zero};

/// Most bytes that one call copies: enough for a segment, and little beside a hello.
const MOST: usize = 2048;

/// Where `length` bytes from `at` on are, in memory of `room` bytes; `None` where they are not.
///
/// The verifier has to see both bounds of what the helper is given, and does not where the compiler
/// joins them to others that say the same.
#[inline(always)]
fn place(room: usize, at: u32, length: u32) -> Option<(usize, u32)> {
    let most = if room < MOST { room } else { MOST };
    let (at, length) = ((at as u64 + zero()) as usize, length as u64 + zero());
    if length == 0 || length > most as u64 || at > room - most {
        return None;
    }
    Some((at, length as u32))
}

/// What `length` bytes of `of` from `at` on add to a checksum.
#[inline(always)]
fn sum(of: &[u8], at: u32, length: u32) -> u64 {
    /// Most that one call takes on older kernels.
    const PART: u64 = 512;
    let Some((mut at, length)) = place(of.len(), at, length) else {
        return 0;
    };
    let (mut sum, mut left) = (0, u64::from(length));
    for _ in 0..MOST as u64 / PART {
        let part = match left {
            0..PART => left & !3,
            _ => PART,
        };
        if part == 0 {
            break;
        }
        // SAFETY: inside, as `place` says; whole words.
        sum = unsafe {
            let from = of.as_ptr().add(at).cast_mut();
            bpf_csum_diff(ptr::null_mut(), 0, from.cast(), part as u32, sum)
        } as u32;
        at += part as usize;
        left -= part;
    }
    let byte = |each| match of.get(at + each) {
        Some(byte) if (each as u64) < left => *byte,
        _ => 0,
    };
    let rest = u32::from_ne_bytes([byte(0), byte(1), byte(2), 0]);
    u64::from(sum) + u64::from(rest)
}

/// Lets a helper write `length` bytes to `to[at..]`: it gets where, and how many, and returns 0 where
/// it has done so.
#[inline(always)]
fn write(
    to: &mut [u8],
    at: u32,
    length: u32,
    helper: impl FnOnce(*mut c_void, u32) -> i64,
) -> bool {
    let Some((at, length)) = place(to.len(), at, length) else {
        return false;
    };
    // SAFETY: inside, as `place` says.
    let to = unsafe { to.as_mut_ptr().add(at) };
    helper(to.cast(), length) == 0
}

/// As [`write`], of a helper that reads.
#[inline(always)]
fn read(from: &[u8], at: u32, length: u32, helper: impl FnOnce(*mut c_void, u32) -> i64) -> bool {
    let Some((at, length)) = place(from.len(), at, length) else {
        return false;
    };
    // SAFETY: as above. The helper does not write, whatever its type says.
    let from = unsafe { from.as_ptr().add(at) };
    helper(from.cast_mut().cast(), length) == 0
}

impl Bytes for Xdp<'_> {
    #[inline(always)]
    fn load(&self, offset: u32, to: &mut [u8], at: u32, length: u32) -> bool {
        // SAFETY: a valid context, and memory as long as is said. The same below.
        write(to, at, length, |to, length| unsafe {
            bpf_xdp_load_bytes(self.0.as_ptr().cast(), offset, to, length)
        })
    }

    #[inline(always)]
    fn store(&mut self, offset: u32, from: &[u8], at: u32, length: u32) -> bool {
        // SAFETY: as above.
        read(from, at, length, |from, length| unsafe {
            bpf_xdp_store_bytes(self.0.as_ptr().cast(), offset, from, length)
        })
    }

    #[inline(always)]
    fn sum(of: &[u8], at: u32, length: u32) -> u64 {
        sum(of, at, length)
    }
}

impl Bytes for Skb<'_> {
    #[inline(always)]
    fn load(&self, offset: u32, to: &mut [u8], at: u32, length: u32) -> bool {
        // SAFETY: as above.
        write(to, at, length, |to, length| unsafe {
            bpf_skb_load_bytes(self.0.as_ptr().cast(), offset, to, length)
        })
    }

    #[inline(always)]
    fn store(&mut self, offset: u32, from: &[u8], at: u32, length: u32) -> bool {
        // SAFETY: as above.
        read(from, at, length, |from, length| unsafe {
            bpf_skb_store_bytes(self.0.skb.skb, offset, from, length, 0)
        })
    }

    #[inline(always)]
    fn sum(of: &[u8], at: u32, length: u32) -> u64 {
        sum(of, at, length)
    }
}
