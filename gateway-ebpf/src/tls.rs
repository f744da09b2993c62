//! TLS passthrough: packets of clients in XDP, those of backends at tcx.

use aya_ebpf::{
    EbpfContext as _,
    bindings::BPF_F_INGRESS,
    helpers::bpf_redirect,
    programs::{TcContext, XdpContext},
};
use gateway_common::{
    header::{ETHER_IPV4, ETHER_IPV6, Ether, Ipv4, Ipv6},
    packet::Packet as _,
    splice::{self, Outcome, Scratch, Verdict},
};

use crate::{
    maps::{TLS_OUTCOMES, TLS_SCRATCH},
    packet::{Skb, Xdp},
    splices::Place,
};

/// A packet of a client.
#[inline(always)]
pub(crate) fn client(ctx: &XdpContext, packet: &mut Xdp<'_>) -> Outcome {
    let Some(scratch) = scratch() else {
        return Outcome::NotOurs;
    };
    let (place, bytes) = (&mut Place(ctx.as_ptr()), packet.len());
    let outcome = match packet.head::<Ether>().map(|ether| ether.kind) {
        Some(ETHER_IPV4) => splice::from_client::<_, Ipv4, _>(packet, scratch, place),
        Some(ETHER_IPV6) => splice::from_client::<_, Ipv6, _>(packet, scratch, place),
        _ => Outcome::NotOurs,
    };
    count(outcome, bytes);
    outcome
}

/// A packet of a backend.
#[inline(always)]
pub(crate) fn backend(ctx: &TcContext, packet: &mut Skb<'_>) -> Outcome {
    let Some(scratch) = scratch() else {
        return Outcome::NotOurs;
    };
    let (place, bytes) = (&mut Place(ctx.as_ptr()), packet.len());
    let outcome = match packet.head::<Ether>().map(|ether| ether.kind) {
        Some(ETHER_IPV4) => splice::from_backend::<_, Ipv4, _>(packet, scratch, place),
        Some(ETHER_IPV6) => splice::from_backend::<_, Ipv6, _>(packet, scratch, place),
        _ => Outcome::NotOurs,
    };
    count(outcome, bytes);
    outcome
}

/// Sends a frame that was to leave by an uplink to the backend of this node that it is for now: as if
/// it had come by that uplink.
#[inline(always)]
pub(crate) fn back(ctx: &TcContext, verdict: Verdict) -> i32 {
    if verdict == Verdict::ToBackend
        && let Some(ether) = Skb(ctx).head::<Ether>()
    {
        (ether.source, ether.destination) = (ether.destination, ether.source);
    }
    // SAFETY: the kernel hands the program a valid context; the helper has no precondition.
    unsafe { bpf_redirect((*ctx.skb.skb).ifindex, u64::from(BPF_F_INGRESS)) as i32 }
}

#[inline(always)]
fn scratch<'a>() -> Option<&'a mut Scratch> {
    // SAFETY: this CPU's value, which nothing else holds: programs of one CPU run one after the other.
    TLS_SCRATCH
        .get_ptr_mut(0)
        .map(|scratch| unsafe { &mut *scratch })
}

#[inline(always)]
fn count(outcome: Outcome, bytes: u64) {
    let Some(count) = TLS_OUTCOMES.get_ptr_mut(outcome as u32) else {
        return;
    };
    // SAFETY: this CPU's value.
    unsafe {
        (*count).packets += 1;
        (*count).bytes += bytes;
    }
}
