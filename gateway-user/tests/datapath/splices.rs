//! Sweeping the tables of TLS passthrough in the kernel.

use std::{net::Ipv4Addr, panic::Location};

use aya::{
    Pod,
    maps::{HashMap, Map, MapData},
};
use gateway_common::{
    abi::{FORWARD, FlowKey, TCP},
    splice::{
        COOKIE, HalfOpen, Hello, ShortHello, Splice,
        state::{COLLECT, CONNECT, SPLICED},
        tie_of,
    },
};
use gateway_core::l4::{Sweep, sweep::splices::SpliceGauges};
use gateway_user::bpf::{Datapath, Splices};

use crate::{flows::sweep, rig::Rig};

/// Sweeps from one look at the ties to the next.
const TIES: usize = 12;

struct Tables {
    splices: HashMap<MapData, FlowKey, Splice>,
    ties: HashMap<MapData, FlowKey, FlowKey>,
    hellos: HashMap<MapData, FlowKey, ShortHello>,
    long_hellos: HashMap<MapData, FlowKey, Hello>,
    half_open: HashMap<MapData, FlowKey, HalfOpen>,
    sweep: Sweep,
    own: Splices,
}

impl Tables {
    fn open(rig: &Rig, datapath: &Datapath) -> Self {
        Self {
            splices: pinned(rig, "splices"),
            ties: pinned(rig, "ties"),
            hellos: pinned(rig, "hellos"),
            long_hellos: pinned(rig, "long_hellos"),
            half_open: pinned(rig, "half_open"),
            sweep: sweep(datapath),
            own: datapath.open_splices().expect("a handle"),
        }
    }

    /// A connection from this port that was seen so many seconds ago, with its tie.
    fn add(&mut self, port: u16, phase: u32, ago: u32) {
        let splice = Splice {
            source: Ipv4Addr::new(198, 51, 100, 7).into(),
            source_port: port.into(),
            backend_address: Ipv4Addr::new(10, 0, 0, 1).into(),
            backend_port: 443,
            service: 1,
            phase,
            last_seen: self.ago(ago),
            sent: self.ago(ago),
            ..Splice::default()
        };
        let client = client(port);
        self.splices.insert(client, splice, 0).expect("an entry");
        self.ties.insert(tie_of(&splice), client, 0).expect("a tie");
    }

    fn add_hello(&mut self, port: u16) {
        let hello = ShortHello::EMPTY;
        self.hellos
            .insert(client(port), hello, 0)
            .expect("an entry");
    }

    fn ago(&self, seconds: u32) -> u32 {
        let clock = self.sweep.clock;
        clock.now.wrapping_sub(seconds * clock.hz)
    }

    /// Number of entries removed, and what lives.
    fn sweep(&mut self) -> (usize, SpliceGauges) {
        let swept = self.own.sweep(&self.sweep).expect("a sweep");
        (swept.removed, swept.live)
    }

    /// Client ports of connections, ties, hellos and half-open ones.
    #[track_caller]
    fn expect(&self, expected: [&[u16]; 4]) {
        let mut ties: Vec<u16> = self
            .ties
            .iter()
            .map(|tie| tie.expect("a tie").1.source_port)
            .collect();
        ties.sort_unstable();
        let left = [
            ports(&self.splices),
            ties,
            ports(&self.hellos),
            ports(&self.half_open),
        ];
        assert_eq!(
            left,
            expected.map(<[u16]>::to_vec),
            "{}",
            Location::caller()
        );
    }
}

fn pinned<V: Pod>(rig: &Rig, name: &str) -> HashMap<MapData, FlowKey, V> {
    let map = MapData::from_pin(rig.versioned("maps").join(name));
    let map = map.and_then(Map::from_map_data).expect("a pinned map");
    HashMap::try_from(map).expect("a hash")
}

fn ports<V: Pod>(map: &HashMap<MapData, FlowKey, V>) -> Vec<u16> {
    let keys = map.keys().map(|key| key.expect("a key").source_port);
    let mut ports: Vec<u16> = keys.collect();
    ports.sort_unstable();
    ports
}

fn client(port: u16) -> FlowKey {
    FlowKey {
        source: Ipv4Addr::new(198, 51, 100, 7).into(),
        destination: Ipv4Addr::new(203, 0, 113, 1).into(),
        source_port: port,
        destination_port: 443,
        protocol: TCP as u16,
        direction: FORWARD,
    }
}

