//! TCP segments in IP packets, sent and received without the kernel's TCP.

use std::{
    io,
    net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::OwnedFd,
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, eth, ipproto, recv, sendto,
        socket_with, sockopt,
    },
};

pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const RST: u8 = 4;
pub(super) const PSH: u8 = 8;
pub(super) const ACK: u8 = 16;

const TCP: u8 = 6;
const TCP_HEADER: usize = 20;
const HOPS: u8 = 64;
/// Bytes that the kernel keeps for us until we read.
const BACKLOG: usize = 4 << 20;

/// Addresses and ports are of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    /// Whole words.
    pub(super) options: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

/// A packet that came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    Segment(Segment),
    WrongSum,
    /// Not TCP, or cut short.
    Other,
}

/// Sockets below the kernel's TCP, for one family.
pub(super) struct Link {
    output: OwnedFd,
    input: OwnedFd,
}

impl Link {
    /// `patience`: longest wait of [`Link::receive`].
    ///
    /// # Errors
    /// Without CAP_NET_RAW.
    pub(super) fn open(like: IpAddr, patience: Duration) -> Result<Self> {
        let (family, kind) = match like {
            IpAddr::V4(_) => (AddressFamily::INET, eth::IP),
            IpAddr::V6(_) => (AddressFamily::INET6, eth::IPV6),
        };
        let open = |family, kind, protocol| {
            let socket = socket_with(family, kind, SocketFlags::CLOEXEC, Some(protocol));
            socket.context("raw sockets need CAP_NET_RAW")
        };
        let output = open(family, SocketType::RAW, ipproto::RAW)?;
        let input = open(AddressFamily::PACKET, SocketType::DGRAM, kind)?;
        sockopt::set_socket_timeout(&input, sockopt::Timeout::Recv, Some(patience))?;
        sockopt::set_socket_recv_buffer_size_force(&input, BACKLOG)?;
        Ok(Self { output, input })
    }

    pub(super) fn send(&self, segment: &Segment) -> Result<()> {
        let packet = segment.packet();
        let flags = SendFlags::empty();
        match segment.destination {
            SocketAddr::V4(to) => sendto(
                &self.output,
                &packet,
                flags,
                &SocketAddrV4::new(*to.ip(), 0),
            )?,
            SocketAddr::V6(to) => {
                let to = SocketAddrV6::new(*to.ip(), 0, 0, 0);
                sendto(&self.output, &packet, flags, &to)?
            }
        };
        Ok(())
    }

