//! Builds control messages of either family, with checksums computed over everything.

use std::net::IpAddr;

use crate::{
    frames::{Family, HOPS, Spec, checksum, octets, packet},
    nested::Nested,
};

/// Kinds and codes of ICMP and of ICMPv6.
pub(crate) type Kinds = ([u8; 2], [u8; 2]);

pub(crate) const ECHO: Kinds = ([8, 0], [128, 0]);
pub(crate) const ECHO_REPLY: Kinds = ([0, 0], [129, 0]);
pub(crate) const TOO_BIG: Kinds = ([3, 4], [2, 0]);
pub(crate) const NO_PORT: Kinds = ([3, 3], [1, 4]);
pub(crate) const TIME_EXCEEDED: Kinds = ([11, 0], [3, 0]);
/// Redirects of IPv4, router advertisements of IPv6: for the node.
pub(crate) const FOR_THE_NODE: Kinds = ([5, 1], [134, 0]);

/// A control message in IP and Ethernet.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) kinds: Kinds,
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// Between header and body: identifier and number, or an MTU.
    pub(crate) rest: [u8; 4],
    pub(crate) body: Body,
    /// Answers go where the question came from.
    pub(crate) back: bool,
    pub(crate) hops: u8,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Bytes(Vec<u8>),
    /// The beginning of a packet: its IP header, and so many bytes behind.
    Quote(Spec, usize),
    /// A whole packet inside another.
    Nested(Box<Nested>),
}

/// An error about a packet.
pub(crate) fn error(kinds: Kinds, source: IpAddr, destination: IpAddr, about: &Spec) -> Control {
    Control {
        kinds,
        source,
        destination,
        rest: [0, 0, 0x05, 0x14],
        body: Body::Quote(about.clone(), usize::MAX),
        back: false,
        hops: HOPS,
    }
}

pub(crate) fn ping(source: IpAddr, destination: IpAddr, payload: &[u8]) -> Control {
    Control {
        kinds: ECHO,
        source,
        destination,
        rest: [1, 2, 0, 3],
        body: Body::Bytes(payload.to_vec()),
        back: false,
        hops: HOPS,
    }
}

impl Control {
    /// The answer to a ping.
    pub(crate) fn answered(&self) -> Self {
        Self {
            kinds: ECHO_REPLY,
            source: self.destination,
            destination: self.source,
            back: true,
            ..self.clone()
        }
    }

    /// The same one hop further.
    pub(crate) fn hop(&self) -> Self {
        Self {
            hops: self.hops - 1,
            ..self.clone()
        }
    }

    /// The same with so many bytes of the quoted packet behind its IP header.
    pub(crate) fn quoting(&self, bytes: usize) -> Self {
        let mut other = self.clone();
        if let Body::Quote(_, kept) = &mut other.body {
            *kept = bytes;
        }
        other
    }

    pub(crate) fn frame(&self, family: Family) -> Vec<u8> {
        let [(source, _), (destination, _)] =
            [self.source, self.destination].map(|ip| family.of((ip, 0)));
        let (kind, protocol) = match family {
            Family::V4 => (self.kinds.0, 1),
            Family::V6 => (self.kinds.1, 58),
        };
        let mut message = [&kind[..], &[0, 0], &self.rest].concat();
        match &self.body {
            Body::Bytes(bytes) => message.extend(bytes),
            Body::Nested(nested) => message.extend(&nested.frame(family)[14..]),
            Body::Quote(spec, behind) => {
                let ip = spec.within(family).ip();
                let header: usize = if family == Family::V4 { 20 } else { 40 };
                let end = header.max(header.saturating_add(*behind).min(ip.len()));
                message.extend(&ip[..end]);
            }
        }
        let mut summed = message.clone();
        if family == Family::V6 {
            let length = (message.len() as u16).to_be_bytes();
            summed.extend((message.len() % 2 == 1).then_some(0));
            summed.extend([octets(source), octets(destination)].concat());
            summed.extend([length[0], length[1], 0, protocol]);
        }
        message[2..4].copy_from_slice(&checksum(&summed));
        let (here, there) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let [to, from] = if self.back {
            [there, here]
        } else {
            [here, there]
        };
        let kind = match family {
            Family::V4 => [0x08, 0x00],
            Family::V6 => [0x86, 0xdd],
        };
        let ip = packet([source, destination], protocol, self.hops, &message);
        [&to[..], &from, &kind, &ip].concat()
    }
}
