//! Packets before and after the programs, for `xdp-gateway capture`. Nothing is compiled in without
//! the feature `capture`: whoever captures puts an object with it in place of the other one.

#[cfg(feature = "capture")]
mod filter;
#[cfg(feature = "capture")]
mod tell;

use gateway_common::packet::Packet;

/// A packet whose bytes can be copied out.
pub(crate) trait Source: Packet {
    /// The first `length` bytes to a buffer that is as long.
    #[cfg(feature = "capture")]
    fn copy(&self, to: *mut u8, length: u32) -> bool;
}

/// As it comes.
#[cfg(feature = "capture")]
#[inline(always)]
pub(crate) fn before<S: Source>(packet: &S, hook: u32) {
    tell::tell(packet, hook, 0);
}

/// As it goes, with what the program returns.
#[cfg(feature = "capture")]
#[inline(always)]
pub(crate) fn after<S: Source>(packet: &S, hook: u32, verdict: i32) {
    use gateway_common::capture::AFTER;
    tell::tell(packet, hook | AFTER, verdict);
}

#[cfg(not(feature = "capture"))]
#[inline(always)]
pub(crate) fn before<S: Source>(_packet: &S, _hook: u32) {}

#[cfg(not(feature = "capture"))]
#[inline(always)]
pub(crate) fn after<S: Source>(_packet: &S, _hook: u32, _verdict: i32) {}
