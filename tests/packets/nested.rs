//! Builds packets inside others, as gateways send them to each other.

use std::net::IpAddr;

use crate::{
    frames::{Family, HOPS, checksum, octets, packet},
    table::Shape,
};

/// A frame's packet with another IP header in front.
#[derive(Clone, Debug)]
pub(crate) struct Nested {
    pub(crate) inner: Shape,
    /// Instead of the inner source.
    pub(crate) source: Option<IpAddr>,
    pub(crate) node: IpAddr,
    pub(crate) tag: u16,
    /// Instead of "IPv4 in IPv4" or "IPv6 in IPv6".
    pub(crate) protocol: Option<u8>,
    /// Congestion bits of the outer header, instead of those of the inner one.
    pub(crate) congestion: Option<u8>,
}

pub(crate) fn nested(inner: impl Into<Shape>, node: IpAddr, tag: u16) -> Nested {
    Nested {
        inner: inner.into(),
        source: None,
        node,
        tag,
        protocol: None,
        congestion: None,
    }
}

impl Nested {
    pub(crate) fn frame(&self, family: Family) -> Vec<u8> {
        let inner = self.inner.bytes(family);
        let (ether, inner) = inner.split_at(14);
        [ether, &self.packet(family, inner)].concat()
    }

    fn packet(&self, family: Family, inner: &[u8]) -> Vec<u8> {
        let (node, _) = family.of((self.node, 0));
        let source = match (self.source, family) {
            (Some(source), _) => octets(family.of((source, 0)).0),
            (None, Family::V4) => inner[12..16].to_vec(),
            (None, Family::V6) => inner[8..24].to_vec(),
        };
        let tag = self.tag.to_be_bytes();
        if family == Family::V4 {
            let mut outer = packet([node, node], self.protocol.unwrap_or(4), HOPS, inner);
            outer[1] = self
                .congestion
                .map_or(inner[1], |bits| inner[1] & 0xfc | bits);
            outer[4..6].copy_from_slice(&tag);
            outer[10..12].fill(0);
            outer[12..16].copy_from_slice(&source);
            let sum = checksum(&outer[..20]);
            outer[10..12].copy_from_slice(&sum);
            return outer;
        }
        let mut outer = packet([node, node], self.protocol.unwrap_or(41), HOPS, inner);
        let class = inner[1] & 0xf0;
        outer[0] = inner[0];
        outer[1] = self
            .congestion
            .map_or(class, |bits| class & 0xc0 | bits << 4);
        outer[2..4].copy_from_slice(&tag);
        outer[8..24].copy_from_slice(&source);
        outer
    }
}
