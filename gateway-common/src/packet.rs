//! The one door to packet bytes: the first bytes of a frame as a chain of headers.
#![allow(unsafe_code, reason = "views packet bytes as header structs")]

use crate::header::{Ether, Ip, L4};

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

    /// The first bytes as `T`; `None` where the frame is shorter.
    fn head<T: Wire>(&mut self) -> Option<&mut T>;

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
}

/// A frame in plain memory, with room behind it. The storage must be aligned to 2, which every
/// allocator does.
#[derive(Debug)]
pub struct Buffer<'a> {
    storage: &'a mut [u8],
    length: usize,
    interface: u32,
}

impl<'a> Buffer<'a> {
    /// The first `length` bytes are the frame.
    pub fn new(storage: &'a mut [u8], length: usize, interface: u32) -> Self {
        Self {
            length: length.min(storage.len()),
            storage,
            interface,
        }
    }
}

impl Packet for Buffer<'_> {
    fn len(&self) -> u64 {
        self.length as u64
    }

    fn interface(&self) -> u32 {
        self.interface
    }

    fn resize(&mut self, bytes: u64) -> bool {
        let fits = bytes <= self.storage.len() as u64;
        if fits {
            self.length = bytes as usize;
        }
        fits
    }

    fn head<T: Wire>(&mut self) -> Option<&mut T> {
        let start: *mut T = self.storage.as_mut_ptr().cast();
        if self.length < size_of::<T>() || !start.is_aligned() {
            return None;
        }
        // SAFETY: in bounds (the length is within the storage) and aligned, just checked; Wire
        // types take any bytes; the borrow of `self` keeps others away.
        Some(unsafe { &mut *start })
    }
}
