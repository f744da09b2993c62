//! The clock of the flow table as a program of its own, for commands that only look.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "calls a helper of the kernel")]

use aya_ebpf::{helpers::bpf_jiffies64, macros::xdp, programs::XdpContext};

/// Low 32 bits of jiffies, as the return value of a test run. Never attached.
#[xdp]
#[allow(
    clippy::needless_pass_by_value,
    reason = "the macros of entry points pass contexts by value"
)]
fn xdpgw_clock(_ctx: XdpContext) -> u32 {
    // SAFETY: the helper has no precondition.
    unsafe { bpf_jiffies64() as u32 }
}

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
