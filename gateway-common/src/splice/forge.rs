//! Segments that are made here: the frame in hand becomes another one.

use crate::{
    abi::{FlowKey, TCP},
    checksum,
    header::{Ether, Ip, Tcp},
    packet::{Bytes, Frame, Packet},
    splice::{
        options::Laid,
        segment::words,
        state::{Hello, SEGMENT, min},
    },
};

/// Bytes that a frame can grow at its head where it cannot at its end: drivers leave 256, of which
/// some are taken.
const HEAD: u64 = 192;

/// All of a segment but its data. Numbers in host order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Header {
    /// From source to destination.
    pub(super) key: FlowKey,
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) window: u16,
    pub(super) flags: u8,
    pub(super) options: Laid,
}

/// Makes the frame a segment without data. `false`: there is no room.
#[inline(always)]
pub(super) fn bare<P: Bytes + ?Sized, I: Ip>(packet: &mut P, header: &Header) -> bool {
    make::<P, I>(packet, header, None, 0, 0).is_some()
}

/// Makes the frame a segment with up to `bytes` of a hello from `at` on, as many as it has room for;
/// how many. `None`: not even for the headers, and the frame may be of any length.
///
/// The link addresses stay as they are.
#[inline(always)]
pub(super) fn make<P, I>(
    packet: &mut P,
    header: &Header,
    hello: Option<&Hello>,
    at: u32,
    bytes: u32,
) -> Option<u32>
where
    P: Bytes + ?Sized,
    I: Ip,
{
    let tcp = size_of::<Tcp>() as u32 + header.options.length;
    let start = (size_of::<Ether>() + size_of::<I>()) as u32 + tcp;
    let ether = *packet.head::<Ether>()?;
    let length = fit(packet, u64::from(start + bytes)) as u32;
    // Where a frame cannot be cut, what is too much is padding.
    let bytes = min(bytes, length.checked_sub(start)?);
    let mut sum = u64::from(((tcp + bytes) as u16).to_be()) + u64::from((TCP as u16).to_be());
    sum += checksum::address(&header.key.source) + checksum::address(&header.key.destination);
    sum += checksum::bytes::<20>(&header.options.bytes, 0, header.options.length);
    if let (Some(hello), 1..) = (hello, bytes) {
        sum += checksum::bytes::<SEGMENT>(&hello.bytes, at, bytes);
    }
    let frame = packet.head::<Frame<I, Tcp>>()?;
    frame.ether = ether;
    let (key, payload) = (&header.key, (tcp + bytes) as u16);
    frame
        .ip
        .write(TCP as u8, &key.source, &key.destination, payload);
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
    frame.l4.checksum = checksum::text(sum + sum_of(&frame.l4));
    let options = start - header.options.length;
    if header.options.length > 0
        && !packet.store(options, &header.options.bytes, 0, header.options.length)
    {
        return None;
    }
    match (hello, bytes) {
        (_, 0) => Some(0),
        (None, _) => None,
        (Some(hello), _) => packet
            .store(start, &hello.bytes, at, bytes)
            .then_some(bytes),
    }
}

/// Makes the frame so long, or as long as it can be; its length then.
#[inline(always)]
fn fit<P: Packet + ?Sized>(packet: &mut P, wanted: u64) -> u64 {
    let length = packet.len();
    if packet.resize(wanted) || wanted <= length {
        return packet.len();
    }
    // Frames begin at even addresses.
    let more = match (wanted - length).next_multiple_of(2) {
        more if more > HEAD => HEAD,
        more => more,
    };
    if packet.shift(-(more as i32)) && packet.len() > wanted {
        packet.resize(wanted);
    }
    packet.len()
}

/// What a header adds to its checksum.
#[inline(always)]
const fn sum_of(tcp: &Tcp) -> u64 {
    let [a, b] = tcp.sequence;
    let [c, d] = tcp.acknowledged;
    let bytes = u16::from_ne_bytes([tcp.words, tcp.flags]);
    let ends = tcp.source as u64 + tcp.destination as u64;
    let numbers = a as u64 + b as u64 + c as u64 + d as u64;
    ends + numbers + bytes as u64 + tcp.window as u64 + tcp.urgent as u64
}

/// Sends the frame back over the link that it came by.
#[inline(always)]
pub(super) fn turn<P: Packet + ?Sized>(packet: &mut P) -> bool {
    let Some(ether) = packet.head::<Ether>() else {
        return false;
    };
    (ether.source, ether.destination) = (ether.destination, ether.source);
    true
}

/// The key of an answer.
#[inline(always)]
pub(super) const fn back(key: &FlowKey) -> FlowKey {
    FlowKey {
        source: key.destination,
        destination: key.source,
        source_port: key.destination_port,
        destination_port: key.source_port,
        protocol: key.protocol,
        direction: key.direction,
    }
}
