//! What must hold for every packet.

use gateway_common::{
    packet::Buffer,
    splice::{Scratch, Verdict, forget, from_backend, from_client},
};

use crate::{control::Error, wire::Segment, world::World};

/// Room before and behind a frame.
const ROOM: usize = 4096;
const ETHER: usize = 14;

/// The state machine, and the rules.
pub(crate) struct Judged {
    pub(crate) world: World,
    /// Of the last packet: nothing of it may count.
    scratch: Scratch,
}

impl Judged {
    pub(crate) fn new(world: World) -> Self {
        Self {
            world,
            scratch: Scratch::default(),
        }
    }

    /// What leaves, if anything does.
    pub(crate) fn run(&mut self, frame: &[u8], from_a_client: bool) -> Option<Vec<u8>> {
        let mut storage = [vec![0; ROOM], frame.to_vec(), vec![0xee; ROOM]].concat();
        let mut packet = Buffer::with_room(&mut storage, ROOM, frame.len(), 3);
        let (world, scratch) = (&mut self.world, &mut self.scratch);
        let outcome = match from_a_client {
            true => from_client(&mut packet, scratch, world),
            false => from_backend(&mut packet, scratch, world),
        };
        let place = packet.place();
        let out = storage.get(place)?.to_vec();
        let links = out.get(..12) == frame.get(..12);
        match outcome.verdict() {
            Verdict::Drop => return None,
            Verdict::Pass => assert_eq!(out, frame, "{outcome:?}"),
            Verdict::Answer => assert!(!links, "{outcome:?}"),
            Verdict::ToBackend | Verdict::ToClient => assert!(links, "{outcome:?}"),
        }
        Some(out)
    }

    /// A segment that was well made: what leaves is so too. `None`: it is no segment, or nothing.
    pub(crate) fn segment(&mut self, segment: &Segment, from_a_client: bool) -> Option<Segment> {
        let out = self.run(&segment.frame(), from_a_client)?;
        check_length(&out);
        Some(Segment::read(&out))
    }

    /// An error that was well made: what leaves is so too.
    pub(crate) fn error(&mut self, error: &Error, from_a_client: bool) {
        if let Some(out) = self.run(&error.frame(), from_a_client) {
            check_length(&out);
            Error::read(&out);
        }
    }

    /// No hello outlives its connection, and no tie leads nowhere for good.
    pub(crate) fn check(&self) {
        for key in self.world.hellos.keys() {
            assert!(self.world.splices.contains_key(key), "{key:?}");
        }
        for key in self.world.ties.values() {
            assert!(self.world.splices.contains_key(key), "{key:?}");
        }
    }

    pub(crate) fn end(&mut self) {
        self.check();
        for key in self.world.splices.keys().copied().collect::<Vec<_>>() {
            forget(&key, &mut self.world);
        }
        let World {
            splices,
            hellos,
            ties,
            ..
        } = &self.world;
        assert!(splices.is_empty() && hellos.is_empty());
        assert!(ties.is_empty(), "{ties:?}");
    }
}

/// The lengths of link and network are one.
fn check_length(frame: &[u8]) {
    let word = |at: usize| usize::from(frame[at]) << 8 | usize::from(frame[at + 1]);
    let said = match word(12) {
        0x0800 => word(ETHER + 2),
        _ => 40 + word(ETHER + 4),
    };
    assert_eq!(frame.len(), ETHER + said, "{frame:02x?}");
}
