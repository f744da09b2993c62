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

/// Frames in plain memory. The storage must be aligned to 2, which every allocator does.
impl Packet for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn head<T: Wire>(&mut self) -> Option<&mut T> {
        let start: *mut T = self.as_mut_ptr().cast();
        if <[u8]>::len(self) < size_of::<T>() || !start.is_aligned() {
            return None;
        }
        // SAFETY: in bounds and aligned, just checked; Wire types take any bytes; the borrow of
        // `self` keeps others away.
        Some(unsafe { &mut *start })
    }
}
