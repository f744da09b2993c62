//! The data path on a link with VLANs: what is true of a frame is true of it with tags.

use gateway_common::abi::{Backend, BackendStats, Counters, Flow, FlowKey};

use crate::path::{Action, Hook, Path};

/// A customer tag of VLAN 100 with priority 5 (IEEE 802.1Q).
pub(crate) const CUSTOMER: [u8; 4] = [0x81, 0, 0xa0, 100];
/// A service tag of VLAN 7 (IEEE 802.1ad).
pub(crate) const SERVICE: [u8; 4] = [0x88, 0xa8, 0, 7];
/// Where tags are in a frame.
const PLACE: usize = 12;

/// Frames arrive with two tags, and must have them when they go on or back.
pub(crate) struct Tagged<P> {
    pub(crate) path: P,
    tags: Vec<u8>,
}

impl<P> Tagged<P> {
    pub(crate) fn new(path: P) -> Self {
        Self::with(path, &[SERVICE, CUSTOMER])
    }

    /// The outer tag first.
    pub(crate) fn with(path: P, tags: &[[u8; 4]]) -> Self {
        let tags = tags.concat();
        Self { path, tags }
    }
}

/// The frame with more tags in front of those it has.
pub(crate) fn tag(frame: &mut Vec<u8>, tags: &[u8]) {
    frame.splice(PLACE..PLACE, tags.iter().copied());
}

impl<P: Path> Path for Tagged<P> {
    fn name(&self) -> &'static str {
        "a link with tags"
    }

    fn run(&mut self, hook: Hook, frame: &mut Vec<u8>) -> Action {
        // What leaves the node has none yet; what is cut so short has no room for any.
        if hook != Hook::Ingress || frame.len() < PLACE + 2 {
            return self.path.run(hook, frame);
        }
        tag(frame, &self.tags);
        let action = self.path.run(hook, frame);
        let taken: Vec<u8> = frame.drain(PLACE..PLACE + self.tags.len()).collect();
        assert_eq!(taken, self.tags, "the tags, {action:?}");
        action
    }

    fn counters(&self) -> Counters {
        self.path.counters()
    }

    fn stats(&self, backend: u32) -> BackendStats {
        self.path.stats(backend)
    }

    fn flows(&self) -> Vec<(FlowKey, Flow)> {
        self.path.flows()
    }

    fn put_flow(&mut self, key: &FlowKey, flow: &Flow) {
        self.path.put_flow(key, flow);
    }

    fn remove_flow(&mut self, key: &FlowKey) {
        self.path.remove_flow(key);
    }

    fn put_backend(&mut self, id: u32, backend: &Backend) {
        self.path.put_backend(id, backend);
    }

    fn remove_backend(&mut self, id: u32) {
        self.path.remove_backend(id);
    }

    fn put_slots(&mut self, slots: &[u32]) {
        self.path.put_slots(slots);
    }
}
