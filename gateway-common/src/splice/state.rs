//! What is kept of a connection: flat structs, as map values.
//!
//! Sequence numbers are in host order. Those of the client's bytes are the same at both ends; those
//! of the backend's bytes differ by [`Splice::delta`]. Times are the low 32 bits of jiffies.

use core::mem::offset_of;

use crate::{
    abi::{CLOSED_BY_BACKEND, CLOSED_BY_CLIENT},
    addr::Addr,
    client_hello::{MAX, Scan},
    splice::offer::Offer,
};

/// `Splice::phase`: bytes of the hello are collected.
pub const COLLECT: u32 = 1;
/// `Splice::phase`: a backend was sent a SYN.
pub const CONNECT: u32 = 2;
/// `Splice::phase`: the backend gets the hello, piece by piece.
pub const REPLAY: u32 = 3;
/// `Splice::phase`: the ends talk with each other.
pub const SPLICED: u32 = 4;
/// `Splice::phase`: refused; the client, which cannot begin again with its first byte, is told so until
/// it knows.
pub const REFUSED: u32 = 5;
/// `Splice::phase`, which user space writes: its backend left, and it did not end in time; each end is
/// told so with its next packet.
pub const DRAINED: u32 = 6;

/// `Splice::service`: the node's own stack, at the address of the listener.
pub const LOCAL: u32 = 0;

/// Bits of `Splice::state`, besides [`CLOSED_BY_CLIENT`] and [`CLOSED_BY_BACKEND`]: one end sent a
/// RST, and the other has said nothing since.
pub const RESET_BY_CLIENT: u32 = 4;
pub const RESET_BY_BACKEND: u32 = 8;
/// Bit of `Splice::state`: the client has heard of this backend, so that no other may take its place.
pub const SPOKE: u32 = 16;
/// Bit of `Splice::state`: the backend's window kept a piece of the hello back.
pub const BLOCKED: u32 = 32;

/// Seconds in which the hello has to be there.
pub const COLLECT_TIME: u32 = 60;
/// Seconds without a packet while a backend is asked or gets the hello.
pub const CONNECT_IDLE: u32 = 120;
/// Seconds without a packet of an established connection (RFC 5382, REQ-5: at least 2 h 4 min).
pub const SPLICED_IDLE: u32 = 7_440;
/// Seconds without a packet after both ends closed, or one reset. Longer than a usual pause between
/// retransmissions, for the entry cannot be made again.
pub const CLOSING_IDLE: u32 = 30;

/// Bytes after which an end is counted, however little time has passed.
pub const COUNTED: u32 = 1 << 16;
/// More than a window can have (RFC 7323, 2.3): a number so far ahead is not the connection's.
pub(super) const WINDOW_MAX: u32 = 1 << 30;

/// Most bytes of one segment that are taken at once.
pub const SEGMENT: u32 = 2048;
/// Bytes of a hello that is kept in little room, as nearly all are.
pub const SHORT: usize = 2560;
/// Bytes for a hello, with room so that one segment at any allowed offset ends inside.
pub const ROOM: usize = MAX + SEGMENT as usize;

