//! TLS passthrough: server names in the kernel's maps, and what lasts from one start to the next.

use std::net::Ipv4Addr;

use gateway_common::abi::{Frontend, FrontendKey, KIND_TLS, TCP, TlsTarget};
use gateway_core::{
    l4::{
        MapOp,
        names::{NameKey, NameTable, matching},
        trace::Source as _,
    },
    plan::HostPattern,
};
use gateway_user::bpf::{Datapath, View};
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

fn dump(rig: &Rig, map: &str) -> Value {
    let map = rig.versioned("maps").join(map);
    let path = map.to_str().expect("a path");
    let dump = rig.node.run("bpftool", ["map", "dump", "pinned", path]);
    serde_json::from_str(&dump.expect("bpftool")).expect("JSON")
}

fn entries(rig: &Rig, map: &str) -> usize {
    let dump = dump(rig, map);
    dump.as_array().expect("entries").len()
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
    let maps = ["tls_names", "tls_wildcards"];
    assert_eq!(maps.map(|map| entries(&rig, map)), [3, 3]);
    let view = View::open(&rig.pins()).expect("maps are pinned");
    let find = |name: &NameKey| view.name(name).expect("a look into the maps");
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
        let expected = matching(&names, key).map(|(name, target)| (*name, *target));
        assert!(expected.is_some(), "{asked:?}");
        assert_eq!(find(&key), expected, "{asked:?}");
    }
    let other = NameKey::asked(GROUP + 1, "a.example").expect("it is short enough");
    assert_eq!(find(&other), None);
    rig.open(&rig.options(), |datapath| {
        let mut datapath = datapath.expect("it opens again");
        assert_eq!(datapath.tables().names, names);
        let ops: Vec<MapOp> = names.keys().copied().map(MapOp::RemoveName).collect();
        datapath.apply(&ops).expect("the kernel removes the names");
        datapath.apply(&ops).expect("they are gone already");
        assert_eq!(maps.map(|map| entries(&rig, map)), [0, 0]);
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
