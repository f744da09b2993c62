//! ARP and neighbour discovery about the gateway's addresses, of which no interface has any: the
//! node that owns one answers for it, all others are silent.
//!
//! Everything else passes, also what comes in by an interface whose Ethernet address is not known.

use crate::{
    abi::{Address, Counter, Mac},
    addr::Addr,
    header::{
        ADVERTISEMENT, ARP_REPLY, ARP_REQUEST, Advertisement, Arp, ETHER_ARP, Icmp, Ipv6,
        Neighbour, SOLICITATION,
    },
    packet::{Frame, Packet},
    tables::{Claim, Tables},
};

/// A frame that the node sends and is not IP. Where the node talks from an address that another
/// node owns, its stack would tell everybody in ARP that the address is here.
#[inline(always)]
pub(super) fn egress<P: Packet + ?Sized, T: Tables>(packet: &mut P, tables: &mut T) -> Counter {
    match packet.head::<Frame<Arp, ()>>() {
        Some(frame) if frame.ether.kind == ETHER_ARP && frame.ip.is_plain() => {
            match tables.address(&Addr::from_v4(frame.ip.sender)) {
                Some(address) if !address.is_owned() => Counter::SuppressArp,
                _ => Counter::PassNotIp,
            }
        }
        _ => Counter::PassNotIp,
    }
}

/// ARP that arrives on an uplink; with `DETOUR` behind XDP.
#[inline(never)]
pub(super) fn arp<P: Packet + ?Sized, T: Tables, const DETOUR: bool>(
    packet: &mut P,
    tables: &mut T,
) -> Counter {
    let (interface, bytes) = (packet.interface(), packet.len());
    let Some((mac, answers)) = uplink::<T, DETOUR>(interface, tables) else {
        return Counter::PassNotIp;
    };
    let Some(Frame { ether, ip: arp, .. }) = packet.head::<Frame<Arp, ()>>() else {
        return Counter::PassNotIp;
    };
    if ether.kind != ETHER_ARP || !arp.is_plain() || same(arp.sender_mac, mac) {
        return Counter::PassNotIp;
    }
    let (from, sender) = (arp.sender_mac, arp.sender);
    let (claimed, asked) = (Addr::from_v4(sender), Addr::from_v4(arp.target));
    if is_ours(&claimed, tables) {
        return dispute::<T, DETOUR>(Counter::ConflictArp, &claimed, from, bytes, tables);
    }
    if arp.operation != ARP_REQUEST {
        return Counter::PassNotIp;
    }
    match tables.address(&asked) {
        Some(address) if address.is_owned() && !answers => Counter::PassNotIp,
        Some(address) if address.is_owned() => {
            let target = arp.target;
            arp.fill(ARP_REPLY, (mac, target), (from, sender));
            ether.destination = from;
            ether.source = mac;
            Counter::AnswerArp
        }
        Some(_) => Counter::SuppressArp,
        None => Counter::PassNotIp,
    }
}

/// A solicitation or an advertisement, by its kind.
#[inline(always)]
pub(super) fn is_ndp<P: Packet + ?Sized>(packet: &mut P) -> bool {
    let kind = packet.head::<Frame<Ipv6, Icmp>>().map(|f| f.l4.kind);
    matches!(kind, Some(SOLICITATION | ADVERTISEMENT))
}

/// ICMPv6 that arrives on an uplink; with `DETOUR` behind XDP.
#[inline(never)]
pub(super) fn ndp<P: Packet + ?Sized, T: Tables, const DETOUR: bool>(
    packet: &mut P,
    tables: &mut T,
) -> Counter {
    let (interface, bytes) = (packet.interface(), packet.len());
    let Some((mac, answers)) = uplink::<T, DETOUR>(interface, tables) else {
        return Counter::PassProtocol;
    };
    let Some(frame) = packet.head::<Frame<Ipv6, Neighbour>>() else {
        return Counter::PassProtocol;
    };
    if !frame.is_valid() || same(frame.ether.source, mac) {
        return Counter::PassProtocol;
    }
    let (kind, from) = (frame.l4.kind, frame.ether.source);
    let (source, target) = (
        Addr::from_v6(frame.ip.source),
        Addr::from_v6(frame.l4.target),
    );
    match kind {
        ADVERTISEMENT if is_ours(&target, tables) => {
            dispute::<T, DETOUR>(Counter::ConflictNdp, &target, from, bytes, tables)
        }
        SOLICITATION if is_ours(&source, tables) => {
            dispute::<T, DETOUR>(Counter::ConflictNdp, &source, from, bytes, tables)
        }
        SOLICITATION => match tables.address(&target) {
            Some(known) if known.is_owned() && !answers => Counter::PassProtocol,
            Some(known) if known.is_owned() => {
                // One who has no address yet cannot be answered alone (RFC 4861, 7.2.4).
                let nobody = source == Addr::default();
                advertise(packet, mac, &target, (!nobody).then_some((from, &source)))
            }
            Some(_) => Counter::SuppressNdp,
            None => Counter::PassProtocol,
        },
        _ => Counter::PassProtocol,
    }
}

/// Makes the frame an advertisement. Solicitations are of several lengths.
#[inline(always)]
fn advertise<P: Packet + ?Sized>(
    packet: &mut P,
    mac: Mac,
    target: &Addr,
    to: Option<(Mac, &Addr)>,
) -> Counter {
    let bytes = size_of::<Frame<Ipv6, Advertisement>>() as u64;
    if packet.len() != bytes && !packet.resize(bytes) {
        return Counter::DropRewrite;
    }
    match packet.head::<Frame<Ipv6, Advertisement>>() {
        Some(frame) => {
            frame.fill(mac, target, to);
            Counter::AnswerNdp
        }
        None => Counter::DropRewrite,
    }
}

/// Ethernet address of the interface, and whether this is the hook that answers on it.
#[inline(always)]
pub(super) fn uplink<T: Tables, const DETOUR: bool>(
    interface: u32,
    tables: &T,
) -> Option<(Mac, bool)> {
    let uplink = tables.uplink(interface)?;
    Some((uplink.words(), (uplink.detour != 0) == DETOUR))
}

#[inline(always)]
pub(super) fn is_ours<T: Tables>(address: &Addr, tables: &T) -> bool {
    tables.address(address).is_some_and(Address::is_owned)
}

#[inline(always)]
fn dispute<T: Tables, const DETOUR: bool>(
    reason: Counter,
    address: &Addr,
    mac: Mac,
    bytes: u64,
    tables: &mut T,
) -> Counter {
    // XDP has told of it.
    if DETOUR {
        return Counter::PassProtocol;
    }
    let claim = Claim {
        address: *address,
        mac,
    };
    tables.dispute(reason, &claim, bytes);
    reason
}

/// By words: the derived comparison of arrays calls memcmp.
#[inline(always)]
pub(super) const fn same([a, b, c]: Mac, [d, e, f]: Mac) -> bool {
    (a ^ d) | (b ^ e) | (c ^ f) == 0
}
