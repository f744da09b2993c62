//! Which packets are wanted, by their plain headers. Packets with a VLAN tag are none of TCP or UDP.

use gateway_common::{
    abi::{TCP, UDP},
    capture::Settings,
};

/// The first bytes of a packet; those beyond its end are of no meaning.
pub(super) type Head = [u8; 128];

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Whether a packet with so many bytes of `head` is wanted.
#[inline(always)]
pub(super) fn wanted(head: &Head, length: u32, settings: &Settings) -> bool {
    if settings.family == 0 && settings.port == 0 && settings.protocol == 0 {
        return true;
    }
    let (family, protocol, ports) = match u16::from_be_bytes([head[12], head[13]]) {
        IPV4 if length >= 34 => (4, u32::from(head[23]), 14 + usize::from(head[14] & 15) * 4),
        IPV6 if length >= 54 => (6, u32::from(head[20]), 54),
        _ => return false,
    };
    if settings.protocol != 0 && settings.protocol != protocol {
        return false;
    }
    if settings.family != 0 {
        if settings.family != family {
            return false;
        }
        let (source, destination) = if family == 4 { (26, 30) } else { (22, 38) };
        let words = if family == 4 { 1 } else { 4 };
        if !address(head, source, words, settings) && !address(head, destination, words, settings) {
            return false;
        }
    }
    if settings.port == 0 {
        return true;
    }
    // At most 14 + 15 * 4: within the head.
    let known = matches!(protocol, TCP | UDP) && length >= ports as u32 + 4;
    known && (port(head, ports) == settings.port || port(head, ports + 2) == settings.port)
}

#[inline(always)]
fn address(head: &Head, at: usize, words: usize, settings: &Settings) -> bool {
    let mut same = true;
    let mut word = 0;
    while word < 4 {
        if word < words {
            let from = at + word * 4;
            let bytes = [head[from], head[from + 1], head[from + 2], head[from + 3]];
            same &= u32::from_ne_bytes(bytes) == settings.address[word];
        }
        word += 1;
    }
    same
}

#[inline(always)]
fn port(head: &Head, at: usize) -> u32 {
    match (head.get(at), head.get(at + 1)) {
        (Some(high), Some(low)) => u32::from(*high) << 8 | u32::from(*low),
        _ => 0,
    }
}
