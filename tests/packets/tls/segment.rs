//! TCP segments of the table: in numbers, or in terms of what the gateway has told the client.

use gateway_common::abi::TCP;

use crate::frames::{End, Family, checksum, octets, packet};

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const PSH: u8 = 8;
pub(crate) const ACK: u8 = 16;

/// Where the network header, and a segment of either family, begin.
const ETHER: usize = 14;
const SEGMENT: [usize; 2] = [ETHER + 20, ETHER + 40];

/// A sequence number or a time stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Is(u32),
    /// So far behind the number of the gateway's SYN-ACK.
    Cookie(u32),
    /// So many milliseconds behind the time stamp of the gateway's SYN-ACK.
    Stamp(u32),
}

/// What the gateway's SYN-ACK said: different on the host and in the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) cookie: u32,
    /// 0: none.
    pub(crate) stamp: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Nop,
    Mss(u16),
    Scale(u8),
    SackPermitted,
    Sacks(Vec<(Number, Number)>),
    Stamps(Number, Number),
    /// As it is.
    Unknown(Vec<u8>),
}

/// Ends are those of IPv4; the frame has their like in the family of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) source: End,
    pub(crate) destination: End,
    pub(crate) sequence: Number,
    pub(crate) acknowledged: Number,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    /// Ends with zeros up to a whole word.
    pub(crate) options: Vec<Item>,
    pub(crate) data: Vec<u8>,
}

impl From<u32> for Number {
    fn from(number: u32) -> Self {
        Self::Is(number)
    }
}

impl Number {
    pub(crate) fn plus(self, more: u32) -> Self {
        match self {
            Self::Is(number) => Self::Is(number.wrapping_add(more)),
            Self::Cookie(offset) => Self::Cookie(offset.wrapping_add(more)),
            Self::Stamp(offset) => Self::Stamp(offset.wrapping_add(more)),
        }
    }

    pub(crate) fn resolve(self, told: Told) -> u32 {
        match self {
            Self::Is(number) => number,
            Self::Cookie(offset) => told.cookie.wrapping_add(offset),
            Self::Stamp(offset) => told.stamp.wrapping_add(offset),
        }
    }
}

impl Item {
    fn write(&self, told: Told, out: &mut Vec<u8>) {
        let bytes = |number: &Number| number.resolve(told).to_be_bytes();
        match self {
            Self::Nop => out.push(1),
            Self::Mss(mss) => {
                out.extend([2, 4]);
                out.extend(mss.to_be_bytes());
            }
            Self::Scale(scale) => out.extend([3, 3, *scale]),
            Self::SackPermitted => out.extend([4, 2]),
            Self::Sacks(edges) => {
                out.extend([5, 2 + 8 * edges.len() as u8]);
                let each = edges.iter().flat_map(|(from, to)| [bytes(from), bytes(to)]);
                out.extend(each.flatten());
            }
            Self::Stamps(value, echo) => {
                out.extend([8, 10]);
                out.extend([bytes(value), bytes(echo)].concat());
            }
            Self::Unknown(bytes) => out.extend(bytes),
        }
    }
}

impl Segment {
    /// As an end sends it.
    pub(crate) fn frame(&self, family: Family, told: Told) -> Vec<u8> {
        let ends = [family.of(self.source), family.of(self.destination)];
        let tcp = self.tcp(ends, told);
        let addresses = ends.map(|end| end.0);
        let kind = match family {
            Family::V4 => [0x08, 0x00],
            Family::V6 => [0x86, 0xdd],
        };
        let link = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        let ip = packet(addresses, TCP as u8, crate::frames::HOPS, &tcp);
        [&link[..], &kind, &ip].concat()
    }

