//! The tables as a trace shows them to the data path: what is known of the maps, and in memory
//! what the packet changes. Notes each look.

use std::{cell::RefCell, collections::BTreeMap};

use gateway_common::{
    abi::{
        Address, Backend, Counter, Flow, FlowKey, Frontend, FrontendKey, KIND_TLS, LinkAddress,
        Origin, Service, Snat, TagKey, TlsTarget,
    },
    addr::Addr,
    decide,
    packet::Buffer,
    splice::Splice,
    steer::{Steer, steer},
    tables::{Claim, Tables, Traffic},
};

use super::{Clock, Source, Step};
use crate::l4::names::NameKey;

/// No uplink has this index: a made-up packet came by none.
const INTERFACE: u32 = 0;
/// For an outer header.
const ROOM: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(super) enum Hook {
    Ingress,
    Egress,
}

/// An entry that is not known yet.
#[derive(Clone, Debug)]
pub(super) enum Question {
    Frontend(FrontendKey),
    Service(u32),
    Slot(u32),
    Backend(u32),
    Origin(FrontendKey),
    Address(Addr),
    Uplink(u32),
    Snat(u32),
    Flow(FlowKey),
    Fresh(FlowKey),
    Splice(FlowKey),
    Tie(FlowKey),
    Name(Box<NameKey>),
}

/// Entries that were read; `None` for those that do not exist.
#[derive(Debug, Default)]
pub(super) struct Known {
    frontends: BTreeMap<FrontendKey, Option<Frontend>>,
    services: BTreeMap<u32, Option<Service>>,
    slots: BTreeMap<u32, Option<u32>>,
    backends: BTreeMap<u32, Option<Backend>>,
    origins: BTreeMap<FrontendKey, Option<Origin>>,
    addresses: BTreeMap<Addr, Option<Address>>,
    uplinks: BTreeMap<u32, Option<LinkAddress>>,
    snat: BTreeMap<u32, Option<Snat>>,
    flows: BTreeMap<FlowKey, Option<Flow>>,
    fresh: BTreeMap<FlowKey, Option<Flow>>,
    splices: BTreeMap<FlowKey, Option<Splice>>,
    ties: BTreeMap<FlowKey, Option<FlowKey>>,
    names: BTreeMap<NameKey, Option<(NameKey, TlsTarget)>>,
}

impl Known {
    pub(super) fn learn<S: Source>(&mut self, what: Question, from: &S) -> Result<(), S::Error> {
        match what {
            Question::Frontend(key) => drop(self.frontends.insert(key, from.frontend(&key)?)),
            Question::Service(id) => drop(self.services.insert(id, from.service(id)?)),
            Question::Slot(slot) => drop(self.slots.insert(slot, from.slot(slot)?)),
            Question::Backend(id) => drop(self.backends.insert(id, from.backend(id)?)),
            Question::Origin(key) => drop(self.origins.insert(key, from.origin(&key)?)),
            Question::Address(ip) => drop(self.addresses.insert(ip, from.address(&ip)?)),
            Question::Uplink(index) => drop(self.uplinks.insert(index, from.uplink(index)?)),
            Question::Snat(slot) => drop(self.snat.insert(slot, from.snat(slot)?)),
            Question::Flow(key) => drop(self.flows.insert(key, from.flow(&key)?)),
            Question::Fresh(key) => drop(self.fresh.insert(key, from.fresh(&key)?)),
            Question::Splice(key) => drop(self.splices.insert(key, from.splice(&key)?)),
            Question::Tie(key) => drop(self.ties.insert(key, from.tie(&key)?)),
            Question::Name(asked) => drop(self.names.insert(*asked, from.name(&asked)?)),
        }
        Ok(())
    }
}

pub(super) struct Replay<'a> {
    known: &'a Known,
    clock: Clock,
    /// Entries as this packet leaves them; `None` where it removes one.
    changed: BTreeMap<FlowKey, Option<Flow>>,
    steps: RefCell<Vec<Step>>,
    missing: RefCell<Option<Question>>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(known: &'a Known, clock: Clock) -> Self {
        Self {
            known,
            clock,
            changed: BTreeMap::new(),
            steps: RefCell::default(),
            missing: RefCell::default(),
        }
    }

    pub(super) fn run(&mut self, hook: Hook, frame: &mut Vec<u8>) -> Counter {
        let mut storage = [&[0; ROOM], frame.as_slice()].concat();
        let mut packet = Buffer::with_room(&mut storage, ROOM, frame.len(), INTERFACE);
        let outcome = match hook {
            Hook::Ingress => decide::ingress(&mut packet, self),
            Hook::Egress => decide::egress(&mut packet, self),
        };
        let place = packet.place();
        frame.clear();
        frame.extend_from_slice(storage.get(place).unwrap_or_default());
        outcome
    }

    pub(super) fn steer(&self, key: &FlowKey) -> Steer {
        steer(key, self)
    }

    /// Whether there is such a flow, without that becoming a step.
    pub(super) fn knows(&self, key: &FlowKey) -> bool {
        let Self { known, .. } = self;
        let flow = self.lookup(&known.flows, *key, Question::Flow);
        flow.is_some() || self.lookup(&known.fresh, *key, Question::Fresh).is_some()
    }

    /// As [`Self::knows`], of an address.
    pub(super) fn owner(&self, address: &Addr) -> Option<&'a Address> {
        self.lookup(&self.known.addresses, *address, Question::Address)
    }

    /// The connection of a client.
    pub(super) fn splice(&self, client: &FlowKey) -> Option<&'a Splice> {
        let found = self.lookup(&self.known.splices, *client, Question::Splice);
        self.note(Step::Splice(*client, found.copied()));
        found
    }

    /// The client that a backend's packets are for.
    pub(super) fn tie(&self, backend: &FlowKey) -> Option<&'a FlowKey> {
        let found = self.lookup(&self.known.ties, *backend, Question::Tie);
        if let Some(client) = found {
            self.note(Step::Tie(*backend, *client));
        }
        found
    }

    /// The frontend that a client addresses, if it is one for TLS passthrough.
    pub(super) fn tls_frontend(&self, client: &FlowKey) -> Option<&Frontend> {
        let frontend = self.frontend(&client.to())?;
        (frontend.kind == KIND_TLS).then_some(frontend)
    }

    pub(super) fn name(&self, asked: NameKey) -> Option<TlsTarget> {
        let question = |asked| Question::Name(Box::new(asked));
        let found = self.lookup(&self.known.names, asked, question);
        let entry = found.map(|(name, target)| (name.pattern(), *target));
        self.note(Step::Name(asked.pattern(), entry));
        found.map(|(_, target)| *target)
    }

    /// Every question so far was answered.
    pub(super) fn is_sure(&self) -> bool {
        self.missing.borrow().is_none()
    }

    pub(super) fn end(self) -> (Vec<Step>, Option<Question>) {
        (self.steps.into_inner(), self.missing.into_inner())
    }

    fn lookup<K: Ord + Copy, V>(
        &self,
        map: &'a BTreeMap<K, Option<V>>,
        key: K,
        question: impl FnOnce(K) -> Question,
    ) -> Option<&'a V> {
        match map.get(&key) {
            Some(found) => found.as_ref(),
            None => {
                self.missing
                    .borrow_mut()
                    .get_or_insert_with(|| question(key));
                None
            }
        }
    }

    fn note(&self, step: Step) {
        let mut steps = self.steps.borrow_mut();
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
}

