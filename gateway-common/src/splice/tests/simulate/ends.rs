//! How runs end, and what follows.

use super::*;

impl Simulation<'_> {
    pub(super) fn is_over(&mut self) -> bool {
        let open = |state: State| matches!(state, State::Open | State::Asked);
        let others = self.peers().skip(1).filter(|peer| !peer.is_old);
        let done = others
            .map(|peer| peer.is_done())
            .fold(false, |one, other| one | other);
        let done = done && self.client.is_done();
        // One may give up when the other has all it wants.
        let ended = self.aborted && self.client.is_done();
        let gone = (ended || self.client.state == State::Reset)
            && self
                .peers()
                .skip(1)
                .all(|peer| !open(peer.state) || peer.is_done());
        done || gone
    }

    /// All bytes arrived, or the reset was to be expected; and the gateway forgets.
    pub(super) fn judge(&mut self) {
        let (said, replied) = (self.plan.said.clone(), self.plan.replied.clone());
        let context = self.context.clone();
        assert!(replied.starts_with(&self.client.heard), "{context}");
        self.seen.selective += self
            .peers()
            .map(|peer| u64::from(peer.selective))
            .sum::<u64>();
        self.seen.probes += self.peers().map(|peer| u64::from(peer.probes)).sum::<u64>();
        let mut complete = false;
        for peer in self.peers().skip(1) {
            assert!(said.starts_with(&peer.heard), "{context}: {}", peer.name);
            complete |= !peer.is_old && peer.is_done() && peer.heard == said;
        }
        complete &= self.client.is_done() && self.client.heard == replied;
        let lossy = self.plan.network.lost > 0;
        let ended = self.client.state == State::Reset || self.aborted && !complete;
        let aborted = self.plan.abort.is_some() && ended;
        match self.plan.goal {
            _ if aborted => self.seen.aborted += 1,
            Goal::Through if complete => self.seen.through += 1,
            Goal::Local if complete => self.seen.local += 1,
            Goal::Refused if self.given_up && !complete => self.seen.refused += 1,
            Goal::Through if lossy && self.given_up => self.seen.unlucky += 1,
            goal => {
                let state = self.state();
                panic!("{context}: {goal:?} missed: {state}");
            }
        }
    }

    /// The client opens another connection from the same port, once nothing is under way any more.
    pub(super) fn begin_again(&mut self) -> bool {
        if !self.plan.again {
            return false;
        }
        self.flush();
        while let Some(((at, _), (place, frame))) = self.queue.pop_first() {
            self.now = self.now.max(at);
            self.world.now = self.now;
            self.arrive(place, frame);
            self.flush();
        }
        // Backends forget when they are asked, the node's stack also by itself.
        if self.rng.percent(50) {
            self.servers
                .iter_mut()
                .for_each(|server| server.peer = None);
        }
        self.plan.abort = None;
        self.begin();
        true
    }

    /// A client at the same port that knows nothing of the one before.
    fn begin(&mut self) {
        self.seen.again += 1;
        self.context += ", again";
        self.given_up = false;
        self.peers().for_each(|peer| peer.is_old = true);
        let ends = (self.plan.client, self.plan.gateway);
        // Beyond what may be under way, as the clock has it that initial numbers follow (RFC 6528).
        let initial = self.client.beyond().wrapping_add(self.rng.word() >> 8);
        let numbers = (initial, self.rng.word());
        let now = self.now;
        // Once it is known what backends lack, nobody needs to put up with it.
        let learned = self.world.no_stamps.is_some();
        self.plan.config.strict = self.plan.strict && (learned || !self.plan.lacks_stamps());
        self.seen.learned += u64::from(learned && self.plan.config.strict);
        self.client = Peer::client(self.plan.config.clone(), ends, numbers, now);
        self.client.cuts = self.plan.cuts.clone();
        self.client.say(&self.plan.said[..self.plan.at_once], now);
    }

    /// The client has forgotten all, and what is under way is not for it.
    pub(super) fn crash(&mut self) {
        self.plan.config.forgives = true;
        self.peers().for_each(|peer| peer.config.forgives = true);
        for server in &mut self.servers {
            server.forgives = true;
        }
        self.begin();
    }

    pub(super) fn forget(&mut self) {
        let context = &self.context;
        self.world.now += 8_000_000;
        self.world.collect();
        let world = &self.world;
        let left = [world.splices.len(), world.hellos.len(), world.ties.len()];
        assert_eq!(left, [0; 3], "{context}");
    }
}
