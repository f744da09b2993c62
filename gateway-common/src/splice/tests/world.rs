//! The tables on plain collections, of limited sizes.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
};

use crate::{
    abi::{FORWARD, FlowKey, TCP, TlsNoStamps, TlsSecret},
    splice::{
        COOKIE, Choice, Endpoint, Found, HalfOpen, Hello, Listener, Splice, Splices, forget,
        is_loose, state::ROOM,
    },
};

/// Jiffies in a second.
const HZ: u32 = 250;

pub(super) struct World {
    /// In milliseconds.
    pub(super) now: u64,
    /// Of the clock for time stamps, so that it may pass 0.
    pub(super) epoch: u32,
    pub(super) secret: Option<TlsSecret>,
    /// When a table took no entry.
    full: Option<u64>,
    /// When a backend was found to have no time stamps.
    pub(super) no_stamps: Option<TlsNoStamps>,
    pub(super) gateway: SocketAddr,
    pub(super) listener: Listener,
    pub(super) names: HashMap<String, Choice>,
    /// For everything else.
    pub(super) other: Choice,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) local: HashSet<FlowKey>,
    pub(super) found: Vec<Found>,
    pub(super) splices: HashMap<FlowKey, Splice>,
    pub(super) hellos: HashMap<FlowKey, Box<Hello>>,
    pub(super) ties: HashMap<FlowKey, FlowKey>,
    pub(super) half_open: HashMap<FlowKey, HalfOpen>,
    /// Bytes of a hello that there is room for; and the hello asked for last, as it was.
    pub(super) room: Option<u32>,
    asked: Option<Box<Hello>>,
    /// Another CPU gets the connection as far as that when this one asks for the hello.
    pub(super) overtaken: Option<Splice>,
    /// Another CPU takes the next endpoint when this one has looked at the connection so many times.
    pub(super) contended: Option<u32>,
    /// Most entries of each table.
    pub(super) most: [usize; 4],
}

impl World {
    pub(super) fn new(gateway: SocketAddr, listener: Listener) -> Self {
        Self {
            now: 1_000_000,
            epoch: 0,
            secret: Some(TlsSecret { key: [7, 8] }),
            full: None,
            no_stamps: None,
            gateway,
            listener,
            names: HashMap::new(),
            other: Choice::Refuse,
            endpoints: Vec::new(),
            local: HashSet::new(),
            found: Vec::new(),
            splices: HashMap::new(),
            hellos: HashMap::new(),
            ties: HashMap::new(),
            half_open: HashMap::new(),
            room: None,
            asked: None,
            overtaken: None,
            contended: None,
            most: [100; 4],
        }
    }

    /// What stands for a name in connections.
    pub(super) fn id(&self, name: &str) -> u64 {
        self.names
            .keys()
            .position(|known| known == name)
            .unwrap_or_default() as u64
            + 1
    }

    /// Endpoints of every service, numbered from 1. `node`: whom they see, else the client.
    pub(super) fn serve(&mut self, backends: &[SocketAddr], node: Option<SocketAddr>) {
        let endpoint = |(backend, number): (&SocketAddr, u32)| Endpoint {
            address: backend.ip().into(),
            port: backend.port(),
            backend: number,
            mss: 1380,
            source: node.unwrap_or(self.gateway).ip().into(),
            source_port: node.map_or(0, |node| node.port()),
        };
        self.endpoints = backends.iter().zip(1..).map(endpoint).collect();
    }

    /// What user space does now and then.
    pub(super) fn collect(&mut self) {
        let now = self.now();
        let old = self.splices.iter().filter(|(_, s)| s.expired(now, HZ));
        for key in old.map(|(key, _)| *key).collect::<Vec<_>>() {
            forget(&key, self);
        }
        self.half_open
            .retain(|_, held| now.wrapping_sub(held.since) < COOKIE * HZ);
        let splices = &self.splices;
        self.ties
            .retain(|back, key| !is_loose(back, splices.get(key)));
    }
}

pub(super) fn key_of(source: SocketAddr, destination: SocketAddr) -> FlowKey {
    FlowKey {
        source: source.ip().into(),
        destination: destination.ip().into(),
        source_port: source.port(),
        destination_port: destination.port(),
        protocol: u16::try_from(TCP).unwrap(),
        direction: FORWARD,
    }
}

impl Splices for World {
    fn now(&self) -> u32 {
        (self.now / u64::from(1000 / HZ)) as u32
    }

    fn hz(&self) -> u32 {
        HZ
    }

    fn clock(&self) -> u32 {
        (self.now as u32).wrapping_add(self.epoch)
    }

    fn listener(&self, key: &FlowKey) -> Option<Listener> {
        let ours = key_of(self.gateway, self.gateway);
        let is_ours =
            key.destination == ours.destination && key.destination_port == ours.destination_port;
        is_ours.then_some(self.listener)
    }

