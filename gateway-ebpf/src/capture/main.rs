//! Programs of `xdp-gateway capture`: they run before and after a program of the data path, as
//! fentry and fexit, and copy packets to user space. Loaded while somebody captures, and gone with
//! that process: the data path itself knows nothing of them.
#![no_std]
#![no_main]
#![allow(
    unsafe_code,
    reason = "reads structures of the kernel through pointers"
)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "the macros of entry points pass contexts by value"
)]

mod filter;
mod frame;
mod tell;

use aya_ebpf::{
    macros::{fentry, fexit},
    programs::{FEntryContext, FExitContext},
};
use gateway_common::capture::{AFTER, HOOK_TCX, HOOK_XDP};

use crate::{
    frame::{of_skb, of_xdp},
    tell::{settings, tell},
};

#[fentry]
fn capture_xdp_in(ctx: FEntryContext) -> i32 {
    if let Some(settings) = settings() {
        tell(&of_xdp(ctx.arg(0), settings), HOOK_XDP, 0, settings);
    }
    0
}

#[fexit]
fn capture_xdp_out(ctx: FExitContext) -> i32 {
    if let Some(settings) = settings() {
        let verdict = ctx.ret::<i32>().unwrap_or_default();
        let frame = of_xdp(ctx.arg(0), settings);
        tell(&frame, HOOK_XDP | AFTER, verdict, settings);
    }
    0
}

#[fentry]
fn capture_skb_in(ctx: FEntryContext) -> i32 {
    if let Some(settings) = settings() {
        tell(&of_skb(ctx.arg(0), settings), HOOK_TCX, 0, settings);
    }
    0
}

#[fexit]
fn capture_skb_out(ctx: FExitContext) -> i32 {
    if let Some(settings) = settings() {
        let verdict = ctx.ret::<i32>().unwrap_or_default();
        let frame = of_skb(ctx.arg(0), settings);
        tell(&frame, HOOK_TCX | AFTER, verdict, settings);
    }
    0
}

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