/// A connection of a client to a passthrough listener; its key is the client's
/// [`crate::abi::FlowKey`]. 176 bytes.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Splice {
    pub backend_address: Addr,
    /// Whom the backend sees: the client, or an address of the node.
    pub source: Addr,
    /// Payload of each end, brought up to date once a second, or every [`COUNTED`] bytes, and as the
    /// connection ends.
    pub client_bytes: u64,
    pub backend_bytes: u64,
    /// As `TlsTarget::name`, of the entry that the server name was found by; 0: none.
    pub name: u64,
    /// Each end's next number as it was when its bytes were counted, in its own numbers.
    pub client_end: u32,
    pub backend_end: u32,
    /// When it began.
    pub since: u32,
    pub backend_port: u32,
    pub source_port: u32,
    /// What the new addresses and ports add to a checksum on the way to the backend (RFC 1624).
    pub address_delta: u32,
    pub port_delta: u32,
    /// Id of the service; [`LOCAL`]: the node's own stack.
    pub service: u32,
    pub backend: u32,
    pub phase: u32,
    pub state: u32,
    /// When there was a packet last; while the ends talk with each other, one of the client.
    pub last_seen: u32,
    /// When a SYN or a piece was sent last; while the ends talk with each other, when the backend said
    /// something last.
    pub sent: u32,
    /// Which endpoint of the service in turn, and how many SYNs it was sent.
    pub attempt: u32,
    pub tries: u32,
    /// Initial sequence number of the client.
    pub initial: u32,
    /// Initial sequence number that the client was told.
    pub cookie: u32,
    /// The most that the client acknowledged, in its numbers.
    pub acknowledged: u32,
    /// Bytes of the hello that the client believes to have arrived.
    pub early: u32,
    /// The client's next byte that the backend waits for.
    pub received: u32,
    /// Behind the last byte of the hello that the backend was sent.
    pub told: u32,
    /// Number that the client sees, less the backend's own.
    pub delta: u32,
    /// Time stamp that the client sees, less the backend's own.
    pub stamp_delta: u32,
    /// Time stamps: the one that the client was told, its own latest, the backend's own latest.
    pub stamp_told: u32,
    pub stamp_client: u32,
    pub stamp_backend: u32,
    /// Windows in bytes.
    pub window_client: u32,
    pub window_backend: u32,
    /// What the client offered, and the backend.
    pub offer: Offer,
    pub answer: Offer,
}

/// A client that was answered without time stamps, and what it offered; or that was heard of though
/// nothing is known of it. 12 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HalfOpen {
    pub initial: u32,
    pub since: u32,
    pub offer: Offer,
}

/// The first bytes of a connection, at most `N`. What is beyond [`Self::filled`] and the one range apart
/// from it is not read, and needs not be cleared.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FirstBytes<const N: usize> {
    pub scan: Scan,
    /// Bytes without a gap from the first on.
    pub filled: u32,
    /// One range beyond; empty where both are 0.
    pub beyond: u32,
    pub beyond_end: u32,
    pub bytes: [u8; N],
}

/// Any hello. 19,784 bytes.
pub type Hello = FirstBytes<ROOM>;
/// One that ends within [`SHORT`] bytes: the beginning of a [`Hello`]. 2,888 bytes.
pub type ShortHello = FirstBytes<SHORT>;

const _: () = assert!(
    size_of::<Splice>() == 176
        && size_of::<HalfOpen>() == 12
        && size_of::<Hello>() == Hello::HEAD + ROOM
        && size_of::<ShortHello>() == Hello::HEAD + SHORT
        && Hello::HEAD == 328
);

impl<const N: usize> FirstBytes<N> {
    /// Bytes of memory before those of the connection.
    pub const HEAD: usize = offset_of!(Self, bytes);

    pub const EMPTY: Self = Self {
        scan: Scan::NEW,
        filled: 0,
        beyond: 0,
        beyond_end: 0,
        bytes: [0; N],
    };

    /// Behind the last byte that is kept.
    #[inline(always)]
    pub const fn end(&self) -> u32 {
        max(self.filled, self.beyond_end)
    }

    /// Forgets what was collected.
    #[inline(always)]
    pub const fn clear(&mut self) {
        self.scan = Scan::NEW;
        self.filled = 0;
        self.beyond = 0;
        self.beyond_end = 0;
    }

    /// Where bytes `from..end` of the connection may be put: from there on. `None`: they are of no
    /// use now. What was read already is never replaced: the backend gets what was judged.
    #[inline(always)]
    pub(super) const fn place(&self, from: u32, end: u32) -> Option<u32> {
        let apart = self.beyond_end != 0 && (from > self.beyond_end || end < self.beyond);
        match from <= self.filled {
            true if end <= self.filled => None,
            true => Some(self.filled),
            false if apart => None,
            false => Some(from),
        }
    }

