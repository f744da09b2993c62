//! Reads frames without the code under test.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use gateway_common::abi::{FORWARD, FlowKey, TCP, UDP};

use crate::frames::{End, checksum};

pub(crate) const ETHER: usize = 14;

/// An IP packet in a frame: positions in the frame.
pub(crate) struct Layout {
    pub(crate) is_v4: bool,
    pub(crate) protocol: u8,
    pub(crate) source: Range<usize>,
    pub(crate) destination: Range<usize>,
    /// What the IP header carries.
    pub(crate) body: Range<usize>,
}

impl Layout {
    /// `None` for what is no IP, a fragment, or shorter than it says.
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        let kind = frame.get(12..ETHER)?;
        match kind {
            [0x08, 0x00] => Self::v4(frame, ETHER),
            [0x86, 0xdd] => Self::v6(frame, ETHER),
            _ => None,
        }
    }

    /// Without options; at `at`.
    pub(crate) fn v4(frame: &[u8], at: usize) -> Option<Self> {
        let header = frame.get(at..at + 20)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let is_part = header[6] & 0x3f != 0 || header[7] != 0;
        let whole = at + length <= frame.len() && length >= 20;
        (header[0] == 0x45 && !is_part && whole).then(|| Self {
            is_v4: true,
            protocol: header[9],
            source: at + 12..at + 16,
            destination: at + 16..at + 20,
            body: at + 20..at + length,
        })
    }

    /// Without extension headers; at `at`.
    pub(crate) fn v6(frame: &[u8], at: usize) -> Option<Self> {
        let header = frame.get(at..at + 40)?;
        let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        let whole = at + 40 + length <= frame.len();
        (header[0] >> 4 == 6 && whole).then(|| Self {
            is_v4: false,
            protocol: header[6],
            source: at + 8..at + 24,
            destination: at + 24..at + 40,
            body: at + 40..at + 40 + length,
        })
    }
}

/// A whole TCP segment or UDP datagram.
pub(crate) struct Parsed {
    pub(crate) source: End,
    pub(crate) destination: End,
    pub(crate) payload: Vec<u8>,
    /// Of TCP.
    pub(crate) flags: Option<u8>,
    layout: Layout,
}

impl Parsed {
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        let layout = Layout::of(frame)?;
        let header = match u32::from(layout.protocol) {
            TCP => 20,
            UDP => 8,
            _ => return None,
        };
        let l4 = &frame[layout.body.clone()];
        let payload = l4.get(header..)?.to_vec();
        Some(Self {
            source: (
                address(&frame[layout.source.clone()])?,
                u16::from_be_bytes([l4[0], l4[1]]),
            ),
            destination: (
                address(&frame[layout.destination.clone()])?,
                u16::from_be_bytes([l4[2], l4[3]]),
            ),
            payload,
            flags: (header == 20).then(|| l4[13]),
            layout,
        })
    }

    /// Of the flow that a request with these ends belongs to.
    pub(crate) fn key(&self) -> FlowKey {
        FlowKey {
            source: self.source.0.into(),
            destination: self.destination.0.into(),
            source_port: self.source.1,
            destination_port: self.destination.1,
            protocol: u16::from(self.layout.protocol),
            direction: FORWARD,
        }
    }

    /// The same frame from its destination to its source, with hops to go.
    pub(crate) fn turned(&self, frame: &[u8]) -> Vec<u8> {
        let mut turned = frame.to_vec();
        let Layout {
            is_v4,
            source,
            destination,
            body,
            ..
        } = &self.layout;
        turned[source.clone()].copy_from_slice(&frame[destination.clone()]);
        turned[destination.clone()].copy_from_slice(&frame[source.clone()]);
        let at = body.start;
        turned[at..at + 2].copy_from_slice(&frame[at + 2..at + 4]);
        turned[at + 2..at + 4].copy_from_slice(&frame[at..at + 2]);
        if *is_v4 {
            turned[ETHER + 8] = 64;
            turned[ETHER + 10..ETHER + 12].fill(0);
            let sum = checksum(&turned[ETHER..ETHER + 20]);
            turned[ETHER + 10..ETHER + 12].copy_from_slice(&sum);
        } else {
            turned[ETHER + 7] = 64;
        }
        turned
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(v4).into());
    }
    let v6 = <[u8; 16]>::try_from(octets).ok()?;
    Some(Ipv6Addr::from(v6).into())
}
