//! The wire of benchmarks, a namespace with two interfaces: what comes by one leaves by the other.
//!
//! A virtual link gives XDP packets of the stack, and copies each of them first. Behind this one they
//! arrive as from the driver of a card, in memory that XDP can work on at once.
#![no_std]
#![no_main]
#![allow(
    unsafe_code,
    clippy::needless_pass_by_value,
    reason = "calls a helper of the kernel; the macros of entry points pass contexts by value"
)]

use aya_ebpf::{
    helpers::bpf_redirect,
    macros::{classifier, xdp},
    programs::{TcContext, XdpContext},
};

/// From the client's side, as frames.
#[xdp]
fn wire_frames(ctx: XdpContext) -> u32 {
    // SAFETY: the helper has no precondition.
    unsafe { bpf_redirect(other(ctx.ingress_ifindex() as u32), 0) as u32 }
}

/// To the client's side, as packets of the stack: trains of segments stay whole, for cards cut them.
#[classifier]
fn wire_packets(ctx: TcContext) -> i32 {
    // SAFETY: the kernel hands the program a valid context; the helper has no precondition.
    unsafe { bpf_redirect(other((*ctx.skb.skb).ifindex), 0) as i32 }
}

/// Numbers of the two interfaces differ in the last bit.
const fn other(interface: u32) -> u32 {
    interface ^ 1
}

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
