//! Sweeping the flow table in the kernel.

use std::time::Duration;

use aya::maps::{HashMap, Map, MapData};
use gateway_common::abi::{ESTABLISHED, FORWARD, Flow, FlowKey, REVERSE, TCP, UDP};
use gateway_core::{
    l4::{Drains, Gauges, Sweep},
    plan::Plan,
};
use gateway_user::bpf::Datapath;

use crate::rig::Rig;

fn key(port: u16, protocol: u32, direction: u16) -> FlowKey {
    FlowKey {
        source_port: port,
        protocol: protocol as u16,
        direction,
        ..FlowKey::default()
    }
}

/// As a daemon that has just started orders it.
pub(crate) fn sweep(datapath: &Datapath) -> Sweep {
    let clock = datapath.clock().expect("the clock");
    let mut drains = Drains::new(Duration::ZERO);
    drains.observe(&Plan::default(), datapath.tables(), Duration::ZERO);
    drains.sweep(clock, Duration::ZERO)
}

fn table(rig: &Rig) -> HashMap<MapData, FlowKey, Flow> {
    let map = MapData::from_pin(rig.versioned("maps/flows"));
    let map = map.and_then(Map::from_map_data).expect("the flow table");
    HashMap::try_from(map).expect("a hash")
}

#[test]
fn removes_what_is_over_and_counts_what_lives() {
    let rig = Rig::new();
    let options = rig.options();
    rig.on_node(async || {
        let datapath = Datapath::open(&options).await.expect("it opens");
        let sweep = sweep(&datapath);
        let mut map = table(&rig);
        let live = Flow {
            last_seen: sweep.clock.now,
            state: ESTABLISHED,
            ..Flow::default()
        };
        let idle = Flow {
            last_seen: sweep.clock.now.wrapping_sub(61 * sweep.clock.hz),
            ..live
        };
        for (key, flow) in [
            (key(1, TCP, FORWARD), live),
            (key(1, TCP, REVERSE), live),
            (key(2, TCP, FORWARD), idle),
            (key(3, UDP, FORWARD), idle),
            (key(4, UDP, FORWARD), live),
        ] {
            map.insert(key, flow, 0).expect("an entry");
        }
        let mut flows = datapath.open_flows().expect("a handle");
        let swept = flows.sweep(&sweep).expect("a sweep");
        let live = Gauges {
            tcp: 2,
            draining: 2,
            ..Gauges::default()
        };
        assert_eq!((swept.live, swept.removed), (live, 2));
        let left: Vec<u16> = flows
            .list(9)
            .expect("flows")
            .iter()
            .map(|(k, _)| k.source_port)
            .collect();
        assert_eq!(left.len(), 3, "{left:?}");
        assert!(!left.contains(&3), "idle");
        assert!(!left.contains(&4), "its backend is not in force");
    });
}

/// Clients of a backend that is removed move on with one sweep, however many they are.
#[test]
fn one_sweep_removes_all_that_is_over() {
    const MANY: u16 = 20_000;
    let rig = Rig::new();
    let options = rig.options();
    rig.on_node(async || {
        let datapath = Datapath::open(&options).await.expect("it opens");
        let sweep = sweep(&datapath);
        let mut map = table(&rig);
        let orphaned = Flow {
            last_seen: sweep.clock.now,
            ..Flow::default()
        };
        for port in 1..=MANY {
            map.insert(key(port, UDP, FORWARD), orphaned, 0)
                .expect("an entry");
        }
        let mut flows = datapath.open_flows().expect("a handle");
        let swept = flows.sweep(&sweep).expect("a sweep");
        assert_eq!(swept.removed, usize::from(MANY));
        assert_eq!(flows.list(1).expect("flows"), []);
    });
}
