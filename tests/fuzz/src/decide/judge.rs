//! What must hold for every frame.

use std::collections::HashMap;

use gateway_common::{
    abi::{Backend, Counter, FORWARD, Flow, FlowKey, Kind},
    flow::expired,
};

use crate::{
    host::Host,
    path::{Config, HZ, Hook, Path as _},
    sums,
    wire::Parsed,
};

/// Where VLAN tags are in a frame.
pub(crate) const PLACE: usize = 12;

/// The data path of the host, and the rules.
pub(crate) struct Judged {
    host: Host,
}

pub(crate) struct Outcome {
    pub(crate) frame: Vec<u8>,
    counted: Vec<Counter>,
}

impl Judged {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            host: Host::new(config),
        }
    }

    pub(crate) fn age(&mut self, seconds: u32) {
        self.host.age(seconds);
    }

    pub(crate) fn put_slots(&mut self, slots: &[u32]) {
        self.host.put_slots(slots);
    }

    pub(crate) fn put_backend(&mut self, id: u32, backend: &Backend) {
        self.host.put_backend(id, backend);
    }

    pub(crate) fn remove_backend(&mut self, id: u32) {
        self.host.remove_backend(id);
    }

    /// Every frame is counted; what is not carried or answered is not touched; sums that were right
    /// are right afterwards; a new flow takes nothing from a live one.
    /// The frame that comes out has no VLAN tags: those that it came with are left as they are.
    pub(crate) fn run(&mut self, hook: Hook, frame: &[u8]) -> Outcome {
        let (before, flows) = (self.host.counters(), self.flows());
        let mut out = frame.to_vec();
        self.host.run(hook, &mut out);
        let bare = match hook {
            Hook::Ingress => untagged(frame),
            Hook::Answer | Hook::Egress => frame.to_vec(),
        };
        if bare.len() < frame.len() {
            let tags = PLACE..PLACE + frame.len() - bare.len();
            assert_eq!(out.get(tags.clone()), frame.get(tags.clone()), "the tags");
            out.drain(tags);
        }
        let frame = bare.as_slice();
        let after = self.host.counters();
        let changed = |counter: &&Counter| before.get(**counter) != after.get(**counter);
        let counted: Vec<_> = Counter::ALL.iter().filter(changed).copied().collect();
        // Behind XDP only what is done is counted, the rest was before.
        assert!(hook == Hook::Answer || !counted.is_empty(), "{frame:02x?}");
        let done = |counter: &Counter| {
            matches!(counter.kind(), Kind::Done | Kind::Answer) && *counter != Counter::Opened
        };
        if !counted.iter().any(done) {
            assert_eq!(out, frame, "{hook:?}, {counted:?}");
        }
        let tunnel = [Counter::Encapsulated, Counter::Decapsulated];
        let is_direct = !counted.iter().any(|counter| tunnel.contains(counter));
        if is_direct {
            sums::check(frame, &out);
        }
        if is_direct && counted.contains(&Counter::Opened) {
            self.check_opened(frame, &flows);
        }
        Outcome {
            frame: out,
            counted,
        }
    }

    /// A request, and the reply to what becomes of it: the client gets it as from whom it asked.
    pub(crate) fn request(&mut self, frame: &[u8]) -> Vec<u8> {
        let there = self.run(Hook::Ingress, frame);
        let frame = &untagged(frame);
        let (there, back) = match there.counted.as_slice() {
            // Its replies leave another node.
            counted if counted.contains(&Counter::Encapsulated) => return there.frame,
            counted if counted.contains(&Counter::Forwarded) => (there, Hook::Egress),
            counted if counted.contains(&Counter::PassFar) => {
                (self.run(Hook::Answer, frame), Hook::Answer)
            }
            _ => return there.frame,
        };
        if !there.counted.contains(&Counter::Forwarded) {
            return there.frame;
        }
        let (Some(asked), Some(sent)) = (Parsed::of(frame), Parsed::of(&there.frame)) else {
            panic!("carried although it is neither TCP nor UDP: {frame:02x?}");
        };
        assert_eq!(asked.payload, sent.payload, "another payload");
        // Ended before: its replies may belong to the next one.
        if self.replies_of_another(&asked.key(), &there.frame) {
            return there.frame;
        }
        let reply = self.run(back, &sent.turned(&there.frame));
        assert!(
            reply.counted.contains(&Counter::Replied),
            "{:?}",
            reply.counted
        );
        let Some(heard) = Parsed::of(&reply.frame) else {
            panic!("no reply any more: {:02x?}", reply.frame);
        };
        assert_eq!(heard.source, asked.destination);
        assert_eq!(heard.destination, asked.source);
        assert_eq!(heard.payload, asked.payload);
        reply.frame
    }

    fn flows(&self) -> HashMap<FlowKey, Flow> {
        self.host.flows().into_iter().collect()
    }

    /// The entry that replies to `sent` find is not of the flow of `key`.
    fn replies_of_another(&self, key: &FlowKey, sent: &[u8]) -> bool {
        let flows = self.flows();
        let Some(flow) = flows.get(key) else {
            panic!("forwarded without a flow: {sent:02x?}");
        };
        let reverse = key.other(flow);
        // Without one, the first reply makes it.
        let entry = flows.get(&reverse);
        entry.is_some_and(|entry| reverse.other(entry) != *key)
    }

    fn check_opened(&self, frame: &[u8], before: &HashMap<FlowKey, Flow>) {
        let Some(key) = Parsed::of(frame).map(|parsed| parsed.key()) else {
            panic!("opened a flow of something else: {frame:02x?}");
        };
        let flows = self.flows();
        let reverse = key.other(&flows[&key]);
        let Some(half) = flows.get(&reverse) else {
            return;
        };
        assert_eq!(reverse.other(half), key, "halves of two flows");
        let Some(owner) = before.get(&reverse).map(|entry| reverse.other(entry)) else {
            return;
        };
        if owner == key {
            return;
        }
        if let Some(robbed) = before.get(&owner) {
            assert_eq!(owner.direction, FORWARD);
            let lives = !robbed.closing() && !expired(&owner, robbed, 0, HZ);
            assert!(
                owner.other(robbed) != reverse || !lives,
                "{key:?} robs {owner:?}"
            );
        }
    }
}

/// The frame without its VLAN tags, up to two.
fn untagged(frame: &[u8]) -> Vec<u8> {
    let mut bare = frame.to_vec();
    for _ in 0..2 {
        // A tag, and the type of what follows.
        if let Some([0x81, 0, _, _, _, _] | [0x88, 0xa8, _, _, _, _]) = bare.get(PLACE..PLACE + 6) {
            bare.drain(PLACE..PLACE + 4);
        }
    }
    bare
}
