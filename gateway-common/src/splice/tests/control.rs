//! ICMP errors as frames and back, with checksums from scratch.

use std::net::{IpAddr, SocketAddr};

use super::wire::{Segment, fold, long, sum};

/// What a test says of an error, and reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) kind: [u8; 2],
    pub(super) rest: u32,
    /// Ends and sequence number of the quoted segment.
    pub(super) quoted: (SocketAddr, SocketAddr, u32),
}

/// Packet too big, for a link of so many bytes; `quoted` was not taken by `source`.
pub(super) fn too_big(source: SocketAddr, quoted: &Segment, mtu: u32) -> Error {
    Error {
        source: source.ip(),
        destination: quoted.source.ip(),
        kind: match source.is_ipv4() {
            true => [3, 4],
            false => [2, 0],
        },
        rest: mtu,
        quoted: (quoted.source, quoted.destination, quoted.sequence),
    }
}

/// A header with a payload of so many bytes.
fn header(source: IpAddr, destination: IpAddr, protocol: u8, payload: usize) -> Vec<u8> {
    let payload = u16::try_from(payload).unwrap();
    let mut out;
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            out = vec![0x45, 0];
            out.extend((payload + 20).to_be_bytes());
            out.extend([0x12, 0x34, 0x40, 0, 61, protocol, 0, 0]);
            out.extend(source.octets());
            out.extend(destination.octets());
            let sum = !fold(sum(&out));
            out[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            out = vec![0x60, 0, 0, 0];
            out.extend(payload.to_be_bytes());
            out.extend([protocol, 61]);
            out.extend(source.octets());
            out.extend(destination.octets());
        }
        other => panic!("{other:?}"),
    }
    out
}

/// What ICMPv6 adds to a checksum beside its message.
fn pseudo(source: IpAddr, destination: IpAddr, length: usize) -> u64 {
    match (source, destination) {
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let length = u64::try_from(length).unwrap();
            sum(&source.octets()) + sum(&destination.octets()) + 58 + length
        }
        _ => 0,
    }
}

impl Error {
    pub(super) fn frame(&self) -> Vec<u8> {
        let (from, to, sequence) = self.quoted;
        let mut message = self.kind.to_vec();
        message.extend([0, 0]);
        message.extend(self.rest.to_be_bytes());
        message.extend(header(from.ip(), to.ip(), 6, 1500));
        message.extend(from.port().to_be_bytes());
        message.extend(to.port().to_be_bytes());
        message.extend(sequence.to_be_bytes());
        // More of the segment, of which nobody is sure.
        message.extend([9; 11]);
        let pseudo = pseudo(self.source, self.destination, message.len());
        let checksum = !fold(sum(&message) + pseudo);
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        let mut out = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01".to_vec();
        let (kind, protocol) = match self.source {
            IpAddr::V4(_) => ([8, 0], 1),
            IpAddr::V6(_) => ([0x86, 0xdd], 58),
        };
        out.extend(kind);
        out.extend(header(
            self.source,
            self.destination,
            protocol,
            message.len(),
        ));
        out.extend(message);
        out
    }

    /// Panics where anything about it is wrong.
    pub(super) fn read(frame: &[u8]) -> Self {
        let (source, destination, message) = network(&frame[14..]);
        let pseudo = pseudo(source, destination, message.len());
        assert_eq!(fold(sum(message) + pseudo), 0xffff, "checksum: {frame:x?}");
        let (from, to, segment) = network(&message[8..]);
        let port = |at: usize| u16::from_be_bytes([segment[at], segment[at + 1]]);
        assert_eq!(segment[8..], [9; 11]);
        Self {
            source,
            destination,
            kind: [message[0], message[1]],
            rest: long(message, 4),
            quoted: (
                (from, port(0)).into(),
                (to, port(2)).into(),
                long(segment, 4),
            ),
        }
    }
}

/// Both ends, and what is there of the payload.
fn network(ip: &[u8]) -> (IpAddr, IpAddr, &[u8]) {
    if ip[0] == 0x45 {
        assert_eq!(fold(sum(&ip[..20])), 0xffff, "header checksum: {ip:x?}");
        let address = |at: usize| <[u8; 4]>::try_from(&ip[at..at + 4]).unwrap().into();
        return (address(12), address(16), &ip[20..]);
    }
    let address = |at: usize| <[u8; 16]>::try_from(&ip[at..at + 16]).unwrap().into();
    (address(8), address(24), &ip[40..])
}
