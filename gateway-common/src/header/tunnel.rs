//! A packet inside another of its family (RFC 2003, RFC 2473).

use super::{Icmp, Udp};

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Nested<I> {
    pub outer: I,
    pub inner: I,
}

/// An error about such a packet, as [`super::Quote`] is about others.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DeepQuote<I> {
    pub icmp: Icmp,
    pub outer: I,
    pub inner: I,
    pub l4: Udp,
}
