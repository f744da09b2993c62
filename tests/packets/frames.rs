//! Builds frames with checksums computed over everything: the judge of incremental arithmetic.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gateway_common::abi::{TCP, UDP};

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

pub(crate) type End = (IpAddr, u16);

/// What packets start with.
pub(crate) const HOPS: u8 = 64;

/// Whether a world speaks IPv4, as the table is written, or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    /// The same address in this family: `2001:db8:4::a.b.c.d`.
    pub(crate) fn of(self, (address, port): End) -> End {
        match (self, address) {
            (Self::V6, IpAddr::V4(v4)) => {
                let [a, b, c, d] = v4.octets().map(u16::from);
                let v6 = Ipv6Addr::new(0x2001, 0xdb8, 4, 0, 0, 0, a << 8 | b, c << 8 | d);
                (v6.into(), port)
            }
            _ => (address, port),
        }
    }
}

/// For constants.
pub(crate) const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

/// A TCP segment or UDP datagram in IP and Ethernet.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) protocol: u32,
    pub(crate) source: End,
    pub(crate) destination: End,
    /// TCP only.
    pub(crate) flags: u8,
    /// TCP only, whole words.
    pub(crate) options: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// UDP only: sent without a checksum.
    pub(crate) unsummed: bool,
    pub(crate) hops: u8,
    /// Traffic class, type of service.
    pub(crate) class: u8,
}

pub(crate) fn tcp(source: End, destination: End, flags: u8) -> Spec {
    Spec {
        protocol: TCP,
        source,
        destination,
        flags,
        options: Vec::new(),
        payload: b"hello".to_vec(),
        unsummed: false,
        hops: HOPS,
        class: 0,
    }
}

pub(crate) fn udp(source: End, destination: End) -> Spec {
    Spec {
        protocol: UDP,
        ..tcp(source, destination, 0)
    }
}

impl Spec {
    /// The same packet to another address.
    pub(crate) fn to(&self, destination: End) -> Self {
        Self {
            destination,
            ..self.clone()
        }
    }

    /// The same packet from another address.
    pub(crate) fn from(&self, source: End) -> Self {
        Self {
            source,
            ..self.clone()
        }
    }

    /// The same packet one hop further.
    pub(crate) fn hop(&self) -> Self {
        Self {
            hops: self.hops - 1,
            ..self.clone()
        }
    }

    /// The same packet in another family.
    pub(crate) fn within(&self, family: Family) -> Self {
        Self {
            source: family.of(self.source),
            destination: family.of(self.destination),
            ..self.clone()
        }
    }

    pub(crate) fn frame(&self) -> Vec<u8> {
        let ip = self.ip();
        let kind = if self.source.0.is_ipv4() {
            [0x08, 0x00]
        } else {
            [0x86, 0xdd]
        };
        let ether = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        [&ether[..], &kind, &ip].concat()
    }

    /// From the network header on.
    pub(crate) fn ip(&self) -> Vec<u8> {
        let l4 = self.l4();
        let ends = [self.source.0, self.destination.0];
        let mut packet = packet(ends, self.protocol as u8, self.hops, &l4);
        if self.source.0.is_ipv4() {
            packet[1] = self.class;
            packet[10..12].fill(0);
            let sum = checksum(&packet[..20]);
            packet[10..12].copy_from_slice(&sum);
        } else {
            packet[0] |= self.class >> 4;
            packet[1] |= self.class << 4;
        }
        packet
    }

    fn l4(&self) -> Vec<u8> {
        let mut l4 = [
            self.source.1.to_be_bytes(),
            self.destination.1.to_be_bytes(),
        ]
        .concat();
        let field = if self.protocol == TCP {
            let words = (5 + self.options.len() / 4) as u8;
            l4.extend([
                0,
                0,
                0,
                7,
                0,
                0,
                0,
                9,
                words << 4,
                self.flags,
                0x20,
                0,
                0,
                0,
                0,
                0,
            ]);
            l4.extend(&self.options);
            16
        } else {
            l4.extend(((8 + self.payload.len()) as u16).to_be_bytes());
            l4.extend([0, 0]);
            6
        };
        l4.extend(&self.payload);
        if !self.unsummed {
            let mut pseudo = [octets(self.source.0), octets(self.destination.0)].concat();
            pseudo.extend([0, self.protocol as u8]);
            pseudo.extend((l4.len() as u16).to_be_bytes());
            let sum = match checksum(&[pseudo, l4.clone()].concat()) {
                [0, 0] if self.protocol == UDP => [0xff, 0xff],
                sum => sum,
            };
            l4[field..field + 2].copy_from_slice(&sum);
        }
        l4
    }
}

/// An IP packet with this payload.
pub(crate) fn packet(
    [source, destination]: [IpAddr; 2],
    protocol: u8,
    hops: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut ip = match source {
        IpAddr::V4(_) => {
            let length = ((20 + payload.len()) as u16).to_be_bytes();
            let [high, low] = length;
            vec![
                0x45, 0, high, low, 0x12, 0x34, 0x40, 0, hops, protocol, 0, 0,
            ]
        }
        IpAddr::V6(_) => {
            let [high, low] = (payload.len() as u16).to_be_bytes();
            vec![0x60, 0, 0, 0, high, low, protocol, hops]
        }
    };
    ip.extend(octets(source));
    ip.extend(octets(destination));
    if source.is_ipv4() {
        let sum = checksum(&ip);
        ip[10..12].copy_from_slice(&sum);
    }
    ip.extend(payload);
    ip
}

pub(crate) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// RFC 1071.
pub(crate) fn checksum(text: &[u8]) -> [u8; 2] {
    let mut sum = 0_u32;
    for word in text.chunks(2) {
        sum += u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}
