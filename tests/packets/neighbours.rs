//! Frames of ARP and neighbour discovery, byte by byte: the judge of those that are built in place.

use std::net::{Ipv4Addr, Ipv6Addr};

pub(crate) use crate::fixture::{OURS, OURS_V6, THEIRS, THEIRS_V6, UPLINK};
use crate::frames::checksum;

pub(crate) type MacBytes = [u8; 6];

/// Somebody on the link.
pub(crate) const STRANGER: MacBytes = [2, 0, 0, 0, 0, 2];
pub(crate) const STRANGER_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 200);
pub(crate) const STRANGER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x1234);
pub(crate) const BROADCAST: MacBytes = [0xff; 6];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

pub(crate) const REQUEST: u16 = 1;
pub(crate) const REPLY: u16 = 2;

/// An ARP frame of the link addresses inside it, to `to`.
pub(crate) fn arp(
    to: MacBytes,
    operation: u16,
    sender: (MacBytes, Ipv4Addr),
    target: (MacBytes, Ipv4Addr),
) -> Vec<u8> {
    let mut frame = [to, sender.0].concat();
    frame.extend([0x08, 0x06, 0, 1, 0x08, 0, 6, 4]);
    frame.extend(operation.to_be_bytes());
    frame.extend(sender.0);
    frame.extend(sender.1.octets());
    frame.extend(target.0);
    frame.extend(target.1.octets());
    frame
}

/// Asks everybody for the link address of `target`.
pub(crate) fn who_has(target: Ipv4Addr) -> Vec<u8> {
    let sender = (STRANGER, STRANGER_V4);
    arp(BROADCAST, REQUEST, sender, ([0; 6], target))
}

/// An ICMPv6 message in IPv6 and Ethernet.
pub(crate) fn icmp6(
    (from_mac, from): (MacBytes, Ipv6Addr),
    (to_mac, to): (MacBytes, Ipv6Addr),
    message: &[u8],
) -> Vec<u8> {
    let length = (message.len() as u16).to_be_bytes();
    let mut sum = [from.octets(), to.octets()].concat();
    sum.extend([0, 0, length[0], length[1], 0, 0, 0, 58]);
    sum.extend(message);
    let sum = checksum(&sum);
    let mut frame = [to_mac, from_mac].concat();
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, length[0], length[1], 58, 255]);
    frame.extend(from.octets());
    frame.extend(to.octets());
    frame.extend(message);
    frame[56..58].copy_from_slice(&sum);
    frame
}

/// Head of a solicitation or advertisement; flags are the first byte of the reserved word.
pub(crate) fn message(kind: u8, flags: u8, target: Ipv6Addr, options: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, flags, 0, 0, 0];
    message.extend(target.octets());
    message.extend(options);
    message
}

fn solicited_node(target: Ipv6Addr) -> (MacBytes, Ipv6Addr) {
    let [.., a, b, c] = target.octets();
    let low = u16::from_be_bytes([b, c]);
    let ip = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), low);
    ([0x33, 0x33, 0xff, a, b, c], ip)
}

/// Asks the solicited-node group for the link address of `target`, with these options behind the
/// sender's own.
pub(crate) fn solicit(target: Ipv6Addr, more: &[u8]) -> Vec<u8> {
    let options = [&[1, 1], &STRANGER[..], more].concat();
    let from = (STRANGER, STRANGER_V6);
    icmp6(
        from,
        solicited_node(target),
        &message(135, 0, target, &options),
    )
}

/// Duplicate address detection: no source yet, no option.
pub(crate) fn probe(target: Ipv6Addr) -> Vec<u8> {
    let from = (STRANGER, Ipv6Addr::UNSPECIFIED);
    icmp6(from, solicited_node(target), &message(135, 0, target, &[]))
}

/// `mac` says that `target` is there; to one who asked, or to all.
pub(crate) fn advert(mac: MacBytes, target: Ipv6Addr, to: Option<(MacBytes, Ipv6Addr)>) -> Vec<u8> {
    let everybody = ([0x33, 0x33, 0, 0, 0, 1], ALL_NODES);
    let flags = if to.is_some() { 0x60 } else { 0x20 };
    let options = [&[2, 1], &mac[..]].concat();
    let message = message(136, flags, target, &options);
    icmp6((mac, target), to.unwrap_or(everybody), &message)
}
