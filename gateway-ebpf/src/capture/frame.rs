//! Where a packet lies in the memory of the kernel.

use aya_ebpf::helpers::bpf_probe_read_kernel;
use gateway_common::capture::Settings;

/// The linear part of a packet.
pub(crate) struct Frame {
    pub(crate) data: u64,
    pub(crate) linear: u32,
    pub(crate) length: u32,
    pub(crate) interface: u32,
}

/// Of a `struct xdp_buff`.
#[inline(always)]
pub(crate) fn of_xdp(buffer: *const u8, settings: &Settings) -> Frame {
    let at = &settings.offsets;
    let data: u64 = read(buffer as u64, at.xdp_data);
    let end: u64 = read(buffer as u64, at.xdp_data_end);
    let queue: u64 = read(buffer as u64, at.xdp_rxq);
    let device: u64 = read(queue, at.rxq_dev);
    let length = end.wrapping_sub(data) as u32;
    Frame {
        data,
        linear: length,
        length,
        interface: read(device, at.dev_ifindex),
    }
}

/// Of a `struct sk_buff`, which begins with its Ethernet header at both hooks of tcx.
#[inline(always)]
pub(crate) fn of_skb(buffer: *const u8, settings: &Settings) -> Frame {
    let at = &settings.offsets;
    let length: u32 = read(buffer as u64, at.skb_len);
    let outside: u32 = read(buffer as u64, at.skb_data_len);
    let device: u64 = read(buffer as u64, at.skb_dev);
    Frame {
        data: read(buffer as u64, at.skb_data),
        linear: length.wrapping_sub(outside),
        length,
        interface: read(device, at.dev_ifindex),
    }
}

/// A field; zero where there is no such memory.
#[inline(always)]
fn read<T: Default>(structure: u64, offset: u32) -> T {
    let at = structure.wrapping_add(u64::from(offset)) as *const T;
    // SAFETY: the helper copes with every address.
    unsafe { bpf_probe_read_kernel(at) }.unwrap_or_default()
}
