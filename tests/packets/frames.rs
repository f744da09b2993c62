//! Builds frames with checksums computed over everything: the judge of incremental arithmetic.

use std::net::Ipv4Addr;

use gateway_common::abi::{TCP, UDP};

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

pub(crate) type End = (Ipv4Addr, u16);

/// A TCP segment or UDP datagram in IPv4 and Ethernet.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) protocol: u32,
    pub(crate) source: End,
    pub(crate) destination: End,
    /// TCP only.
    pub(crate) flags: u8,
    pub(crate) payload: Vec<u8>,
    /// UDP only: sent without a checksum.
    pub(crate) unsummed: bool,
}

pub(crate) fn tcp(source: End, destination: End, flags: u8) -> Spec {
    Spec {
        protocol: TCP,
        source,
        destination,
        flags,
        payload: b"hello".to_vec(),
        unsummed: false,
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

    pub(crate) fn frame(&self) -> Vec<u8> {
        let l4 = self.l4();
        let mut ip = vec![
            0x45,
            0,
            0,
            0,
            0x12,
            0x34,
            0x40,
            0,
            64,
            self.protocol as u8,
            0,
            0,
        ];
        ip[2..4].copy_from_slice(&((20 + l4.len()) as u16).to_be_bytes());
        ip.extend(self.source.0.octets());
        ip.extend(self.destination.0.octets());
        let sum = checksum(&ip);
        ip[10..12].copy_from_slice(&sum);
        let ether = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        [&ether[..], &ip, &l4].concat()
    }

    fn l4(&self) -> Vec<u8> {
        let mut l4 = [
            self.source.1.to_be_bytes(),
            self.destination.1.to_be_bytes(),
        ]
        .concat();
        let field = if self.protocol == TCP {
            l4.extend([
                0, 0, 0, 7, 0, 0, 0, 9, 0x50, self.flags, 0x20, 0, 0, 0, 0, 0,
            ]);
            16
        } else {
            l4.extend(((8 + self.payload.len()) as u16).to_be_bytes());
            l4.extend([0, 0]);
            6
        };
        l4.extend(&self.payload);
        if !self.unsummed {
            let mut pseudo = [self.source.0.octets(), self.destination.0.octets()].concat();
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
