//! Segments that are made here: the frame in hand becomes another one.

use crate::{
    abi::{FlowKey, TCP},
    checksum,
    header::{Ether, Ip, Tcp},
    packet::{Bytes, Frame, Packet},
    splice::{
        Outcome, Splice,
        options::Laid,
        segment::{RST, words},
        state::{Hello, min},
    },
};

/// Bytes that a frame can grow at its head where it cannot at its end: drivers leave 256, of which
/// some are taken.
const HEAD: u64 = 192;

/// All of a segment but its data. Numbers in host order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Header {
    /// From source to destination; nothing else of it counts.
    pub(super) key: FlowKey,
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) window: u16,
    pub(super) flags: u8,
    pub(super) options: Laid,
}

impl Header {
    /// Back to whom a packet of `key` is from.
    #[inline(always)]
    pub(super) const fn answer(&mut self, key: &FlowKey) {
        self.key.source = key.destination.copied();
        self.key.source_port = key.destination_port;
        self.key.destination = key.source.copied();
        self.key.destination_port = key.source_port;
    }

    #[inline(always)]
    pub(super) const fn ahead(&mut self, splice: &Splice) {
        self.key.source = splice.source.copied();
        self.key.source_port = splice.source_port as u16;
        self.key.destination = splice.backend_address.copied();
        self.key.destination_port = splice.backend_port as u16;
    }

    #[inline(always)]
    pub(super) const fn says(&mut self, sequence: u32, acknowledged: u32, window: u16, flags: u8) {
        self.sequence = sequence;
        self.acknowledged = acknowledged;
        self.window = window;
        self.flags = flags;
    }

    /// A RST, with more flags.
    #[inline(always)]
    pub(super) const fn resets(&mut self, sequence: u32, acknowledged: u32, more: u8) {
        self.says(sequence, acknowledged, 0, RST | more);
        self.options.clear();
    }
}

/// Makes the frame a segment without data: `outcome`, or [`Outcome::NoRoom`].
#[inline(always)]
pub(super) fn bare<P: Bytes + ?Sized, I: Ip>(
    packet: &mut P,
    header: &Header,
    outcome: Outcome,
) -> Outcome {
    match make::<P, I>(packet, header, None, 0, 0) {
        true => outcome,
        false => Outcome::NoRoom,
    }
}

/// Makes the frame a segment with up to `bytes` of a hello from `at` on, as many as it has room for.
/// `false`: not even for the headers, and the frame may be of any length.
///
/// The link addresses stay as they are.
#[inline(never)]
pub(super) fn make<P, I>(
    packet: &mut P,
    header: &Header,
    hello: Option<&Hello>,
    at: u32,
    bytes: u32,
) -> bool
where
    P: Bytes + ?Sized,
    I: Ip,
{
    let tcp = size_of::<Tcp>() as u32 + header.options.length;
    let start = (size_of::<Ether>() + size_of::<I>()) as u32 + tcp;
    let Some(&mut ether) = packet.head::<Ether>() else {
        return false;
    };
    let partial = packet.is_partial::<I, Tcp>();
    let length = fit(packet, u64::from(start + bytes)) as u32;
    // Where a frame cannot be cut, what is too much is padding.
    if length < start {
        return false;
    }
    let bytes = min(bytes, length - start);
    let sum = sum_of::<P>(header, hello, at, bytes);
    let Some(frame) = packet.head::<Frame<I, Tcp>>() else {
        return false;
    };
    frame.ether = ether;
    network(&mut frame.ip, &header.key, (tcp + bytes) as u16);
    let key = &header.key;
    frame.l4 = Tcp {
        source: key.source_port.to_be(),
        destination: key.destination_port.to_be(),
        sequence: words(header.sequence),
        acknowledged: words(header.acknowledged),
        words: ((tcp / 4) << 4) as u8,
        flags: header.flags,
        window: header.window.to_be(),
        checksum: 0,
        urgent: 0,
    };
    frame.l4.checksum = match partial {
        true => !checksum::text(pseudo_sum(key, tcp + bytes)),
        false => checksum::text(sum + sum_of_tcp(&frame.l4)),
    };
    let options = start - header.options.length;
    if header.options.length > 0
        && !packet.store(options, &header.options.bytes, 0, header.options.length)
    {
        return false;
    }
    match (hello, bytes) {
        (_, 0) => true,
        (None, _) => false,
        (Some(hello), _) => packet.store(start, &hello.bytes, at, bytes),
    }
}

/// Makes the frame so long, or as long as it can be; its length then.
#[inline(always)]
fn fit<P: Packet + ?Sized>(packet: &mut P, wanted: u64) -> u64 {
    let length = length_of(packet);
    if packet.resize(wanted) || wanted <= length {
        return packet.len();
    }
    // Frames begin at even addresses.
    let more = match (wanted - length).next_multiple_of(2) {
        more if more > HEAD => HEAD,
        more => more,
    };
    if packet.shift(-(more as i32)) && length_of(packet) > wanted {
        packet.resize(wanted);
    }
    packet.len()
}

/// As a number of its own: joined with others, it would become a sum with the frame's end, and the
/// verifier takes no sums with that.
#[inline(always)]
fn length_of<P: Packet + ?Sized>(packet: &mut P) -> u64 {
    packet.len().wrapping_add(packet.veiled_zero())
}

/// Writes the network header. On its own, as is the next: what both spill to the stack of a BPF
/// program would be too much together.
#[inline(never)]
fn network<I: Ip>(ip: &mut I, key: &FlowKey, payload: u16) {
    ip.write(TCP as u8, &key.source, &key.destination, payload);
}

/// What all but the header of TCP itself adds to its checksum.
#[inline(never)]
fn sum_of<P: Bytes + ?Sized>(header: &Header, hello: Option<&Hello>, at: u32, bytes: u32) -> u64 {
    let tcp = size_of::<Tcp>() as u32 + header.options.length;
    let mut sum = pseudo_sum(&header.key, tcp + bytes);
    sum += P::sum(&header.options.bytes, 0, header.options.length);
    match (hello, bytes) {
        (Some(hello), 1..) => sum + P::sum(&hello.bytes, at, bytes),
        _ => sum,
    }
}

/// What the pseudo-header of a segment of so many bytes adds (RFC 9293, 3.1; RFC 8200, 8.1).
#[inline(always)]
fn pseudo_sum(key: &FlowKey, bytes: u32) -> u64 {
    u64::from((bytes as u16).to_be())
        + u64::from((TCP as u16).to_be())
        + checksum::address(&key.source)
        + checksum::address(&key.destination)
}

/// What a header adds to its checksum.
#[inline(always)]
const fn sum_of_tcp(tcp: &Tcp) -> u64 {
    let [a, b] = tcp.sequence;
    let [c, d] = tcp.acknowledged;
    let bytes = u16::from_ne_bytes([tcp.words, tcp.flags]);
    let ends = tcp.source as u64 + tcp.destination as u64;
    let numbers = a as u64 + b as u64 + c as u64 + d as u64;
    ends + numbers + bytes as u64 + tcp.window as u64 + tcp.urgent as u64
}

/// Swaps the link addresses, so that the frame goes back where it came from.
#[inline(always)]
pub fn turn<P: Packet + ?Sized>(packet: &mut P) -> bool {
    let Some(ether) = packet.head::<Ether>() else {
        return false;
    };
    (ether.source, ether.destination) = (ether.destination, ether.source);
    true
}
