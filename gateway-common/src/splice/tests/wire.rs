//! TCP segments as frames and back, with checksums from scratch: nothing of what is tested is used.

use std::net::{IpAddr, SocketAddr};

pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const RST: u8 = 4;
pub(super) const PSH: u8 = 8;
pub(super) const ACK: u8 = 16;
pub(super) const URG: u8 = 32;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    pub(super) urgent: u16,
    pub(super) mss: Option<u16>,
    pub(super) scale: Option<u8>,
    pub(super) sack: bool,
    pub(super) stamps: Option<(u32, u32)>,
    pub(super) sacks: Vec<(u32, u32)>,
    /// Asks for a cookie of TCP Fast Open (RFC 7413).
    pub(super) fast_open: bool,
    pub(super) data: Vec<u8>,
    /// NOPs before time stamps: how options are aligned.
    pub(super) shift: usize,
}

/// Of the data, how much it is.
impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sequence, bytes) = (self.sequence, self.data.len());
        write!(f, "{} > {} ", self.source, self.destination)?;
        write!(f, "flags {:#x} {sequence}+{bytes} ", self.flags)?;
        write!(f, "ack {} window {} ", self.acknowledged, self.window)?;
        let opening = (self.mss, self.scale, self.sack);
        write!(f, "{opening:?} {:?} {:?}", self.stamps, self.sacks)
    }
}

impl Segment {
    pub(super) fn new(source: SocketAddr, destination: SocketAddr, flags: u8) -> Self {
        Self {
            source,
            destination,
            sequence: 0,
            acknowledged: 0,
            flags,
            window: 0,
            urgent: 0,
            mss: None,
            scale: None,
            sack: false,
            stamps: None,
            sacks: Vec::new(),
            fast_open: false,
            data: Vec::new(),
            shift: 2,
        }
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn end(&self) -> u32 {
        let more = u32::from(self.has(SYN)) + u32::from(self.has(FIN));
        let bytes = u32::try_from(self.data.len()).unwrap();
        self.sequence.wrapping_add(bytes).wrapping_add(more)
    }

    pub(super) fn options(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(mss) = self.mss {
            out.extend([2, 4]);
            out.extend(mss.to_be_bytes());
        }
        if self.sack {
            out.extend([4, 2]);
        }
        if let Some((value, echo)) = self.stamps {
            if !self.has(SYN) {
                out.extend(vec![1; self.shift]);
            }
            out.extend([8, 10]);
            out.extend(value.to_be_bytes());
            out.extend(echo.to_be_bytes());
        }
        if let Some(scale) = self.scale {
            out.extend([3, 3, scale]);
        }
        if self.fast_open {
            out.extend([34, 2]);
        }
        let room = (40 - out.len()) / 8;
        let sacks = &self.sacks[..self.sacks.len().min(if room > 0 { room - 1 } else { 0 })];
        if !sacks.is_empty() {
            out.extend([5, u8::try_from(2 + 8 * sacks.len()).unwrap()]);
            for (from, to) in sacks {
                out.extend(from.to_be_bytes());
                out.extend(to.to_be_bytes());
            }
        }
        while !out.len().is_multiple_of(4) {
            out.push(0);
        }
        out
    }

    fn tcp(&self) -> Vec<u8> {
        let options = self.options();
        let mut out = Vec::new();
        out.extend(self.source.port().to_be_bytes());
        out.extend(self.destination.port().to_be_bytes());
        out.extend(self.sequence.to_be_bytes());
        out.extend(self.acknowledged.to_be_bytes());
        out.push(u8::try_from((20 + options.len()) / 4).unwrap() << 4);
        out.push(self.flags);
        out.extend(self.window.to_be_bytes());
        out.extend([0; 2]);
        out.extend(self.urgent.to_be_bytes());
        out.extend(options);
        out.extend(&self.data);
        let sum = checksum(self.source.ip(), self.destination.ip(), &out);
        out[16..18].copy_from_slice(&sum.to_be_bytes());
        out
    }

    pub(super) fn frame(&self) -> Vec<u8> {
        let tcp = self.tcp();
        let length = u16::try_from(tcp.len()).unwrap();
        let mut out = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01".to_vec();
        match (self.source.ip(), self.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                out.extend([8, 0, 0x45, 0]);
                out.extend((length + 20).to_be_bytes());
                out.extend([0x12, 0x34, 0x40, 0, 61, 6, 0, 0]);
                out.extend(source.octets());
                out.extend(destination.octets());
                let sum = !fold(sum(&out[14..]));
                out[24..26].copy_from_slice(&sum.to_be_bytes());
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                out.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
                out.extend(length.to_be_bytes());
                out.extend([6, 61]);
                out.extend(source.octets());
                out.extend(destination.octets());
            }
            other => panic!("{other:?}"),
        }
        out.extend(tcp);
        out
    }

