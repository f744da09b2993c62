//! Katran's balancer: its own object, with one address of each family and one real server.
//!
//! The layouts are those of `balancer_structs.h`; addresses and ports are in network byte order.

use std::{
    env,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
};

use aya::{
    Pod,
    maps::{Array, HashMap, Map, MapData},
    programs::{TestRun as _, TestRunOptions, Xdp},
};
use aya_obj::programs::XdpAttachType;
use gateway_common::abi::{TCP, UDP};

use crate::{
    fixture::{BACKENDS, ONE},
    frames::{Family, Spec, octets, tcp},
};

/// Names the object, where there is one.
const OBJECT: &str = "XDP_GATEWAY_KATRAN";
/// Slots of the consistent hash of one address (`RING_SIZE`).
const RING: u32 = 65_537;
/// `F_IPV6`.
const IS_V6: u8 = 1;
const XDP_TX: u32 = 3;

pub(crate) struct Katran {
    pub(crate) program: Xdp,
    pins: PathBuf,
}

impl Katran {
    /// With room for so many flows; `None` where its object is not named.
    pub(crate) fn at_hand(flows: u32) -> Option<Self> {
        let object = env::var_os(OBJECT)?;
        let name = format!("/sys/fs/bpf/xdpgw-bench-{}-{flows}", std::process::id());
        let pins = PathBuf::from(name);
        std::fs::create_dir(&pins).expect("the BPF file system at /sys/fs/bpf");
        let (program, maps) = (pins.join("program"), pins.join("maps"));
        let mut load = bpftool(&["prog", "load"]);
        load.arg(object).arg(&program).arg("pinmaps").arg(&maps);
        run(&mut load);
        remember(&pins, flows);
        serve(&maps);
        let program = Xdp::from_pin(program, XdpAttachType::Interface).expect("its program");
        let mut katran = Self { program, pins };
        for family in [Family::V4, Family::V6] {
            let frame = tcp(crate::CLIENT, ONE, crate::ACK).within(family).frame();
            assert_eq!(katran.run(&frame), XDP_TX, "it does not serve {family:?}");
        }
        Some(katran)
    }

    /// Packets of clients that it shall know.
    pub(crate) fn meet(&mut self, packets: impl Iterator<Item = Spec>) {
        for packet in packets {
            assert_eq!(self.run(&packet.frame()), XDP_TX);
        }
    }

    fn run(&mut self, frame: &[u8]) -> u32 {
        let mut options = TestRunOptions::new();
        options.data_in = Some(frame);
        self.program
            .test_run(options)
            .expect("a test run")
            .return_value
    }
}

impl Drop for Katran {
    fn drop(&mut self) {
        // What is left is of no harm.
        let _ = std::fs::remove_dir_all(&self.pins);
    }
}

/// Gives the CPU that all runs on its table of flows (`lru_mapping`).
fn remember(pins: &Path, room: u32) {
    let flows = pins.join("flows");
    let mut create = bpftool(&["map", "create"]);
    create
        .arg(&flows)
        .args(["type", "lru_hash", "key", "40", "value", "16"]);
    run(create.args(["entries", &room.to_string(), "name", "flows"]));
    let mut update = bpftool(&["map", "update", "pinned"]);
    update.arg(pins.join("maps/lru_mapping"));
    update.args(["key", "0", "0", "0", "0", "value", "pinned"]);
    run(update.arg(flows));
}

/// One address of each family with one real server, which is number 1: 0 stands for none.
fn serve(maps: &Path) {
    let mut gateway: Array<_, [u8; 8]> = array(maps, "ctl_array");
    gateway.set(0, [2, 0, 0, 0, 0, 1, 0, 0], 0).expect("a slot");
    let mut vips: HashMap<_, [u8; 20], [u8; 8]> = hash(maps, "vip_map");
    let mut reals: Array<_, [u8; 20]> = array(maps, "reals");
    let mut ring: Array<_, u32> = array(maps, "ch_rings");
    for (number, family) in [(0, Family::V4), (1, Family::V6)] {
        let (address, port) = family.of(ONE);
        for protocol in [TCP, UDP] {
            let mut key = address_of(address);
            key[16..18].copy_from_slice(&port.to_be_bytes());
            key[18] = protocol as u8;
            let mut value = [0; 8];
            value[4] = number;
            vips.insert(key, value, 0).expect("room");
        }
        let (real, _) = family.of(BACKENDS[0]);
        let mut value = address_of(real);
        value[16] = if family == Family::V6 { IS_V6 } else { 0 };
        let real = u32::from(number) + 1;
        reals.set(real, value, 0).expect("a slot");
        for slot in 0..RING {
            let slot = u32::from(number) * RING + slot;
            ring.set(slot, real, 0).expect("a slot");
        }
    }
}

fn address_of(address: IpAddr) -> [u8; 20] {
    let mut bytes = [0; 20];
    let octets = octets(address);
    bytes[..octets.len()].copy_from_slice(&octets);
    bytes
}

fn array<V: Pod>(maps: &Path, name: &str) -> Array<MapData, V> {
    Array::try_from(Map::Array(map(maps, name))).expect("map type")
}

fn hash<K: Pod, V: Pod>(maps: &Path, name: &str) -> HashMap<MapData, K, V> {
    HashMap::try_from(Map::HashMap(map(maps, name))).expect("map type")
}

fn map(maps: &Path, name: &str) -> MapData {
    MapData::from_pin(maps.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn bpftool(arguments: &[&str]) -> Command {
    let mut command = Command::new("bpftool");
    command.args(arguments);
    command
}

fn run(command: &mut Command) {
    let output = command.output().expect("bpftool");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
}
