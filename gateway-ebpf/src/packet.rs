//! Frames as XDP and tcx see them.

use aya_ebpf::{
    EbpfContext as _,
    bindings::{BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR},
    helpers::{bpf_skb_change_tail, bpf_xdp_adjust_head, bpf_xdp_adjust_tail},
    programs::{TcContext, XdpContext},
};
use gateway_common::{
    abi::UDP,
    header::{Ether, Ip, L4},
    packet::{Frame, Packet, Wire},
};

use crate::capture::Source;

/// In memory that the programs may write, of which the verifier knows nothing. Nobody does.
#[unsafe(no_mangle)]
static mut ZERO: u64 = 0;

/// See [`Packet::veiled_zero`].
#[inline(always)]
pub(crate) fn zero() -> u64 {
    // SAFETY: a valid static.
    unsafe { core::ptr::read_volatile(&raw const ZERO) }
}

/// A frame in a driver's buffer.
pub(crate) struct Xdp<'a>(pub(crate) &'a XdpContext);

impl Packet for Xdp<'_> {
    #[inline(always)]
    fn len(&self) -> u64 {
        (self.0.data_end() - self.0.data()) as u64
    }

    #[inline(always)]
    fn interface(&self) -> u32 {
        self.0.ingress_ifindex() as u32
    }

    #[inline(always)]
    fn resize(&mut self, bytes: u64) -> bool {
        // Not joined with the subtraction in `len`: the verifier takes no sums with a frame's end.
        let length = self.len().wrapping_add(zero());
        let more = bytes as i64 - length as i64;
        // SAFETY: a valid context; the kernel checks what it can do.
        unsafe { bpf_xdp_adjust_tail(self.0.as_ptr().cast(), more as i32) == 0 }
    }

    #[inline(always)]
    fn shift(&mut self, bytes: i32) -> bool {
        // SAFETY: a valid context; the kernel checks what it can do.
        unsafe { bpf_xdp_adjust_head(self.0.as_ptr().cast(), bytes) == 0 }
    }

    #[inline(always)]
    fn head<T: Wire>(&mut self) -> Option<&mut T> {
        view(self.0.data(), self.0.data_end())
    }

    #[inline(always)]
    fn veiled_zero(&mut self) -> u64 {
        zero()
    }
}

/// A frame of the stack: maybe without all of its headers in the linear part, maybe with a
/// checksum that hardware will complete, maybe a train of segments.
pub(crate) struct Skb<'a>(pub(crate) &'a TcContext);

impl Skb<'_> {
    /// The stack has taken a VLAN tag off; one of VLAN 0 tells of a priority only.
    #[inline(always)]
    pub(crate) fn is_of_vlan(&self) -> bool {
        const NUMBER: u32 = 0xfff;
        // SAFETY: the kernel hands the program a valid context.
        let skb = unsafe { &*self.0.skb.skb };
        skb.vlan_present != 0 && skb.vlan_tci & NUMBER != 0
    }

    /// Tells the program that goes on with the frame where this one runs, as `capture` has it.
    #[inline(always)]
    pub(crate) fn set_hook(&mut self, hook: u32) {
        // SAFETY: the kernel hands the program a valid context, with words for just this.
        unsafe { (*self.0.skb.skb).cb[0] = hook };
    }

    #[inline(always)]
    pub(crate) fn hook(&self) -> u32 {
        // SAFETY: as above.
        unsafe { (*self.0.skb.skb).cb[0] }
    }
}

impl Packet for Skb<'_> {
    #[inline(always)]
    fn len(&self) -> u64 {
        u64::from(self.0.len())
    }

    #[inline(always)]
    fn interface(&self) -> u32 {
        // SAFETY: the kernel hands the program a valid context.
        unsafe { (*self.0.skb.skb).ifindex }
    }

    #[inline(always)]
    fn resize(&mut self, bytes: u64) -> bool {
        // SAFETY: a valid context; the kernel checks what it can do.
        unsafe { bpf_skb_change_tail(self.0.skb.skb, bytes as u32, 0) == 0 }
    }

    /// Outer headers come and go in XDP only.
    #[inline(always)]
    fn shift(&mut self, _bytes: i32) -> bool {
        false
    }

    #[inline(always)]
    fn head<T: Wire>(&mut self) -> Option<&mut T> {
        if self.0.data() + size_of::<T>() > self.0.data_end() {
            self.0.pull_data(size_of::<T>() as u32).ok()?;
        }
        view(self.0.data(), self.0.data_end())
    }

    #[inline(always)]
    fn veiled_zero(&mut self) -> u64 {
        zero()
    }

    /// By helper: it knows whether the field holds a checksum or only its pseudo-header part,
    /// which contains addresses but no ports.
    #[inline(always)]
    fn adjust<I: Ip, L: L4>(&mut self, address_delta: u32, port_delta: u32) -> bool {
        let field = size_of::<Ether>() + size_of::<I>() + L::CHECKSUM;
        // UDP: zero stays zero, and a sum of zero is sent as all ones.
        let zero = if u32::from(L::PROTOCOL) == UDP {
            BPF_F_MARK_MANGLED_0
        } else {
            0
        };
        let pseudo = u64::from(zero | BPF_F_PSEUDO_HDR);
        self.0
            .l4_csum_replace(field, 0, address_delta.into(), pseudo)
            .is_ok()
            && self
                .0
                .l4_csum_replace(field, 0, port_delta.into(), zero.into())
                .is_ok()
    }

    /// The helper leaves such a field alone where what changes is not of the pseudo-header.
    #[inline(always)]
    fn is_partial<I: Ip, L: L4>(&mut self) -> bool {
        let field = size_of::<Ether>() + size_of::<I>() + L::CHECKSUM;
        let before = checksum_of::<I, L>(self);
        self.0.l4_csum_replace(field, 0, 1, 0).is_ok() && checksum_of::<I, L>(self) == before
    }
}

/// The checksum field; zero where the frame is too short.
#[inline(always)]
fn checksum_of<I: Ip, L: L4>(packet: &mut Skb<'_>) -> u16 {
    let frame = packet.head::<Frame<I, L>>();
    frame.map_or(0, |frame| frame.l4.checksum())
}

impl Source for Xdp<'_> {
    #[cfg(feature = "capture")]
    #[inline(always)]
    fn copy(&self, to: *mut u8, length: u32) -> bool {
        use aya_ebpf::helpers::generated::bpf_xdp_load_bytes;
        // SAFETY: a valid context; the caller's buffer is long enough.
        unsafe { bpf_xdp_load_bytes(self.0.as_ptr().cast(), 0, to.cast(), length) == 0 }
    }
}

impl Source for Skb<'_> {
    #[cfg(feature = "capture")]
    #[inline(always)]
    fn copy(&self, to: *mut u8, length: u32) -> bool {
        use aya_ebpf::helpers::generated::bpf_skb_load_bytes;
        // SAFETY: a valid context; the caller's buffer is long enough.
        unsafe { bpf_skb_load_bytes(self.0.as_ptr().cast(), 0, to.cast(), length) == 0 }
    }
}

#[inline(always)]
fn view<'a, T: Wire>(start: usize, end: usize) -> Option<&'a mut T> {
    if start + size_of::<T>() > end {
        return None;
    }
    // SAFETY: in bounds, just checked; frames start at an even address in all drivers; Wire types
    // take any bytes; callers drop one view before they take the next.
    Some(unsafe { &mut *(start as *mut T) })
}
