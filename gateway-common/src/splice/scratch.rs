//! Room for what one packet needs: too much for the stack of a BPF program.

use crate::{
    abi::{BackendStats, FlowKey},
    addr::Addr,
    header::{Ip, OPENS, Signal},
    packet::Bytes,
    splice::{
        Endpoint, Splice,
        forge::Header,
        options::{Options, Walk},
        segment::Segment,
    },
    tables::Traffic,
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
    /// What the packet is to a backend.
    pub credit: Credit,
}

/// What a packet is to the statistics of a backend. Only copied from what is known, where paths part: the
/// verifier would follow each choice from there on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Id of the backend that it is from or for; 0: none.
    pub backend: u32,
    /// How many SYNs the backend has been sent for this connection, where this is one; else 0.
    pub asked: u32,
    /// [`ACCEPTS`](crate::header::ACCEPTS): the backend takes it.
    pub signal: Signal,
}

impl Credit {
    /// For now, it is a packet without a meaning.
    #[inline(always)]
    pub(super) const fn clear(&mut self) {
        self.backend = 0;
        self.asked = 0;
        self.signal = 0;
    }

    /// The backend is asked for the first time.
    #[inline(always)]
    pub const fn opens(&self) -> bool {
        self.asked == 1
    }
}

impl BackendStats {
    /// Bytes of the frame from the backend, and of that for it; 0: it was not, or there is none.
    #[inline(always)]
    pub const fn credit_splice(&mut self, credit: &Credit, reply: u64, request: u64) {
        if credit.opens() {
            self.credit(Traffic::Opened(OPENS), 0);
        }
        // A frame of another one's that asks this one next is none of its own.
        if reply > 0 && credit.asked == 0 {
            self.credit(Traffic::Reply(credit.signal), reply);
        }
        if request > 0 {
            self.credit(Traffic::Request, request);
        }
    }
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
            credit: Credit::default(),
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
