//! A TCP segment as it arrived.

use crate::{
    abi::FlowKey,
    header::{Ether, Ip, Tcp},
    packet::{Frame, Packet},
};

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

/// Numbers in host order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Segment {
    pub(super) key: FlowKey,
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    /// Bytes of data, and where in the frame they are.
    pub(super) bytes: u32,
    pub(super) data: u32,
    /// Bytes of options.
    pub(super) options: u32,
    pub(super) window: u16,
    pub(super) flags: u8,
}

impl Segment {
    /// `false`: the frame does not hold what its lengths say.
    #[inline(always)]
    pub(super) fn read<P, I>(&mut self, packet: &mut P, direction: u16) -> bool
    where
        P: Packet + ?Sized,
        I: Ip,
    {
        let length = packet.len();
        let Some(frame) = packet.head::<Frame<I, Tcp>>() else {
            return false;
        };
        let header = u32::from(frame.l4.words >> 4) * 4;
        let payload = u32::from(frame.ip.payload());
        let fits = header >= size_of::<Tcp>() as u32 && header <= payload;
        if !fits || !frame.ip.holds(length, header as usize) {
            return false;
        }
        self.key = frame.key(direction);
        self.sequence = number(frame.l4.sequence);
        self.acknowledged = number(frame.l4.acknowledged);
        self.bytes = payload - header;
        self.data = (size_of::<Ether>() + size_of::<I>()) as u32 + header;
        self.options = header - size_of::<Tcp>() as u32;
        self.window = u16::from_be(frame.l4.window);
        self.flags = frame.l4.flags;
        true
    }

    #[inline(always)]
    pub(super) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The sender's next number.
    #[inline(always)]
    pub(super) const fn end(&self) -> u32 {
        let more = (self.has(SYN) as u32) + (self.has(FIN) as u32);
        self.sequence.wrapping_add(self.bytes).wrapping_add(more)
    }
}

/// A sequence number of a header, in host order.
#[inline(always)]
pub(super) const fn number([high, low]: [u16; 2]) -> u32 {
    (u16::from_be(high) as u32) << 16 | u16::from_be(low) as u32
}

/// The other way.
#[inline(always)]
pub(super) const fn words(number: u32) -> [u16; 2] {
    [((number >> 16) as u16).to_be(), (number as u16).to_be()]
}
