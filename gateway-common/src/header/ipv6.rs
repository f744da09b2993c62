//! IPv6 (RFC 8200).

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Ipv6 {
    /// Version, traffic class and flow label.
    pub version_flow: [u16; 2],
    /// Bytes behind this header.
    pub length: u16,
    pub next: u8,
    pub hops: u8,
    pub source: [u16; 8],
    pub destination: [u16; 8],
}
