//! TLS passthrough: server names in the kernel's trie, and what lasts from one start to the next.

use std::net::Ipv4Addr;

use aya::maps::{
    Map, MapData,
    lpm_trie::{Key, LpmTrie},
};
use gateway_common::abi::{Frontend, FrontendKey, KIND_TLS, TCP, TlsName, TlsTarget};
use gateway_core::{
    l4::{
        MapOp,
        names::{NameKey, NameTable, matching},
    },
    plan::HostPattern,
};
use gateway_user::bpf::Datapath;
use serde_json::Value;

use crate::rig::Rig;

const GROUP: u16 = 258;

fn name(pattern: &HostPattern) -> NameKey {
    NameKey::new(GROUP, pattern).expect("it is short enough")
}

fn patterns() -> Vec<HostPattern> {
    let longest = format!("{}.example", "a".repeat(245));
    vec![
        HostPattern::Suffix("example".into()),
        HostPattern::Suffix("b.example".into()),
        HostPattern::Exact("example".into()),
        HostPattern::Exact("a.example".into()),
        HostPattern::Exact(longest.into()),
        HostPattern::Any,
    ]
}

/// Of TLS passthrough.
fn listener() -> MapOp {
    let address = Ipv4Addr::new(203, 0, 113, 1);
    let key = FrontendKey {
        address: address.into(),
        port: 443,
        protocol: TCP,
    };
    let listener = Frontend {
        kind: KIND_TLS,
        service: GROUP.into(),
        ..Frontend::default()
    };
    MapOp::PutFrontend(key, listener)
}

fn trie(rig: &Rig) -> LpmTrie<MapData, TlsName, TlsTarget> {
    let data = MapData::from_pin(rig.versioned("maps/tls_names")).expect("a pinned map");
    let map = Map::from_map_data(data).expect("a map");
    map.try_into().expect("a trie")
}

fn dump(rig: &Rig, map: &str) -> Value {
    let map = rig.versioned("maps").join(map);
    let path = map.to_str().expect("a path");
    let dump = rig.node.run("bpftool", ["map", "dump", "pinned", path]);
    serde_json::from_str(&dump.expect("bpftool")).expect("JSON")
}

#[test]
fn the_kernel_finds_the_most_specific_name() {
    let rig = Rig::new();
    let services = 1..;
    let names: NameTable = services
        .zip(patterns())
        .map(|(service, pattern)| {
            let name = name(&pattern);
            (name, name.leads_to(service))
        })
        .collect();
    rig.open(&rig.options(), |datapath| {
        let put = |(name, target): (&NameKey, &TlsTarget)| MapOp::PutName(*name, *target);
        let ops: Vec<MapOp> = names.iter().map(put).collect();
        let mut datapath = datapath.expect("it opens");
        datapath.apply(&ops).expect("the kernel takes the names");
    });
    let trie = trie(&rig);
    for asked in [
        "",
        "org",
        "example",
        "a.example",
        "x.a.example",
        "x.b.example",
        "b.example",
    ] {
        let key = NameKey::asked(GROUP, asked).expect("it is short enough");
        let found = trie.get(&Key::new(key.bits, key.name), 0).ok();
        let expected = matching(&names, key).map(|(_, target)| *target);
        assert!(expected.is_some(), "{asked:?}");
        assert_eq!(found, expected, "{asked:?}");
    }
    let other = NameKey::asked(GROUP + 1, "a.example").expect("it is short enough");
    assert!(trie.get(&Key::new(other.bits, other.name), 0).is_err());
    rig.open(&rig.options(), |datapath| {
        let mut datapath = datapath.expect("it opens again");
        assert_eq!(datapath.tables().names, names);
        let ops: Vec<MapOp> = names.keys().copied().map(MapOp::RemoveName).collect();
        datapath.apply(&ops).expect("the kernel removes the names");
        datapath.apply(&ops).expect("they are gone already");
        assert_eq!(trie.keys().count(), 0);
    });
}

#[test]
fn the_secret_and_the_programs_outlive_the_daemon() {
    let rig = Rig::new();
    let options = rig.options();
    rig.on_node(async || {
        let mut datapath = Datapath::open(&options).await.expect("it opens");
        datapath.prepare(&[listener()]).await;
    });
    let secret = dump(&rig, "tls_secret");
    let words = &secret[0]["value"]["key"];
    assert!(
        words[0] != 0 && words[1] != 0 && words[0] != words[1],
        "{words}"
    );
    let programs = ["xdp_programs", "tcx_programs"].map(|map| dump(&rig, map));
    let ids: Vec<u64> = programs
        .iter()
        .flat_map(|array| array.as_array().expect("entries"))
        .filter_map(|entry| entry["value"].as_u64())
        .collect();
    assert!(ids.len() == 2 && !ids.contains(&0), "{programs:?}");
    rig.open(&rig.options(), |datapath| {
        drop(datapath.expect("it opens again"));
    });
    assert_eq!(
        dump(&rig, "tls_secret"),
        secret,
        "cookies under way stay good"
    );
    let after = ["xdp_programs", "tcx_programs"].map(|map| dump(&rig, map));
    assert_ne!(after, programs, "those of this start");
}