    /// Bytes `from..end` are in place.
    #[inline(always)]
    pub(super) const fn put(&mut self, from: u32, end: u32) {
        if from <= self.filled {
            self.filled = end;
        } else if self.beyond_end == 0 {
            self.beyond = from;
            self.beyond_end = end;
        } else {
            self.beyond = min(self.beyond, from);
            self.beyond_end = max(self.beyond_end, end);
        }
        if self.beyond_end != 0 && self.beyond <= self.filled {
            self.filled = max(self.filled, self.beyond_end);
            self.beyond = 0;
            self.beyond_end = 0;
        }
    }
}

impl Splice {
    /// Bytes of its hello may be kept: no backend has all of it.
    #[inline(always)]
    pub const fn has_hello(&self) -> bool {
        matches!(self.phase, COLLECT | CONNECT | REPLAY)
    }

    /// Both ends send time stamps.
    #[inline(always)]
    pub(super) const fn has_stamps(&self) -> bool {
        self.offer.has_stamps() && self.answer.has_stamps()
    }

    /// Every field is `none`: a zero that the compiler does not know, or it would have `memset` write
    /// the bytes.
    #[inline(always)]
    pub(super) const fn filled(none: u32) -> Self {
        let address = Addr::from_v6([none as u16; 8]);
        let offer = Offer {
            mss: none as u16,
            scale: none as u8,
            flags: none as u8,
        };
        Self {
            backend_address: address,
            source: address,
            client_bytes: none as u64,
            backend_bytes: none as u64,
            name: none as u64,
            client_end: none,
            backend_end: none,
            since: none,
            backend_port: none,
            source_port: none,
            address_delta: none,
            port_delta: none,
            service: none,
            backend: none,
            phase: none,
            state: none,
            last_seen: none,
            sent: none,
            attempt: none,
            tries: none,
            initial: none,
            cookie: none,
            acknowledged: none,
            early: none,
            received: none,
            told: none,
            delta: none,
            stamp_delta: none,
            stamp_told: none,
            stamp_client: none,
            stamp_backend: none,
            window_client: none,
            window_backend: none,
            offer,
            answer: offer,
        }
    }

    /// Nothing of use is to come: another connection may take the place.
    #[inline(always)]
    pub const fn closing(&self) -> bool {
        let both = CLOSED_BY_CLIENT | CLOSED_BY_BACKEND;
        self.state & (RESET_BY_CLIENT | RESET_BY_BACKEND) != 0 || self.state & both == both
    }

    /// Nothing of either end goes to the other any more.
    #[inline(always)]
    pub const fn drain(&mut self, now: u32) {
        self.phase = DRAINED;
        self.last_seen = now;
    }

    /// An end of a drained connection gets a RST, as if from the other; `bit` says which did.
    #[inline(always)]
    pub(super) const fn tell(&mut self, bit: u32, now: u32) {
        if self.state & bit == 0 {
            self.state |= bit;
            self.last_seen = now;
        }
    }

    /// When either end was heard of last.
    #[inline(always)]
    pub const fn seen(&self) -> u32 {
        match self.phase {
            SPLICED if newer(self.sent, self.last_seen) => self.sent,
            _ => self.last_seen,
        }
    }

    /// The entry has outlived its connection.
    #[inline(always)]
    pub const fn expired(&self, now: u32, hz: u32) -> bool {
        let limit = match self.phase {
            SPLICED | DRAINED if self.closing() => CLOSING_IDLE,
            SPLICED | DRAINED => SPLICED_IDLE,
            REFUSED => CLOSING_IDLE,
            COLLECT => COLLECT_TIME,
            _ => CONNECT_IDLE,
        };
        now.wrapping_sub(self.seen()) > limit.wrapping_mul(hz)
    }
}

/// Whether a number is beyond another, on a circle (RFC 9293, 3.4; RFC 7323, 5.2).
#[inline(always)]
pub(super) const fn newer(one: u32, other: u32) -> bool {
    (one.wrapping_sub(other) as i32) > 0
}

#[inline(always)]
pub(super) const fn min(one: u32, other: u32) -> u32 {
    if one < other { one } else { other }
}

#[inline(always)]
pub(super) const fn max(one: u32, other: u32) -> u32 {
    if one > other { one } else { other }
}