impl Tables for Replay<'_> {
    fn frontend(&self, key: &FrontendKey) -> Option<&Frontend> {
        let found = self.lookup(&self.known.frontends, *key, Question::Frontend);
        self.note(Step::Frontend(*key, found.copied()));
        found
    }

    fn service(&self, id: u32) -> Option<&Service> {
        let found = self.lookup(&self.known.services, id, Question::Service);
        self.note(Step::Service(id, found.copied()));
        found
    }

    fn slot(&self, slot: u32) -> Option<u32> {
        let found = self
            .lookup(&self.known.slots, slot, Question::Slot)
            .copied();
        self.note(Step::Slot(slot, found));
        found
    }

    fn backend(&self, id: u32) -> Option<&Backend> {
        let found = self.lookup(&self.known.backends, id, Question::Backend);
        self.note(Step::Backend(id, found.copied()));
        found
    }

    /// Only what comes in an outer header names one, and made-up packets come in none.
    fn tagged(&self, _key: &TagKey) -> Option<u32> {
        None
    }

    fn origin(&self, endpoint: &FrontendKey) -> Option<&Origin> {
        let found = self.lookup(&self.known.origins, *endpoint, Question::Origin);
        if let Some(origin) = found {
            self.note(Step::Origin(*endpoint, *origin));
        }
        found
    }

    fn address(&self, address: &Addr) -> Option<&Address> {
        let found = self.lookup(&self.known.addresses, *address, Question::Address);
        self.note(Step::Address(*address, found.copied()));
        found
    }

    fn uplink(&self, interface: u32) -> Option<&LinkAddress> {
        self.lookup(&self.known.uplinks, interface, Question::Uplink)
    }

    fn snat(&self, slot: u32) -> Option<&Snat> {
        self.lookup(&self.known.snat, slot, Question::Snat)
    }

    fn flow(&self, key: &FlowKey) -> Option<&Flow> {
        if let Some(changed) = self.changed.get(key) {
            return changed.as_ref().filter(|flow| flow.is_established());
        }
        let found = self.lookup(&self.known.flows, *key, Question::Flow);
        self.note(Step::Flow(*key, found.copied()));
        found
    }

    fn fresh(&self, key: &FlowKey) -> Option<&Flow> {
        if let Some(changed) = self.changed.get(key) {
            return changed.as_ref().filter(|flow| !flow.is_established());
        }
        let found = self.lookup(&self.known.fresh, *key, Question::Fresh);
        if found.is_some() {
            self.note(Step::Flow(*key, found.copied()));
        }
        found
    }

    fn mark(&mut self, key: &FlowKey, state: u32, now: u32) -> bool {
        let Some(flow) = Tables::find(self, key).copied() else {
            return false;
        };
        let marked = Flow {
            state: flow.state | state,
            last_seen: now,
            ..flow
        };
        self.changed.insert(*key, Some(marked));
        true
    }

    fn insert(&mut self, key: &FlowKey, flow: &Flow) -> bool {
        self.note(Step::Open(*key, *flow));
        self.changed.insert(*key, Some(*flow));
        true
    }

    fn forget(&mut self, key: &FlowKey) {
        if self.flow(key).is_some() {
            self.changed.insert(*key, None);
        }
    }

    fn forget_fresh(&mut self, key: &FlowKey) {
        if self.fresh(key).is_some() {
            self.changed.insert(*key, None);
        }
    }

    fn now(&self) -> u32 {
        self.clock.now
    }

    fn hz(&self) -> u32 {
        self.clock.hz
    }

    fn count(&mut self, _counter: Counter, _bytes: u64) {}

    fn credit(&mut self, _backend: u32, _traffic: Traffic, _bytes: u64) {}

    fn report(&mut self, _reason: Counter, _key: &FlowKey, _bytes: u64) {}

    fn dispute(&mut self, _reason: Counter, _claim: &Claim, _bytes: u64) {}
}
