//! The programs of TLS passthrough on plain collections that hold what the maps hold.

use std::collections::{HashMap, HashSet};

use gateway_common::{
    abi::{
        Counter, FlowKey, FrontendKey, KIND_TLS, TLS_NOBODY, TlsFull, TlsKey, TlsNoStamps,
        TlsSecret, TlsTarget,
    },
    client_hello::Scan,
    flow::lives,
    packet::Buffer,
    splice::{
        self, Choice, Endpoint, Found, HalfOpen, Hello, Listener, Outcome, Scratch, Splice,
        Splices, from_backend, from_client, state::ROOM as HELLO,
    },
    tables::Tables as _,
    vlan,
};

use super::{
    fixture::{MOST, Passthrough, SECRET},
    judge::{Entry, Judge, Kept, Ran, Table},
};
use crate::{
    host::{self, Host},
    path::{HZ, Hook, INTERFACE, Path as _},
};

/// Bytes before and behind a frame.
const ROOM: usize = 4096;

pub(crate) struct OnHost {
    pub(crate) tables: Tables,
    /// Of the last packet: nothing of it may count.
    scratch: Scratch,
}

pub(crate) struct Tables {
    host: Host,
    names: Vec<(TlsKey, TlsTarget)>,
    secret: TlsSecret,
    /// In milliseconds, and in seconds.
    pub(crate) clock: u32,
    pub(crate) seconds: u32,
    /// When a table took no entry.
    full: TlsFull,
    no_stamps: HashMap<FrontendKey, TlsNoStamps>,
    splices: HashMap<FlowKey, Splice>,
    hellos: HashMap<FlowKey, Box<Hello>>,
    ties: HashMap<FlowKey, FlowKey>,
    half_open: HashMap<FlowKey, HalfOpen>,
    local: HashSet<FlowKey>,
}

impl OnHost {
    pub(crate) fn new(all: &Passthrough) -> Self {
        Self {
            tables: Tables {
                host: Host::new(&all.config),
                names: all.names.clone(),
                secret: SECRET,
                clock: 1_000_000,
                seconds: 1_000,
                full: TlsFull::default(),
                no_stamps: HashMap::new(),
                splices: HashMap::new(),
                hellos: HashMap::new(),
                ties: HashMap::new(),
                half_open: HashMap::new(),
                local: HashSet::new(),
            },
            scratch: Scratch::default(),
        }
    }

    /// The second program, after the first has left the packet to it.
    fn go_on(&mut self, hook: Hook, frame: &mut Vec<u8>) -> Outcome {
        let mut storage = [vec![0; ROOM], frame.clone(), vec![0xee; ROOM]].concat();
        let mut packet = Buffer::with_room(&mut storage, ROOM, frame.len(), INTERFACE);
        let (scratch, tables) = (&mut self.scratch, &mut self.tables);
        let outcome = match hook {
            Hook::Ingress => vlan::without_tags(&mut packet, |packet| {
                from_client(packet, scratch, tables) as u32
            }),
            Hook::Answer | Hook::Egress => Some(from_backend(&mut packet, scratch, tables) as u32),
        };
        let place = packet.place();
        *frame = storage[place].to_vec();
        Outcome::ALL[outcome.expect("room for tags") as usize]
    }
}

impl Judge for OnHost {
    fn name(&self) -> &'static str {
        "host"
    }

    fn run(&mut self, hook: Hook, frame: &mut Vec<u8>) -> Ran {
        let Tables {
            host,
            splices,
            ties,
            ..
        } = &mut self.tables;
        host.splices = splices.keys().copied().collect();
        host.ties = ties.keys().copied().collect();
        let outcome = match host::judge(host, hook, frame) {
            Counter::Tls => Some(self.go_on(hook, frame)),
            _ => None,
        };
        Ran {
            outcome,
            action: None,
        }
    }

    fn reset(&mut self, all: &Passthrough) {
        *self = Self::new(all);
    }

    fn put(&mut self, entry: &Entry) {
        let tables = &mut self.tables;
        match *entry {
            Entry::Splice(key, splice) => {
                tables.splices.insert(key, splice);
            }
            Entry::Tie(backend, client) => {
                tables.ties.insert(backend, client);
            }
            Entry::HalfOpen(key, half_open) => {
                tables.half_open.insert(key, half_open);
            }
            Entry::Hello(key) => {
                tables.hellos.insert(key, Box::new(Hello::EMPTY));
            }
            Entry::Flow(key, flow) => tables.host.put_flow(&key, &flow),
            Entry::Secret(secret) => tables.secret = secret,
            Entry::FullSince(seconds) => {
                tables.full = TlsFull {
                    since: 0_u32.wrapping_sub(seconds * HZ),
                    is_full: 1,
                };
            }
            Entry::NoStamps(key, seconds) => {
                let since = 0_u32.wrapping_sub(seconds * HZ);
                tables.no_stamps.insert(key, TlsNoStamps { since });
            }
            Entry::Listener(key, frontend) => {
                tables.host.put_frontend(&key, frontend.as_ref());
            }
            Entry::Socket(key) => {
                tables.local.insert(key);
            }
        }
    }

    fn remove(&mut self, table: Table, key: &FlowKey) {
        match table {
            Table::Splices => self.tables.splices.remove(key).is_some(),
            Table::Ties => self.tables.ties.remove(key).is_some(),
            Table::Hellos => self.tables.hellos.remove(key).is_some(),
            Table::HalfOpen => self.tables.half_open.remove(key).is_some(),
        };
    }

    fn kept(&self) -> Kept {
        let tables = &self.tables;
        Kept {
            splices: tables.splices.iter().map(|(k, v)| (*k, *v)).collect(),
            ties: tables.ties.iter().map(|(k, v)| (*k, *v)).collect(),
            hellos: tables.hellos.iter().map(|(k, v)| (*k, v.filled)).collect(),
            half_open: tables.half_open.iter().map(|(k, v)| (*k, *v)).collect(),
        }
    }
}

