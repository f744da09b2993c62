//! Room for what one packet needs: too much for the stack of a BPF program.

use crate::{
    abi::FlowKey,
    addr::Addr,
    header::Ip,
    packet::Bytes,
    splice::{
        Endpoint, Splice,
        forge::Header,
        options::{Options, Walk},
        segment::Segment,
    },
};

/// In the kernel a value of an array for each CPU. It holds nothing from one packet to the next.
#[derive(Clone, Debug)]
pub struct Scratch {
    /// The client's key of the connection.
    pub(super) key: FlowKey,
    /// The segment that arrived, its options, and what they say.
    pub(super) segment: Segment,
    pub(super) options: Options,
    pub(super) walk: Walk,
    /// A segment that is made.
    pub(super) header: Header,
    pub(super) splice: Splice,
    /// Keys of the backend's packets: of the one that is taken, and of the one before.
    pub(super) back: FlowKey,
    pub(super) old: FlowKey,
    pub(super) endpoint: Endpoint,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            key: FlowKey::default(),
            segment: Segment::default(),
            options: Options::default(),
            walk: Walk::default(),
            header: Header::default(),
            splice: Splice::default(),
            back: FlowKey::default(),
            old: FlowKey::default(),
            endpoint: Endpoint {
                address: Addr::default(),
                port: 0,
                backend: 0,
                mss: 0,
                source: Addr::default(),
                source_port: 0,
            },
        }
    }
}

impl Scratch {
    /// Reads the segment; `false`: the frame does not hold what its lengths say.
    #[inline(always)]
    pub(super) fn read<P: Bytes + ?Sized, I: Ip>(
        &mut self,
        packet: &mut P,
        direction: u16,
    ) -> bool {
        self.segment.read::<P, I>(packet, direction)
    }

    /// Reads its options. `mss` is the segment size of who says none.
    #[inline(always)]
    pub(super) fn look<P: Bytes + ?Sized>(&mut self, packet: &mut P, mss: u16) {
        self.options.load(packet, &self.segment);
        self.options.walk(packet, mss, &mut self.walk);
    }
}
