//! Entry points of the BPF programs: a packet in, a verdict out.
#![no_std]
#![no_main]
#![allow(
    unsafe_code,
    reason = "BPF programs read packets and maps through pointers"
)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "the macros of entry points pass contexts by value"
)]

mod bytes;
mod capture;
mod choice;
mod events;
mod hello;
mod hellos;
mod log;
mod lookup;
mod maps;
mod notes;
mod packet;
mod served;
mod socket;
mod splices;
mod stats;
mod ties;
mod tls;
mod world;

use aya_ebpf::{
    bindings::{
        TC_ACT_SHOT, sk_action,
        xdp_action::{XDP_DROP, XDP_PASS, XDP_TX},
    },
    helpers::{bpf_jiffies64, bpf_redirect, bpf_redirect_neigh},
    macros::{classifier, sk_lookup, xdp},
    programs::{SkLookupContext, TcContext, XdpContext},
};
use gateway_common::{
    abi::{Counter, Kind},
    capture::{HOOK_TCX_EGRESS, HOOK_TCX_INGRESS, HOOK_XDP},
    decide,
    maps::{ABI_VERSION, SLOT_TLS},
    packet::Packet as _,
    steer::Steer,
    tables::Tables as _,
    vlan,
};

use crate::{
    maps::{TCX_PROGRAMS, XDP_PROGRAMS},
    world::World,
};

/// Layout of the maps, for the loader.
#[unsafe(no_mangle)]
static ABI: u32 = ABI_VERSION;

/// `TCX_NEXT`: the next program on the interface decides, and in the end the packet goes on.
const TCX_NEXT: i32 = -1;

/// No verdict: another program goes on.
const GOES_ON: u32 = u32::MAX;

/// Requests that arrive on an uplink, and questions for the gateway's link address.
#[xdp]
fn xdpgw_ingress(ctx: XdpContext) -> u32 {
    capture::before(&packet::Xdp(&ctx), HOOK_XDP);
    let verdict = vlan::without_tags(&mut packet::Xdp(&ctx), |packet| {
        let outcome = decide::ingress(packet, &mut World);
        log::outcome(&ctx, "ingress", outcome);
        match outcome.kind() {
            Kind::Done | Kind::Pass | Kind::Refuse | Kind::Conflict => XDP_PASS,
            Kind::Tls => GOES_ON,
            Kind::Answer => XDP_TX,
            Kind::Suppress | Kind::Drop => XDP_DROP,
        }
    });
    let mut verdict = verdict.unwrap_or_else(|| {
        World.count(Counter::DropRewrite, packet::Xdp(&ctx).len());
        XDP_DROP
    });
    if verdict == GOES_ON {
        // SAFETY: a program of the same kind. It fails where there is none, and then the stack gets
        // the packet.
        unsafe { XDP_PROGRAMS.tail_call(&ctx, SLOT_TLS) };
        verdict = XDP_PASS;
    }
    capture::after(&packet::Xdp(&ctx), HOOK_XDP, verdict as i32);
    verdict
}

/// Behind XDP: packets of flows to far backends, and questions for the gateway's link address on an
/// uplink that XDP cannot answer on. Either leaves by the interface that it came by.
#[classifier]
fn xdpgw_answer(ctx: TcContext) -> i32 {
    // Next it arrives on the interface of its VLAN, where routes lead to.
    if packet::Skb(&ctx).is_of_vlan() {
        return TCX_NEXT;
    }
    capture::before(&packet::Skb(&ctx), HOOK_TCX_INGRESS);
    let outcome = decide::behind(&mut packet::Skb(&ctx), &mut World);
    log::outcome(&ctx, "behind", outcome);
    if outcome == Counter::Tls {
        packet::Skb(&ctx).set_hook(HOOK_TCX_INGRESS);
        // SAFETY: as in `xdpgw_ingress`.
        unsafe { TCX_PROGRAMS.tail_call(&ctx, SLOT_TLS) };
    }
    // SAFETY: the kernel hands the program a valid context.
    let interface = unsafe { (*ctx.skb.skb).ifindex };
    let verdict = match outcome.kind() {
        // SAFETY: without parameters, the helper finds the next hop and its link address.
        Kind::Done => unsafe { bpf_redirect_neigh(interface, core::ptr::null_mut(), 0, 0) as i32 },
        // SAFETY: the helper has no precondition.
        Kind::Answer => unsafe { bpf_redirect(interface, 0) as i32 },
        Kind::Pass | Kind::Tls | Kind::Refuse | Kind::Conflict => TCX_NEXT,
        Kind::Suppress | Kind::Drop => TC_ACT_SHOT,
    };
    capture::after(&packet::Skb(&ctx), HOOK_TCX_INGRESS, verdict);
    verdict
}

/// Replies that leave on an uplink.
#[classifier]
fn xdpgw_egress(ctx: TcContext) -> i32 {
    capture::before(&packet::Skb(&ctx), HOOK_TCX_EGRESS);
    let outcome = decide::egress(&mut packet::Skb(&ctx), &mut World);
    log::outcome(&ctx, "egress", outcome);
    if outcome == Counter::Tls {
        packet::Skb(&ctx).set_hook(HOOK_TCX_EGRESS);
        // SAFETY: as in `xdpgw_ingress`.
        unsafe { TCX_PROGRAMS.tail_call(&ctx, SLOT_TLS) };
    }
    let verdict = match outcome.kind() {
        Kind::Done | Kind::Pass | Kind::Tls | Kind::Refuse | Kind::Conflict | Kind::Answer => {
            TCX_NEXT
        }
        Kind::Suppress | Kind::Drop => TC_ACT_SHOT,
    };
    capture::after(&packet::Skb(&ctx), HOOK_TCX_EGRESS, verdict);
    verdict
}

/// Connections for the proxy, and those that nobody may take; the node's own lookup decides all
/// others.
#[sk_lookup]
fn xdpgw_lookup(ctx: SkLookupContext) -> u32 {
    match lookup::assign(&ctx) {
        Steer::Worker(_) | Steer::Node => sk_action::SK_PASS,
        Steer::Refuse => sk_action::SK_DROP,
    }
}

/// The clock of the flow table, for test runs.
#[xdp]
fn xdpgw_clock(_ctx: XdpContext) -> u32 {
    // SAFETY: the helper has no precondition. The ABI number is read to keep it in the object.
    let (now, abi) = unsafe {
        (
            bpf_jiffies64() as u32,
            core::ptr::read_volatile(&raw const ABI),
        )
    };
    if abi == ABI_VERSION { now } else { 0 }
}

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