    fn tcp(&self, ends: [End; 2], told: Told) -> Vec<u8> {
        let mut options = Vec::new();
        for item in &self.options {
            item.write(told, &mut options);
        }
        options.resize(options.len().next_multiple_of(4), 0);
        let mut out = ends.map(|end| end.1.to_be_bytes()).concat();
        out.extend(self.sequence.resolve(told).to_be_bytes());
        out.extend(self.acknowledged.resolve(told).to_be_bytes());
        out.extend([((20 + options.len()) / 4) as u8 * 16, self.flags]);
        out.extend(self.window.to_be_bytes());
        out.extend([0; 4]);
        out.extend(options);
        out.extend(&self.data);
        let mut pseudo = ends.map(|end| octets(end.0)).concat();
        pseudo.extend([0, TCP as u8]);
        pseudo.extend((out.len() as u16).to_be_bytes());
        let sum = checksum(&[pseudo, out.clone()].concat());
        out[16..18].copy_from_slice(&sum);
        out
    }
}

/// What is read of a segment, in the numbers of the frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) source: End,
    pub(crate) destination: End,
    pub(crate) sequence: u32,
    pub(crate) flags: u8,
    /// The next number of the sender.
    pub(crate) end: u32,
    pub(crate) stamps: Option<(u32, u32)>,
}

impl Read {
    /// Of a frame without tags that is well made.
    pub(crate) fn of(frame: &[u8]) -> Self {
        let is_v4 = frame[12] == 8;
        let at = SEGMENT[usize::from(!is_v4)];
        let tcp = &frame[at..];
        let word = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
        let long = |at: usize| u32::from(word(at)) << 16 | u32::from(word(at + 2));
        let address = |from: usize| match is_v4 {
            true => <[u8; 4]>::try_from(&frame[ETHER + 12 + 4 * from..][..4])
                .map(std::net::IpAddr::from),
            false => <[u8; 16]>::try_from(&frame[ETHER + 8 + 16 * from..][..16])
                .map(std::net::IpAddr::from),
        };
        let header = usize::from(tcp[12] >> 4) * 4;
        let flags = tcp[13];
        let more = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        let kind = (20..header.saturating_sub(9)).find(|&at| tcp[at..at + 2] == [8, 10]);
        Self {
            source: (address(0).expect("an address"), word(0)),
            destination: (address(1).expect("an address"), word(2)),
            sequence: long(4),
            flags,
            end: long(4).wrapping_add((tcp.len() - header) as u32 + more),
            stamps: kind.map(|at| (long(at + 2), long(at + 6))),
        }
    }

    /// Of the gateway's SYN-ACK.
    pub(crate) fn told(&self) -> Told {
        Told {
            cookie: self.sequence,
            stamp: self.stamps.map_or(0, |(value, _)| value),
        }
    }
}

/// The frame with its link addresses exchanged.
pub(crate) fn turn(frame: &mut [u8]) {
    let (to, rest) = frame.split_at_mut(6);
    to.swap_with_slice(&mut rest[..6]);
}

/// Hops that the packet may take.
pub(crate) fn hops(frame: &[u8]) -> u8 {
    match frame[12] {
        8 => frame[ETHER + 8],
        _ => frame[ETHER + 7],
    }
}

/// The frame one hop further; a checksum that was wrong is as wrong as before (RFC 1624).
pub(crate) fn hop(frame: &mut [u8]) {
    if frame[12] != 8 {
        frame[ETHER + 7] -= 1;
        return;
    }
    frame[ETHER + 8] -= 1;
    let old = u16::from_be_bytes([frame[ETHER + 10], frame[ETHER + 11]]);
    let sum = u32::from(!old) + 0xfeff;
    let new = !((sum & 0xffff) + (sum >> 16)) as u16;
    frame[ETHER + 10..ETHER + 12].copy_from_slice(&new.to_be_bytes());
}

/// The frame as one that the gateway has made: IPv4 names only fragments (RFC 6864).
pub(crate) fn unnamed(frame: &mut [u8]) {
    if frame[12] == 8 {
        frame[ETHER + 4..ETHER + 6].fill(0);
        frame[ETHER + 10..ETHER + 12].fill(0);
        let sum = checksum(&frame[ETHER..ETHER + 20]);
        frame[ETHER + 10..ETHER + 12].copy_from_slice(&sum);
    }
}