    fn seconds(&self) -> u32 {
        (self.now / 1000) as u32
    }

    fn secret(&self) -> Option<&TlsSecret> {
        self.secret.as_ref()
    }

    fn is_full(&self) -> bool {
        self.full.is_some_and(|full| self.now < full + 1000)
    }

    fn note_full(&mut self) {
        self.full = Some(self.now);
    }

    fn is_local(&mut self, key: &FlowKey) -> bool {
        self.local.contains(key)
    }

    fn has_no_stamps(&mut self, _key: &FlowKey) -> bool {
        let now = self.now();
        self.no_stamps.is_some_and(|noted| noted.counts(now, HZ))
    }

    fn note_no_stamps(&mut self, _key: &FlowKey) {
        self.no_stamps = Some(TlsNoStamps { since: self.now() });
    }

    fn hold(&mut self, key: &FlowKey, half_open: &HalfOpen) -> bool {
        let fits = self.half_open.len() < self.most[0] || self.half_open.contains_key(key);
        if fits {
            self.half_open.insert(*key, *half_open);
        }
        fits
    }

    fn held(&self, key: &FlowKey) -> Option<HalfOpen> {
        self.half_open.get(key).copied()
    }

    fn release(&mut self, key: &FlowKey) {
        self.half_open.remove(key);
    }

    fn splice(&mut self, key: &FlowKey) -> Option<&mut Splice> {
        let splice = self.splices.get_mut(key)?;
        if self.contended == Some(0) {
            splice.tries = 0;
            splice.attempt += 1;
        }
        self.contended = self.contended.and_then(|looks| looks.checked_sub(1));
        Some(splice)
    }

    fn insert(&mut self, key: &FlowKey, splice: &Splice) -> bool {
        let fits = self.splices.len() < self.most[1] && !self.splices.contains_key(key);
        if fits {
            self.splices.insert(*key, *splice);
        }
        fits
    }

    fn remove(&mut self, key: &FlowKey) {
        self.splices.remove(key);
    }

    fn open_hello(&mut self, key: &FlowKey) -> bool {
        let fits = self.hellos.len() < self.most[2] && !self.hellos.contains_key(key);
        if fits {
            let mut hello = Box::new(Hello {
                scan: crate::client_hello::Scan::NEW,
                // As an entry that was used before.
                filled: 7,
                beyond: 7,
                beyond_end: 7,
                bytes: [0xee; ROOM],
            });
            hello.clear();
            self.hellos.insert(*key, hello);
        }
        fits
    }

    fn hello(&mut self, key: &FlowKey) -> Option<&mut Hello> {
        if let Some(splice) = self.overtaken.take() {
            self.splices.insert(*key, splice);
            self.hellos.remove(key);
        }
        self.asked = self.hellos.get(key).cloned();
        self.hellos.get_mut(key).map(Box::as_mut)
    }

    fn keep_hello(&mut self, key: &FlowKey) -> bool {
        let end = self.hellos.get(key).map(|hello| hello.end());
        let fits = end <= self.room.or(end);
        if !fits && let Some(asked) = self.asked.take() {
            self.hellos.insert(*key, asked);
        }
        fits
    }

    fn close_hello(&mut self, key: &FlowKey) {
        self.hellos.remove(key);
    }

    fn tied(&self, backend: &FlowKey, client: &mut FlowKey) -> bool {
        let tied = self.ties.get(backend);
        *client = tied.copied().unwrap_or(*client);
        tied.is_some()
    }

    fn tie(&mut self, backend: &FlowKey, client: &FlowKey) -> bool {
        match self.ties.get(backend) {
            Some(tied) => tied == client,
            None if self.ties.len() >= self.most[3] => false,
            None => self.ties.insert(*backend, *client).is_none(),
        }
    }

    fn untie(&mut self, backend: &FlowKey) {
        self.ties.remove(backend);
    }

    fn choose(&mut self, key: &FlowKey, found: Found, name: &mut u64) -> Choice {
        self.found.push(found);
        let asked = self.hellos.get(key).and_then(|hello| {
            let name = hello.scan.name()?;
            Some(name.as_str().to_owned())
        });
        let known = match (found, asked) {
            (Found::Name, Some(asked)) => self.names.get_key_value(&asked),
            _ => None,
        };
        *name = known.map_or(0, |(known, _)| self.id(known));
        known.map_or(self.other, |(_, choice)| *choice)
    }

    fn endpoint(
        &mut self,
        _key: &FlowKey,
        service: u32,
        attempt: u32,
        endpoint: &mut Endpoint,
    ) -> bool {
        assert_eq!(service, 7);
        let found = self.endpoints.get(attempt as usize);
        *endpoint = found.copied().unwrap_or(*endpoint);
        found.is_some()
    }
}
