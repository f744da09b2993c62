//! Frames that tell everybody on a link where an address is.

use std::net::{IpAddr, Ipv6Addr};

use gateway_common::{
    abi::{LinkAddress, Mac},
    addr::Addr,
    header::{ARP_REPLY, ARP_REQUEST, Advertisement, Arp, ETHER_ARP, Ipv6},
    packet::{Buffer, Frame, Packet as _, Wire},
};

use super::MacAddress;

/// Ethernet address of everybody.
const BROADCAST: Mac = [u16::MAX; 3];
/// Frames are padded to this on a wire anyway (IEEE 802.3), without the checksum behind them.
const SHORTEST: usize = 60;

/// What says that `address` is at `mac`: for IPv4 a gratuitous ARP request and reply, since some
/// stations listen to one of them only (RFC 5227, 3); for IPv6 an unsolicited advertisement with
/// the override flag (RFC 4861, 7.2.6).
pub fn announcements(mac: MacAddress, address: IpAddr) -> Vec<Vec<u8>> {
    let mac = LinkAddress::new(mac.0).words();
    let addr = Addr::from(address);
    match address {
        IpAddr::V4(_) => {
            let gratuitous = |operation, target_mac| {
                frame(|frame: &mut Frame<Arp, ()>| {
                    frame.ether.destination = BROADCAST;
                    frame.ether.source = mac;
                    frame.ether.kind = ETHER_ARP;
                    let (sender, target) = ((mac, addr.v4()), (target_mac, addr.v4()));
                    frame.ip.fill(operation, sender, target);
                })
            };
            vec![
                gratuitous(ARP_REQUEST, [0; 3]),
                gratuitous(ARP_REPLY, BROADCAST),
            ]
        }
        IpAddr::V6(_) => {
            let advertisement = frame(|frame: &mut Frame<Ipv6, Advertisement>| {
                frame.fill(mac, &addr, None);
            });
            vec![advertisement]
        }
    }
}

/// The group that questions for an address are sent to (RFC 4291, 2.7.1).
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::new(
        0xff02,
        0,
        0,
        0,
        0,
        1,
        0xff00 | u16::from(a),
        u16::from_be_bytes([b, c]),
    )
}

/// The bytes of a header chain.
fn frame<T: Wire>(fill: impl FnOnce(&mut T)) -> Vec<u8> {
    let mut bytes = vec![0; size_of::<T>().max(SHORTEST)];
    let length = bytes.len();
    if let Some(headers) = Buffer::new(&mut bytes, length, 0).head() {
        fill(headers);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddress = MacAddress([2, 0, 0, 0xab, 0xcd, 7]);

    #[test]
    fn ipv4_is_announced_as_request_and_reply() {
        let frames = announcements(MAC, [203, 0, 113, 9].into());
        let expected = |operation, target_mac: [u8; 6]| {
            let mut frame = [[0xff; 6], MAC.0].concat();
            frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, operation]);
            frame.extend(MAC.0);
            frame.extend([203, 0, 113, 9]);
            frame.extend(target_mac);
            frame.extend([203, 0, 113, 9]);
            frame.resize(60, 0);
            frame
        };
        assert_eq!(frames, [expected(1, [0; 6]), expected(2, [0xff; 6])]);
    }

    #[test]
    fn ipv6_is_advertised_to_all_nodes() {
        let address: Ipv6Addr = "2001:db8::ab:cd01".parse().unwrap();
        let [frame] = &announcements(MAC, address.into())[..] else {
            panic!("one frame");
        };
        let mut expected = [[0x33, 0x33, 0, 0, 0, 1], MAC.0].concat();
        expected.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255]);
        expected.extend(address.octets());
        expected.extend("ff02::1".parse::<Ipv6Addr>().unwrap().octets());
        expected.extend([136, 0, frame[56], frame[57], 0x20, 0, 0, 0]);
        expected.extend(address.octets());
        expected.extend([2, 1]);
        expected.extend(MAC.0);
        assert_eq!(*frame, expected);
        // With the pseudo header, everything sums up to ones (RFC 1071).
        let pseudo = [&frame[22..54], &[0, 32, 0, 58]].concat();
        let words = pseudo.chunks(2).chain(frame[54..].chunks(2));
        let sum: u32 = words
            .map(|w| u32::from(u16::from_be_bytes([w[0], w[1]])))
            .sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
    }

    #[test]
    fn the_group_has_the_last_three_bytes() {
        let group = solicited_node("2001:db8::1:ab:cd01".parse().unwrap());
        assert_eq!(group.to_string(), "ff02::1:ffab:cd01");
    }
}
