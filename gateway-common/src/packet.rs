//! The one door to packet bytes: the first bytes of a frame as a chain of headers.
#![allow(unsafe_code, reason = "views packet bytes as header structs")]

use crate::{
    checksum,
    header::{Ether, Ip, L4},
};

/// A header that can be laid over any bytes.
///
/// # Safety
/// Alignment at most 2, no padding, every bit pattern valid.
pub unsafe trait Wire: Copy {}

/// The headers of a packet one after the other.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Frame<I, L> {
    pub ether: Ether,
    pub ip: I,
    pub l4: L,
}

// SAFETY: every part is Wire and of even size, so that there is no padding between them.
unsafe impl<I: Wire, L: Wire> Wire for Frame<I, L> {}
// SAFETY: no bytes at all.
unsafe impl Wire for () {}

/// A frame under way, starting with its Ethernet header.
pub trait Packet {
    /// Bytes of the whole frame.
    fn len(&self) -> u64;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Index of the interface that it arrived on, or leaves by.
    fn interface(&self) -> u32;

    /// Cuts the frame at its end, or makes room there for more; `false`, and nothing has changed,
    /// where that is impossible. New bytes hold anything.
    fn resize(&mut self, bytes: u64) -> bool;

    /// Cuts so many bytes off the front of the frame, or with a negative number puts as many there,
    /// which hold anything; `false`, and nothing has changed, where that is impossible.
    fn shift(&mut self, bytes: i32) -> bool;

    /// The first bytes as `T`; `None` where the frame is shorter.
    fn head<T: Wire>(&mut self) -> Option<&mut T>;

    /// Zero, as something that the kernel's verifier knows nothing of: it follows each known value
    /// from where it is found to where it is used, with all the paths in between.
    #[inline(always)]
    fn veiled_zero(&mut self) -> u64 {
        0
    }

    /// Corrects the checksum of the transport header for a changed address and port; `false`
    /// where that is impossible, and then nothing has changed. Comes before any other write.
    #[inline(always)]
    fn adjust<I: Ip, L: L4>(&mut self, address_delta: u32, port_delta: u32) -> bool {
        let Some(frame) = self.head::<Frame<I, L>>() else {
            return false;
        };
        frame.l4.adjust(address_delta + port_delta);
        true
    }

    /// Whether somebody completes the transport checksum when the frame leaves: until then the field
    /// holds the sum of the pseudo-header, and whoever makes the frame another one must say so. The
    /// field may hold anything afterwards.
    #[inline(always)]
    fn is_partial<I: Ip, L: L4>(&mut self) -> bool {
        false
    }
}

/// A frame whose bytes can be copied at places that are not known beforehand.
///
/// In the kernel `bpf_xdp_load_bytes` and `bpf_xdp_store_bytes`, or those for `skb`: `length` is never
/// 0, and the memory is of a known size.
pub trait Bytes: Packet {
    /// Copies `length` bytes of the frame, from `offset` on, to `to[at..]`; `false`, and nothing has
    /// changed, where either is too short.
    fn load(&self, offset: u32, to: &mut [u8], at: u32, length: u32) -> bool;

    /// Copies `from[at..]` over `length` bytes of the frame, from `offset` on; `false`, and nothing
    /// has changed, where either is too short.
    fn store(&mut self, offset: u32, from: &[u8], at: u32, length: u32) -> bool;

    /// What up to 2048 bytes `of[at..]` add to a checksum, as a text that begins there. Not of the
    /// frame, but here, because who has the bytes of a frame knows how to sum up others: in the kernel
    /// `bpf_csum_diff`.
    fn sum(of: &[u8], at: u32, length: u32) -> u64 {
        checksum::bytes(of, at, length)
    }
}

/// A word that is needed late: on the stack from the beginning. Held in a register it would drive out
/// several others, and the frames of BPF programs are small.
#[derive(Debug, Default)]
pub struct Kept(u64);

impl Kept {
    #[inline(always)]
    pub fn keep(&mut self, word: u64) {
        // SAFETY: a valid reference.
        unsafe { core::ptr::write_volatile(&raw mut self.0, word) };
    }

    #[inline(always)]
    pub fn word(&self) -> u64 {
        // SAFETY: a valid reference.
        unsafe { core::ptr::read_volatile(&raw const self.0) }
    }
}

/// A frame in plain memory, with room behind it, and maybe before it. The storage must be aligned
/// to 2, which every allocator does.
#[derive(Debug)]
pub struct Buffer<'a> {
    storage: &'a mut [u8],
    start: usize,
    end: usize,
    interface: u32,
}

impl<'a> Buffer<'a> {
    /// The first `length` bytes are the frame.
    pub fn new(storage: &'a mut [u8], length: usize, interface: u32) -> Self {
        Self::with_room(storage, 0, length, interface)
    }

    /// The frame is `length` bytes behind the first `room`.
    pub fn with_room(storage: &'a mut [u8], room: usize, length: usize, interface: u32) -> Self {
        let start = room.min(storage.len());
        Self {
            start,
            end: start.saturating_add(length).min(storage.len()),
            storage,
            interface,
        }
    }

    /// Where in the storage the frame is now.
    pub const fn place(&self) -> core::ops::Range<usize> {
        self.start..self.end
    }
}

/// `length` bytes from `at` on.
fn part(at: u32, length: u32) -> core::ops::Range<usize> {
    at as usize..(at as usize).saturating_add(length as usize)
}

impl Bytes for Buffer<'_> {
    fn load(&self, offset: u32, to: &mut [u8], at: u32, length: u32) -> bool {
        let frame = self.storage.get(self.start..self.end);
        let from = frame.and_then(|frame| frame.get(part(offset, length)));
        match (from, to.get_mut(part(at, length))) {
            (Some(from), Some(to)) => {
                to.copy_from_slice(from);
                true
            }
            _ => false,
        }
    }

    fn store(&mut self, offset: u32, from: &[u8], at: u32, length: u32) -> bool {
        let frame = self.storage.get_mut(self.start..self.end);
        let to = frame.and_then(|frame| frame.get_mut(part(offset, length)));
        match (from.get(part(at, length)), to) {
            (Some(from), Some(to)) => {
                to.copy_from_slice(from);
                true
            }
            _ => false,
        }
    }
}

impl Packet for Buffer<'_> {
    fn len(&self) -> u64 {
        (self.end - self.start) as u64
    }

    fn interface(&self) -> u32 {
        self.interface
    }

    fn resize(&mut self, bytes: u64) -> bool {
        let room = self.storage.len() - self.start;
        let fits = bytes <= room as u64;
        if fits {
            self.end = self.start + bytes as usize;
        }
        fits
    }

    fn shift(&mut self, bytes: i32) -> bool {
        let start = self.start.checked_add_signed(bytes as isize);
        let inside = start.filter(|start| *start <= self.end);
        self.start = inside.unwrap_or(self.start);
        inside.is_some()
    }

    fn head<T: Wire>(&mut self) -> Option<&mut T> {
        let frame = self.storage.get_mut(self.start..self.end)?;
        let start: *mut T = frame.as_mut_ptr().cast();
        if frame.len() < size_of::<T>() || !start.is_aligned() {
            return None;
        }
        // SAFETY: in bounds and aligned, just checked; Wire types take any bytes; the borrow of
        // `self` keeps others away.
        Some(unsafe { &mut *start })
    }
}
