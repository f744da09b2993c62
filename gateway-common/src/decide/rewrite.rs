//! The rewrite of one end of a packet.

use crate::{
    abi::Flow,
    header::{End, Ip, L4},
    packet::{Frame, Packet},
};

/// Gives `end` the flow's address and port, checksums corrected; `false` (packet untouched) where
/// the transport checksum cannot be.
#[inline(always)]
pub(super) fn rewrite<P, I, L>(packet: &mut P, flow: &Flow, end: End) -> bool
where
    P: Packet + ?Sized,
    I: Ip,
    L: L4,
{
    if !packet.adjust::<I, L>(flow.address_delta, flow.port_delta) {
        return false;
    }
    let Some(frame) = packet.head::<Frame<I, L>>() else {
        return false;
    };
    frame.ip.set(end, flow.address, flow.address_delta);
    frame.l4.set(end, flow.port as u16);
    true
}