    /// The next packet of any connection of this host; `None` where none came in time.
    pub(super) fn receive(&self) -> Result<Option<Received>> {
        let mut packet = [0; 66_000];
        match recv(&self.input, &mut packet[..], RecvFlags::empty()) {
            Ok((length, _)) => Ok(packet.get(..length).map(Received::read)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }
}

impl Segment {
    /// With the network header.
    pub(super) fn packet(&self) -> Vec<u8> {
        let mut segment = self.header();
        segment.extend(&self.options);
        segment.extend(&self.payload);
        let sum = sum(
            &pseudo(self.source.ip(), self.destination.ip(), segment.len()),
            &segment,
        );
        segment[16..18].copy_from_slice(&(!sum).to_be_bytes());
        let mut packet = network(self.source.ip(), self.destination.ip(), segment.len());
        packet.extend(segment);
        packet
    }

    /// Without its checksum.
    fn header(&self) -> Vec<u8> {
        let words = (TCP_HEADER + self.options.len()) / 4;
        let mut header = Vec::with_capacity(TCP_HEADER);
        header.extend(self.source.port().to_be_bytes());
        header.extend(self.destination.port().to_be_bytes());
        header.extend(self.sequence.to_be_bytes());
        header.extend(self.acknowledged.to_be_bytes());
        header.extend([u8::try_from(words << 4).unwrap_or(0), self.flags]);
        header.extend(self.window.to_be_bytes());
        header.extend([0; 4]);
        header
    }

    /// Data of an option.
    pub(super) fn option(&self, wanted: u8) -> Option<&[u8]> {
        let mut rest = &self.options[..];
        loop {
            match *rest {
                [0, ..] | [] => return None,
                [1, ..] => rest = &rest[1..],
                [kind, length, ..] => {
                    let option = rest.get(2..usize::from(length))?;
                    if kind == wanted {
                        return Some(option);
                    }
                    rest = &rest[usize::from(length)..];
                }
                [_] => return None,
            }
        }
    }
}

impl Received {
    /// From the network header on.
    fn read(packet: &[u8]) -> Self {
        let Some((source, destination, segment)) = addresses(packet) else {
            return Self::Other;
        };
        let length = segment.get(12).map(|byte| usize::from(byte >> 4) * 4);
        let Some(length) = length.filter(|length| (TCP_HEADER..=segment.len()).contains(length))
        else {
            return Self::Other;
        };
        if sum(&pseudo(source, destination, segment.len()), segment) != u16::MAX {
            return Self::WrongSum;
        }
        let half = |at: usize| u16::from_be_bytes([segment[at], segment[at + 1]]);
        let word = |at: usize| u32::from(half(at)) << 16 | u32::from(half(at + 2));
        Self::Segment(Segment {
            source: (source, half(0)).into(),
            destination: (destination, half(2)).into(),
            sequence: word(4),
            acknowledged: word(8),
            flags: segment[13],
            window: half(14),
            options: segment[TCP_HEADER..length].to_vec(),
            payload: segment[length..].to_vec(),
        })
    }
}

/// Source, destination and what is behind a network header for TCP.
fn addresses(packet: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    match *packet.first()? >> 4 {
        4 => {
            let header = usize::from(packet[0] & 15) * 4;
            let length = usize::from(u16::from_be_bytes(packet.get(2..4)?.try_into().ok()?));
            let end = |at: usize| <[u8; 4]>::try_from(packet.get(at..at + 4)?).ok();
            let tcp = *packet.get(9)? == TCP;
            let found = (
                end(12)?.into(),
                end(16)?.into(),
                packet.get(header..length)?,
            );
            tcp.then_some(found)
        }
        _ => {
            let length = usize::from(u16::from_be_bytes(packet.get(4..6)?.try_into().ok()?));
            let end = |at: usize| <[u8; 16]>::try_from(packet.get(at..at + 16)?).ok();
            let tcp = *packet.get(6)? == TCP;
            let found = (
                end(8)?.into(),
                end(24)?.into(),
                packet.get(40..40 + length)?,
            );
            tcp.then_some(found)
        }
    }
}

/// A header for a segment of this length. The kernel adds IPv4's checksum.
fn network(source: IpAddr, destination: IpAddr, length: usize) -> Vec<u8> {
    let number = |n: usize| u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = Vec::with_capacity(40);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            header.extend([0x45, 0]);
            header.extend(number(20 + length));
            header.extend([0, 0, 0x40, 0, HOPS, TCP, 0, 0]);
            header.extend(source.octets());
            header.extend(destination.octets());
        }
        (source, destination) => {
            header.extend([0x60, 0, 0, 0]);
            header.extend(number(length));
            header.extend([TCP, HOPS]);
            header.extend(octets(source));
            header.extend(octets(destination));
        }
    }
    header
}

fn pseudo(source: IpAddr, destination: IpAddr, length: usize) -> Vec<u8> {
    let mut header = octets(source);
    header.extend(octets(destination));
    header.extend(u32::try_from(length).unwrap_or(0).to_be_bytes());
    header.extend([0, 0, 0, TCP]);
    header
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// Ones' complement sum (RFC 1071) of two parts, the first of even length.
fn sum(first: &[u8], second: &[u8]) -> u16 {
    let words = [first, second].into_iter().flat_map(|part| part.chunks(2));
    let sum: u64 = words
        .map(|word| {
            u64::from(u16::from_be_bytes([
                word[0],
                word.get(1).copied().unwrap_or(0),
            ]))
        })
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(source: &str, destination: &str) -> Segment {
        Segment {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            sequence: 0xffff_fff0,
            acknowledged: 7,
            flags: SYN | ACK,
            window: 1_000,
            options: vec![1, 2, 4, 5, 0xb4, 4, 2, 0],
            payload: b"odd".to_vec(),
        }
    }

    #[test]
    fn packets_are_read_as_they_were_written() {
        for (source, destination) in [
            ("192.0.2.1:4711", "198.51.100.2:443"),
            ("[2001:db8::1]:4711", "[2001:db8::2]:443"),
        ] {
            let segment = segment(source, destination);
            let mut packet = segment.packet();
            assert_eq!(Received::read(&packet), Received::Segment(segment.clone()));
            assert_eq!(segment.option(2), Some(&[5, 0xb4][..]));
            assert_eq!(segment.option(4), Some(&[][..]));
            assert_eq!(segment.option(8), None);
            *packet.last_mut().unwrap() ^= 1;
            assert_eq!(Received::read(&packet), Received::WrongSum);
            packet.truncate(30);
            assert_eq!(Received::read(&packet), Received::Other);
        }
    }

    /// The example of RFC 1071.
    #[test]
    fn sums_are_those_of_the_rfc() {
        assert_eq!(
            sum(&[0x00, 0x01, 0xf2, 0x03], &[0xf4, 0xf5, 0xf6, 0xf7]),
            0xddf2
        );
    }
}