#[test]
fn a_connection_goes_with_all_that_is_kept_of_it() {
    let rig = Rig::new();
    let options = rig.options();
    rig.on_node(async || {
        let datapath = Datapath::open(&options).await.expect("it opens");
        let mut tables = Tables::open(&rig, &datapath);
        tables.add(1, COLLECT, 50);
        tables.add(2, COLLECT, 70);
        tables.add(3, CONNECT, 70);
        tables.add(4, SPLICED, 7_000);
        tables.add(5, SPLICED, 8_000);
        for port in [1, 2, 3] {
            tables.add_hello(port);
        }
        for (port, ago) in [(6, COOKIE - 2), (7, COOKIE + 2)] {
            let half_open = HalfOpen {
                since: tables.ago(ago),
                ..HalfOpen::default()
            };
            let put = tables.half_open.insert(client(port), half_open, 0);
            put.expect("an entry");
        }
        let live = SpliceGauges {
            hello: 1,
            connecting: 1,
            open: 1,
            // No backend is known to the daemon.
            draining: 1,
            hellos: 2,
            half_open: 1,
            ..SpliceGauges::default()
        };
        assert_eq!(tables.sweep(), (3, live));
        tables.expect([&[1, 3, 4], &[1, 3, 4], &[1, 3], &[6]]);
        assert_eq!(tables.sweep(), (0, live));
        let got = |port| tables.own.get(&client(port)).expect("the table");
        assert_eq!(got(4).map(|splice| splice.source_port), Some(4));
        assert_eq!(got(5), None);
    });
}

/// The kernel hands them over by the thousand.
#[test]
fn many_connections_are_looked_at_once_each() {
    const MANY: u16 = 5_000;
    let rig = Rig::new();
    let options = rig.options();
    rig.on_node(async || {
        let datapath = Datapath::open(&options).await.expect("it opens");
        let mut tables = Tables::open(&rig, &datapath);
        for port in 1..=MANY {
            tables.add(port, SPLICED, 1);
        }
        let (removed, live) = tables.sweep();
        assert_eq!((removed, live.open), (0, u64::from(MANY)));
    });
}

#[test]
fn what_belongs_to_no_connection_goes_when_it_is_seen_twice() {
    let rig = Rig::new();
    let options = rig.options();
    rig.on_node(async || {
        let datapath = Datapath::open(&options).await.expect("it opens");
        let mut tables = Tables::open(&rig, &datapath);
        for port in [1, 2] {
            tables.add(port, SPLICED, 0);
            tables.add_hello(port);
        }
        // Its tie and hello stay behind, and the hello of the other one, which is established; and
        // a long one.
        tables.splices.remove(&client(1)).expect("it is there");
        let put = tables.long_hellos.insert(client(3), Hello::EMPTY, 0);
        put.expect("an entry");
        assert_eq!(tables.sweep().0, 0);
        tables.add(2, CONNECT, 0);
        assert_eq!(tables.sweep().0, 2, "the hellos of nobody");
        assert!(ports(&tables.long_hellos).is_empty());
        tables.expect([&[2], &[1, 2], &[2], &[]]);
        let removed: usize = (2..=TIES).map(|_| tables.sweep().0).sum();
        assert_eq!(removed, 1, "the tie of nobody");
        tables.expect([&[2], &[2], &[2], &[]]);
    });
}

/// A tie that another client's connection has made its own does not go with the old one.
#[test]
fn the_tie_of_another_stays() {
    let rig = Rig::new();
    let options = rig.options();
    rig.on_node(async || {
        let datapath = Datapath::open(&options).await.expect("it opens");
        let mut tables = Tables::open(&rig, &datapath);
        tables.add(1, SPLICED, 8_000);
        let old = tables.own.get(&client(1)).expect("the table");
        let old = old.expect("it is there");
        tables.splices.insert(client(9), old, 0).expect("an entry");
        let fresh = Splice {
            last_seen: tables.ago(0),
            ..old
        };
        tables
            .splices
            .insert(client(1), fresh, 0)
            .expect("an entry");
        assert_eq!(tables.sweep().0, 1);
        tables.expect([&[1], &[1], &[], &[]]);
    });
}
