//! ARP for IPv4 over Ethernet (RFC 826).

use crate::abi::Mac;

/// Ethernet, IPv4, and their lengths of 6 and 4 bytes, in memory order.
const KINDS: [u16; 3] = [1_u16.to_be(), 0x0800_u16.to_be(), 0x0604_u16.to_be()];
/// Operation of a request, in memory order.
pub const ARP_REQUEST: u16 = 1_u16.to_be();
/// Operation of a reply, in memory order.
pub const ARP_REPLY: u16 = 2_u16.to_be();

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Arp {
    /// Hardware, protocol, lengths of their addresses.
    pub kinds: [u16; 3],
    pub operation: u16,
    pub sender_mac: Mac,
    pub sender: [u16; 2],
    pub target_mac: Mac,
    pub target: [u16; 2],
}

impl Arp {
    /// Between IPv4 addresses on Ethernet.
    #[inline(always)]
    pub const fn is_plain(&self) -> bool {
        let ([a, b, c], [d, e, f]) = (self.kinds, KINDS);
        (a ^ d) | (b ^ e) | (c ^ f) == 0
    }

    /// Writes every field.
    #[inline(always)]
    pub const fn fill(
        &mut self,
        operation: u16,
        (sender_mac, sender): (Mac, [u16; 2]),
        (target_mac, target): (Mac, [u16; 2]),
    ) {
        self.kinds = KINDS;
        self.operation = operation;
        self.sender_mac = sender_mac;
        self.sender = sender;
        self.target_mac = target_mac;
        self.target = target;
    }
}
