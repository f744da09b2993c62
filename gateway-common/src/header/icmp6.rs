//! Neighbour discovery (RFC 4861): the two messages that find a link address.

use super::{ETHER_IPV6, Ipv6};
use crate::{
    abi::Mac,
    addr::Addr,
    checksum::{address, text},
    packet::Frame,
};

/// `Neighbour::kind` of a solicitation.
pub const SOLICITATION: u8 = 135;
/// `Neighbour::kind` of an advertisement.
pub const ADVERTISEMENT: u8 = 136;
/// Flags of an answer to a known sender: solicited, override; in memory order.
const SOLICITED: u16 = 0x6000_u16.to_be();
/// Flags of an announcement: override; in memory order.
const UNSOLICITED: u16 = 0x2000_u16.to_be();
/// Option "target link-layer address" of one unit of 8 bytes, in memory order.
const TARGET_MAC: u16 = 0x0201_u16.to_be();
/// IPv6 next header of ICMPv6.
const ICMP6: u8 = 58;
/// Whatever was sent from another network has a lower limit (RFC 4861, 7.1).
const HOPS: u8 = 255;
/// ff02::1, all nodes of the link, and its Ethernet address (RFC 2464).
const ALL_NODES: Addr = Addr::from_v6([0xff02_u16.to_be(), 0, 0, 0, 0, 0, 0, 1_u16.to_be()]);
const ALL_NODES_MAC: Mac = [0x3333_u16.to_be(), 0, 1_u16.to_be()];

/// What solicitation and advertisement have in common; options follow.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Neighbour {
    pub kind: u8,
    pub code: u8,
    pub checksum: u16,
    pub flags: [u16; 2],
    pub target: [u16; 8],
}

/// An advertisement with the target's link address as its only option.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Advertisement {
    pub head: Neighbour,
    pub option: u16,
    pub mac: Mac,
}

impl Frame<Ipv6, Neighbour> {
    /// A solicitation or advertisement that RFC 4861, 7.1 lets us read. Neither its checksum nor
    /// its options are looked at: the link has a checksum of its own, and nothing is learned here.
    #[inline(always)]
    pub const fn is_valid(&self) -> bool {
        let version = self.ip.version_flow[0].to_ne_bytes()[0] >> 4;
        let length = u16::from_be(self.ip.length) as usize;
        self.ether.kind == ETHER_IPV6
            && version == 6
            && self.ip.next == ICMP6
            && self.ip.hops == HOPS
            && length >= size_of::<Neighbour>()
            && self.l4.code == 0
    }
}

impl Frame<Ipv6, Advertisement> {
    /// Makes it the advertisement of `target` at `mac`, to whoever asked; `None`: to everybody,
    /// as an announcement and as the answer to one who has no address yet.
    #[inline(always)]
    pub const fn fill(&mut self, mac: Mac, target: &Addr, to: Option<(Mac, &Addr)>) {
        let (flags, to_mac, to_ip) = match to {
            Some((mac, ip)) => (SOLICITED, mac, ip),
            None => (UNSOLICITED, ALL_NODES_MAC, &ALL_NODES),
        };
        self.ether.destination = to_mac;
        self.ether.source = mac;
        self.ether.kind = ETHER_IPV6;
        self.ip.version_flow = [0x6000_u16.to_be(), 0];
        self.ip.length = (size_of::<Advertisement>() as u16).to_be();
        self.ip.next = ICMP6;
        self.ip.hops = HOPS;
        self.ip.source = target.v6();
        self.ip.destination = to_ip.v6();
        self.l4.head.kind = ADVERTISEMENT;
        self.l4.head.code = 0;
        self.l4.head.flags = [flags, 0];
        self.l4.head.target = target.v6();
        self.l4.option = TARGET_MAC;
        self.l4.mac = mac;
        self.l4.head.checksum = checksum(flags, target, to_ip, mac);
    }
}

/// Of an advertisement, whose source is its target; with the pseudo header (RFC 8200, 8.1).
#[inline(always)]
const fn checksum(flags: u16, target: &Addr, to: &Addr, [a, b, c]: Mac) -> u16 {
    let constant = (size_of::<Advertisement>() as u16).to_be() as u64
        + (ICMP6 as u16).to_be() as u64
        + ((ADVERTISEMENT as u16) << 8).to_be() as u64
        + TARGET_MAC as u64;
    let mac = a as u64 + b as u64 + c as u64;
    text(constant + flags as u64 + mac + 2 * address(target) + address(to))
}