    /// Panics where anything about it is wrong.
    pub(super) fn read(frame: &[u8]) -> Self {
        let (ends, tcp) = network(frame);
        assert_eq!(checksum(ends[0], ends[1], tcp), 0, "checksum: {frame:x?}");
        let header = usize::from(tcp[12] >> 4) * 4;
        let word = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
        let mut segment = Self::new(
            SocketAddr::new(ends[0], word(0)),
            SocketAddr::new(ends[1], word(2)),
            tcp[13],
        );
        segment.sequence = long(tcp, 4);
        segment.acknowledged = long(tcp, 8);
        segment.window = word(14);
        segment.urgent = word(18);
        segment.data = tcp[header..].to_vec();
        segment.read_options(&tcp[20..header]);
        segment
    }

    fn read_options(&mut self, mut options: &[u8]) {
        let mut shift = 0;
        while let [kind, rest @ ..] = options {
            match kind {
                0 => break,
                1 => {
                    shift += 1;
                    options = rest;
                    continue;
                }
                _ => {}
            }
            let (option, rest) = options.split_at(usize::from(options[1]));
            match kind {
                2 => self.mss = Some(u16::from_be_bytes([option[2], option[3]])),
                3 => self.scale = Some(option[2]),
                4 => self.sack = true,
                5 => {
                    let pairs = option[2..].chunks(8);
                    self.sacks = pairs.map(|pair| (long(pair, 0), long(pair, 4))).collect();
                }
                8 => {
                    self.stamps = Some((long(option, 2), long(option, 6)));
                    self.shift = if self.has(SYN) { 2 } else { shift };
                }
                other => panic!("option {other}"),
            }
            options = rest;
        }
    }
}

/// Both addresses, and the TCP segment.
fn network(frame: &[u8]) -> ([IpAddr; 2], &[u8]) {
    let ip = &frame[14..];
    match frame[12..14] {
        [8, 0] => {
            assert_eq!(fold(sum(&ip[..20])), 0xffff, "header checksum: {frame:x?}");
            let length = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
            assert!(ip[8] > 0 && ip[9] == 6);
            let address = |at: usize| <[u8; 4]>::try_from(&ip[at..at + 4]).unwrap().into();
            ([address(12), address(16)], &ip[20..length])
        }
        [0x86, 0xdd] => {
            let length = usize::from(u16::from_be_bytes([ip[4], ip[5]]));
            assert!(ip[7] > 0 && ip[6] == 6 && ip[0] >> 4 == 6);
            let address = |at: usize| <[u8; 16]>::try_from(&ip[at..at + 16]).unwrap().into();
            ([address(8), address(24)], &ip[40..40 + length])
        }
        _ => panic!("{frame:x?}"),
    }
}

pub(super) fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn checksum(source: IpAddr, destination: IpAddr, tcp: &[u8]) -> u16 {
    let length = u64::try_from(tcp.len()).unwrap();
    let address = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => sum(&ip.octets()),
        IpAddr::V6(ip) => sum(&ip.octets()),
    };
    !fold(address(source) + address(destination) + 6 + length + sum(tcp))
}

pub(super) fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks(2);
    let word = |two: &[u8]| u64::from(two[0]) << 8 | u64::from(two.get(1).copied().unwrap_or(0));
    words.map(word).sum()
}

pub(super) fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap()
}