/// Whether there is room for one more of a key.
fn fits<V>(table: &HashMap<FlowKey, V>, key: &FlowKey) -> bool {
    table.len() < MOST as usize && !table.contains_key(key)
}

impl Splices for Tables {
    fn now(&self) -> u32 {
        0
    }

    fn hz(&self) -> u32 {
        HZ
    }

    fn clock(&self) -> u32 {
        self.clock
    }

    fn seconds(&self) -> u32 {
        self.seconds
    }

    fn listener(&self, key: &FlowKey) -> Option<Listener> {
        let frontend = self.host.frontend(&key.to())?;
        (frontend.kind == KIND_TLS).then_some(Listener {
            mss: frontend.mss as u16,
        })
    }

    fn secret(&self) -> Option<&TlsSecret> {
        Some(&self.secret)
    }

    fn is_full(&self) -> bool {
        self.full.counts(0, HZ)
    }

    fn note_full(&mut self) {
        self.full = TlsFull {
            since: 0,
            is_full: 1,
        };
    }

    fn is_local(&mut self, key: &FlowKey) -> bool {
        self.local.contains(key)
    }

    fn has_no_stamps(&mut self, key: &FlowKey) -> bool {
        let noted = self.no_stamps.get(&key.to());
        noted.is_some_and(|noted| noted.counts(0, HZ))
    }

    fn note_no_stamps(&mut self, key: &FlowKey) {
        self.no_stamps.insert(key.to(), TlsNoStamps { since: 0 });
    }

    fn hold(&mut self, key: &FlowKey, half_open: &HalfOpen) -> bool {
        let held = self.half_open.contains_key(key) || fits(&self.half_open, key);
        if held {
            self.half_open.insert(*key, *half_open);
        }
        held
    }

    fn held(&self, key: &FlowKey) -> Option<HalfOpen> {
        self.half_open.get(key).copied()
    }

    fn release(&mut self, key: &FlowKey) {
        self.half_open.remove(key);
    }

    fn splice(&mut self, key: &FlowKey) -> Option<&mut Splice> {
        self.splices.get_mut(key)
    }

    fn insert(&mut self, key: &FlowKey, splice: &Splice) -> bool {
        fits(&self.splices, key) && self.splices.insert(*key, *splice).is_none()
    }

    fn remove(&mut self, key: &FlowKey) {
        self.splices.remove(key);
    }

    fn open_hello(&mut self, key: &FlowKey) -> bool {
        let hello = Hello {
            scan: Scan::NEW,
            filled: 0,
            beyond: 0,
            beyond_end: 0,
            bytes: [0xee; HELLO],
        };
        fits(&self.hellos, key) && self.hellos.insert(*key, Box::new(hello)).is_none()
    }

    fn hello(&mut self, key: &FlowKey) -> Option<&mut Hello> {
        self.hellos.get_mut(key).map(Box::as_mut)
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
        match self.host.find(backend) {
            Some(flow) if lives(backend, flow, 0, HZ) => return false,
            Some(_) => self.host.forget(backend),
            None => {}
        }
        if let Some(tied) = self.ties.get(backend) {
            return tied == client;
        }
        let has_room = fits(&self.ties, backend);
        if has_room {
            self.ties.insert(*backend, *client);
        } else {
            self.note_full();
        }
        has_room
    }

    fn untie(&mut self, backend: &FlowKey) {
        self.ties.remove(backend);
    }

    /// As the maps of names do: the longest key that the hello's begins with.
    fn choose(&mut self, key: &FlowKey, found: Found, name: &mut u64) -> Choice {
        let (Some(hello), Some(frontend)) =
            (self.hellos.get_mut(key), self.host.frontend(&key.to()))
        else {
            return Choice::Local;
        };
        let resets = frontend.resets != 0;
        if !matches!(found, Found::Name | Found::NoName) {
            return splice::choose(found, TLS_NOBODY, resets).1;
        }
        let asked = hello.scan.key();
        asked.name.group = (frontend.service as u16).to_be_bytes();
        let bytes = |key: &TlsKey| {
            let name = [&key.name.group[..], &key.name.name].concat();
            name[..key.bits as usize / 8].to_vec()
        };
        let wanted = bytes(asked);
        let fitting = self.names.iter();
        let fitting = fitting.filter(|(name, _)| wanted.starts_with(&bytes(name)));
        let Some((_, target)) = fitting.max_by_key(|(name, _)| name.bits) else {
            return splice::choose(found, TLS_NOBODY, resets).1;
        };
        *name = target.name;
        splice::choose(found, target.service, resets).1
    }

    fn endpoint(
        &mut self,
        key: &FlowKey,
        service: u32,
        attempt: u32,
        endpoint: &mut Endpoint,
    ) -> bool {
        splice::endpoint(key, service, attempt, endpoint, &self.host).is_some()
    }
}
