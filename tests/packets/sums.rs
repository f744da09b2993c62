//! Checksums, computed over everything.

use gateway_common::abi::{TCP, UDP};

use crate::{
    frames::checksum,
    wire::{ETHER, Layout},
};

/// Whether sums are right; `None` where there is none to judge.
#[derive(Debug, Default)]
struct Sums {
    header: Option<bool>,
    body: Option<bool>,
    /// Of what an ICMP error quotes.
    quoted_header: Option<bool>,
    quoted_datagram: Option<bool>,
}

/// What was right before is right afterwards; a datagram without a sum stays without.
pub(crate) fn check(before: &[u8], after: &[u8]) {
    let (was, is) = (Sums::of(before), Sums::of(after));
    for (what, was, is) in [
        ("IP header", was.header, is.header),
        ("body", was.body, is.body),
        ("quoted IP header", was.quoted_header, is.quoted_header),
        ("quoted datagram", was.quoted_datagram, is.quoted_datagram),
    ] {
        if was == Some(true) {
            assert_eq!(is, was, "{what}: {before:02x?} became {after:02x?}");
        }
    }
    if unsummed(before) {
        assert!(unsummed(after), "{before:02x?} became {after:02x?}");
    }
}

impl Sums {
    fn of(frame: &[u8]) -> Self {
        let Some(layout) = Layout::of(frame) else {
            return Self::default();
        };
        let mut sums = Self {
            header: header(frame, &layout, ETHER),
            body: body(frame, &layout),
            ..Self::default()
        };
        let is_error = match (layout.is_v4, layout.protocol) {
            (true, 1) => matches!(frame.get(layout.body.start), Some(3 | 11 | 12)),
            (false, 58) => matches!(frame.get(layout.body.start), Some(1..=4)),
            _ => false,
        };
        let at = layout.body.start + 8;
        let quoted = match (is_error, layout.is_v4) {
            (false, _) => None,
            (true, true) => Layout::v4(&frame[..layout.body.end], at),
            (true, false) => Layout::v6(&frame[..layout.body.end], at),
        };
        if let Some(quoted) = quoted {
            sums.quoted_header = header(frame, &quoted, at);
            // Of TCP only as much is translated as every error quotes: not the sum.
            if u32::from(quoted.protocol) == UDP {
                sums.quoted_datagram = body(frame, &quoted);
            }
        }
        sums
    }
}

fn header(frame: &[u8], layout: &Layout, at: usize) -> Option<bool> {
    layout
        .is_v4
        .then(|| checksum(&frame[at..at + 20]) == [0, 0])
}

fn body(frame: &[u8], layout: &Layout) -> Option<bool> {
    let body = &frame[layout.body.clone()];
    let protocol = layout.protocol;
    let (shortest, at, with_addresses) = match (u32::from(protocol), layout.is_v4) {
        (TCP, _) => (20, 16, true),
        (UDP, _) => (8, 6, true),
        (1, true) => (8, 2, false),
        (58, false) => (8, 2, true),
        _ => return None,
    };
    if body.len() < shortest || (u32::from(protocol) == UDP && body[at..at + 2] == [0, 0]) {
        return None;
    }
    let mut text = Vec::new();
    if with_addresses {
        text.extend(&frame[layout.source.clone()]);
        text.extend(&frame[layout.destination.clone()]);
        text.extend((body.len() as u16).to_be_bytes());
        text.extend([0, protocol]);
    }
    text.extend(body);
    Some(checksum(&text) == [0, 0])
}

/// A UDP datagram that says it has no sum.
fn unsummed(frame: &[u8]) -> bool {
    Layout::of(frame).is_some_and(|layout| {
        let body = &frame[layout.body];
        u32::from(layout.protocol) == UDP && body.len() >= 8 && body[6..8] == [0, 0]
    })
}
