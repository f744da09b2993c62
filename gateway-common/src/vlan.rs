//! VLAN tags (IEEE 802.1Q) of frames on an uplink: they are off while it is decided about a packet,
//! and on again before it goes on or back, so that the network stack, or a switch, takes it for one
//! of the VLAN that it came by. A network card that takes tags off itself is not noticed.

use crate::{
    header::{Ether, Tag, Tagged},
    packet::{Kept, Packet},
};

/// The tags of a frame, the inner one in the upper half; zero where there is none.
type Tags = u64;

/// Does `act` on the packet without its tags, up to two; what that returns, or `None` where the tags
/// cannot be put on again.
#[inline(always)]
pub fn without_tags<P, F>(packet: &mut P, act: F) -> Option<u32>
where
    P: Packet + ?Sized,
    F: FnOnce(&mut P) -> u32,
{
    // The verifier follows what is known of the tags, and of what was decided, along every path that
    // comes after, and there would be too many.
    let veil = packet.veiled_zero();
    let mut tags = Kept::default();
    tags.keep(take(packet).wrapping_add(veil));
    let done = act(packet).wrapping_add(packet.veiled_zero() as u32);
    let tags = tags.word();
    (tags == 0 || put(packet, tags)).then_some(done)
}

#[inline(always)]
fn take<P: Packet + ?Sized>(packet: &mut P) -> Tags {
    match packet.head::<Ether>() {
        Some(ether) if Tag::is_next(ether.kind) => both(packet),
        _ => 0,
    }
}

#[inline(never)]
fn both<P: Packet + ?Sized>(packet: &mut P) -> Tags {
    let outer = one(packet);
    let inner = if outer == 0 { 0 } else { one(packet) };
    Tags::from(inner) << 32 | Tags::from(outer)
}

/// The tag that was taken off; zero: none.
#[inline(always)]
fn one<P: Packet + ?Sized>(packet: &mut P) -> u32 {
    let Some(&mut Tagged { ends, tag, .. }) = packet.head::<Tagged>() else {
        return 0;
    };
    if !Tag::is_next(tag.kind) || !packet.shift(size_of::<Tag>() as i32) {
        return 0;
    }
    if let Some(ether) = packet.head::<Ether>() {
        ether.set_ends(ends);
    }
    tag.to_word()
}

/// `false`: there is no room.
#[inline(never)]
fn put<P: Packet + ?Sized>(packet: &mut P, tags: Tags) -> bool {
    let inner = (tags >> 32) as u32;
    (inner == 0 || put_one(packet, inner)) && put_one(packet, tags as u32)
}

#[inline(always)]
fn put_one<P: Packet + ?Sized>(packet: &mut P, tag: u32) -> bool {
    let Some(ends) = packet.head::<Ether>().map(|ether| ether.ends()) else {
        return false;
    };
    if !packet.shift(-(size_of::<Tag>() as i32)) {
        return false;
    }
    let Some(frame) = packet.head::<Tagged>() else {
        return false;
    };
    frame.ends = ends;
    frame.tag = Tag::from_word(tag);
    true
}
