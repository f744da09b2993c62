//! TLS passthrough: packets of clients in XDP, those of backends at tcx.

use aya_ebpf::{
    EbpfContext as _,
    bindings::{
        BPF_F_INGRESS, TC_ACT_SHOT,
        xdp_action::{XDP_DROP, XDP_PASS, XDP_TX},
    },
    helpers::{bpf_redirect, bpf_redirect_neigh},
    macros::{classifier, xdp},
    programs::{TcContext, XdpContext},
};
use gateway_common::{
    capture::{HOOK_TCX_INGRESS, HOOK_XDP},
    header::{ETHER_IPV4, ETHER_IPV6, Ether, Ip, Ipv4, Ipv6},
    packet::{Frame, Packet as _},
    splice::{self, Scratch, Verdict},
    tables::Tables as _,
    vlan,
};

use crate::{
    TCX_NEXT, capture,
    maps::TLS_SCRATCH,
    packet::{Skb, Xdp},
    splices::Place,
    stats,
    world::World,
};

/// Behind [`crate::xdpgw_ingress`]: clients of TLS passthrough.
#[xdp]
fn xdpgw_tls(ctx: XdpContext) -> u32 {
    let verdict = vlan::without_tags(&mut Xdp(&ctx), |packet| {
        let bytes = packet.len();
        let Some(scratch) = scratch() else {
            return XDP_PASS;
        };
        let outcome = splice::from_client(packet, scratch, &mut Place(ctx.as_ptr()));
        stats::count_tls(outcome, bytes);
        if outcome.verdict() == Verdict::ToBackend {
            stats::credit_tls(&scratch.credit, 0, packet.len());
        }
        match outcome.verdict() {
            Verdict::Pass | Verdict::ToBackend => XDP_PASS,
            // Behind XDP it is sent where the driver may lose it.
            Verdict::Answer if is_detour(packet.interface()) => XDP_PASS,
            Verdict::Answer => XDP_TX,
            // Clients are answered over the link that they came by.
            Verdict::ToClient | Verdict::Drop => XDP_DROP,
        }
    });
    let verdict = verdict.unwrap_or(XDP_DROP);
    capture::after(&Xdp(&ctx), HOOK_XDP, verdict as i32);
    verdict
}

/// Behind [`crate::xdpgw_egress`]: what near backends say, and the proxy of this node; and behind
/// [`crate::xdpgw_answer`]: what far backends say.
#[classifier]
fn xdpgw_tls_back(ctx: TcContext) -> i32 {
    let verdict = backend(&ctx);
    // Read only now: it would need a place on the stack.
    let hook = Skb(&ctx).hook();
    let verdict = match hook {
        HOOK_TCX_INGRESS => far(&ctx, verdict),
        _ => near(&ctx, verdict),
    };
    capture::after(&Skb(&ctx), hook, verdict);
    verdict
}

/// What becomes of a frame that is about to leave by an uplink.
#[inline(always)]
fn near(ctx: &TcContext, verdict: Verdict) -> i32 {
    match verdict {
        Verdict::Pass | Verdict::ToClient => TCX_NEXT,
        Verdict::Drop => TC_ACT_SHOT,
        verdict => back(ctx, verdict),
    }
}

/// What becomes of a frame that came by an uplink, from a far backend.
#[inline(always)]
fn far(ctx: &TcContext, verdict: Verdict) -> i32 {
    // SAFETY: the kernel hands the program a valid context.
    let interface = unsafe { (*ctx.skb.skb).ifindex };
    match verdict {
        Verdict::Pass => TCX_NEXT,
        Verdict::Drop => TC_ACT_SHOT,
        // SAFETY: the helper has no precondition.
        Verdict::Answer => unsafe { bpf_redirect(interface, 0) as i32 },
        Verdict::ToBackend | Verdict::ToClient if !hop(&mut Skb(ctx)) => TC_ACT_SHOT,
        // SAFETY: without parameters, the helper finds the next hop and its link address.
        Verdict::ToBackend | Verdict::ToClient => unsafe {
            bpf_redirect_neigh(interface, core::ptr::null_mut(), 0, 0) as i32
        },
    }
}

/// A packet of a backend.
#[inline(always)]
fn backend(ctx: &TcContext) -> Verdict {
    let (packet, place) = (&mut Skb(ctx), &mut Place(ctx.as_ptr()));
    let bytes = packet.len();
    let Some(scratch) = scratch() else {
        return Verdict::Pass;
    };
    let outcome = splice::from_backend(packet, scratch, place);
    stats::count_tls(outcome, bytes);
    let verdict = outcome.verdict();
    let request = match verdict {
        Verdict::ToBackend => packet.len(),
        _ => 0,
    };
    stats::credit_tls(&scratch.credit, bytes, request);
    verdict
}

/// Room for what one packet needs.
#[inline(always)]
fn scratch<'a>() -> Option<&'a mut Scratch> {
    let scratch = TLS_SCRATCH.get_ptr_mut(0)?;
    // SAFETY: this CPU's value, which nothing else holds: programs of one CPU run one after the other.
    Some(unsafe { &mut *scratch })
}

/// A frame that was to leave by an uplink is for a backend of this node instead, and gets there as if it
/// had come by that uplink.
#[inline(always)]
fn back(ctx: &TcContext, verdict: Verdict) -> i32 {
    // Answers are turned already.
    if verdict == Verdict::ToBackend && !splice::turn(&mut Skb(ctx)) {
        return TC_ACT_SHOT;
    }
    // SAFETY: the kernel hands the program a valid context; the helper has no precondition.
    unsafe { bpf_redirect((*ctx.skb.skb).ifindex, u64::from(BPF_F_INGRESS)) as i32 }
}

/// What XDP sends by this interface may be lost.
#[inline(always)]
fn is_detour(interface: u32) -> bool {
    World
        .uplink(interface)
        .is_some_and(|uplink| uplink.detour != 0)
}

/// Takes a hop, as a router does; `false`: there is none left.
#[inline(always)]
fn hop(packet: &mut Skb<'_>) -> bool {
    match packet.head::<Ether>().map(|ether| ether.kind) {
        Some(ETHER_IPV4) => take_hop::<Ipv4>(packet),
        Some(ETHER_IPV6) => take_hop::<Ipv6>(packet),
        _ => false,
    }
}

#[inline(always)]
fn take_hop<I: Ip>(packet: &mut Skb<'_>) -> bool {
    let frame = packet.head::<Frame<I, ()>>();
    let Some(frame) = frame.filter(|frame| frame.ip.hops() > 1) else {
        return false;
    };
    frame.ip.hop();
    true
}
