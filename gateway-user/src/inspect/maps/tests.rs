//! The report of a small data path.

use std::collections::BTreeMap;

use gateway_common::abi::{
    Address, BY_DSR, Backend, BackendStats, Frontend, FrontendKey, KIND_L4, KIND_PROXY, KIND_TLS,
    NEAR, Service, TCP, TLS_NOBODY,
};
use gateway_core::{
    l4::{Tables, names::NameKey},
    plan::{HostPattern, Transport},
};

use super::*;
use crate::inspect::names::{BackendNames, FrontendNames};

fn tables() -> Tables {
    let key = |port| FrontendKey {
        address: std::net::Ipv4Addr::new(203, 0, 113, 1).into(),
        port,
        protocol: TCP,
    };
    let mut tables = Tables::default();
    let l4 = Frontend {
        kind: KIND_L4,
        service: 2,
        ..Frontend::default()
    };
    let proxy = Frontend {
        kind: KIND_PROXY,
        workers: 2,
        ..Frontend::default()
    };
    tables.frontends.extend([(key(9000), l4), (key(80), proxy)]);
    let service = Service {
        maglev_offset: 0,
        maglev_size: 4,
        backends: 2,
        affinity: 0,
    };
    tables.services.insert(2, service);
    tables.regions.insert(0, [7, 8, 7, 0].into());
    for (id, host, draining) in [(7, 1, 0), (8, 2, 0), (9, 3, 1)] {
        let backend = Backend {
            address: std::net::Ipv4Addr::new(10, 0, 0, host).into(),
            port: 9000,
            service: 2,
            weight: 1 - draining,
            far: if id == 8 { BY_DSR } else { NEAR },
            node: std::net::Ipv4Addr::new(192, 0, 2, 9).into(),
            draining,
            ..Backend::default()
        };
        tables.backends.insert(id, backend);
    }
    tables.addresses.insert(key(0).address, Address::new(true));
    tables
}

fn names() -> Names {
    let frontend = FrontendNames {
        address: ([203, 0, 113, 1], 9000).into(),
        protocol: Transport::Tcp,
        gateway: "default/gw".into(),
        listeners: vec!["tcp".into()],
        routes: vec!["default/echo".into()],
        backends: vec![BackendNames {
            address: ([10, 0, 0, 1], 9000).into(),
            service: "default/echo:9000".into(),
        }],
    };
    Names {
        frontends: vec![frontend],
        ..Names::default()
    }
}

#[test]
fn rows_have_names_and_shares() {
    let stats = BackendStats {
        request_packets: 3,
        request_bytes: 200,
        reply_bytes: 100,
        flows: 1,
        ..BackendStats::default()
    };
    let traffic = BTreeMap::from([(7, stats)]);
    let text = render(&report(&tables(), &traffic, &names()));
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|c| !c.is_empty())
                .collect()
        })
        .collect();
    for expected in [
        vec!["203.0.113.1:80", "tcp", "proxy", "-", "-", "-", "-"],
        vec![
            "203.0.113.1:9000",
            "tcp",
            "xdp",
            "2",
            "default/gw",
            "tcp",
            "default/echo",
        ],
        vec!["2", "2", "4", "25.0%"],
        vec![
            "7",
            "2",
            "10.0.0.1:9000",
            "default/echo:9000",
            "1",
            "-",
            "50.0%",
            "100.0%",
            "1",
            "3 packets, 200 bytes",
            "0 packets, 100 bytes",
        ],
        vec![
            "8",
            "2",
            "10.0.0.2:9000",
            "-",
            "1",
            "DSR to 192.0.2.9",
            "25.0%",
            "0.0%",
            "0",
            "0 packets, 0 bytes",
            "0 packets, 0 bytes",
        ],
        vec!["203.0.113.1", "this node"],
    ] {
        assert!(lines.contains(&expected), "{expected:?} is not in\n{text}");
    }
}

#[test]
fn server_names_lead_to_services_or_to_the_proxy() {
    let mut tables = tables();
    tables.frontends.clear();
    let key = FrontendKey {
        address: std::net::Ipv4Addr::new(203, 0, 113, 1).into(),
        port: 443,
        protocol: TCP,
    };
    let frontend = Frontend {
        kind: KIND_TLS,
        service: 5,
        workers: 2,
        ..Frontend::default()
    };
    tables.frontends.insert(key, frontend);
    for (pattern, service) in [
        (HostPattern::Exact("a.example".into()), 2),
        (HostPattern::Suffix("example".into()), 0),
        (HostPattern::Any, TLS_NOBODY),
    ] {
        let name = NameKey::new(5, &pattern).expect("it is short enough");
        tables.names.insert(name, name.leads_to(service));
    }
    let mut names = names();
    names.frontends[0].address.set_port(443);
    let report = report(&tables, &BTreeMap::new(), &names);
    assert_eq!(report.frontends[0].served_by, "xdp by name");
    assert_eq!(report.frontends[0].service, None, "a group is none");
    let by: Vec<_> = report.names.iter().map(|row| row.served_by).collect();
    assert_eq!(by, ["nobody", "proxy", "xdp"]);
    let name = report.backends[0].name.as_deref();
    assert_eq!(name, Some("default/echo:9000"));
    let text = render(&report);
    let shown = text.split("\n\n").nth(1).expect("a second table");
    let shown: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        shown[2..],
        [
            ["203.0.113.1:443", "*", "nobody"],
            ["203.0.113.1:443", "*.example", "proxy"],
            ["203.0.113.1:443", "a.example", "2"],
        ]
    );
    tables.frontends.get_mut(&key).expect("it is there").resets = 1;
    let report = self::report(&tables, &BTreeMap::new(), &names);
    assert_eq!(report.frontends[0].served_by, "xdp by name or reset");
}

#[test]
fn a_backend_that_leaves_is_draining() {
    let report = report(&tables(), &BTreeMap::new(), &Names::default());
    let draining = report.backends.iter().filter(|row| row.draining);
    let ids: Vec<_> = draining
        .map(|row| (row.id, row.weight, row.share))
        .collect();
    assert_eq!(ids, [(9, 0, 0.0)]);
    let text = render(&report);
    let line = text.lines().find(|line| line.contains("10.0.0.3:9000"));
    assert!(line.is_some_and(|line| line.contains("draining")), "{text}");
}

#[test]
fn without_names_and_traffic_the_maps_speak_for_themselves() {
    let report = report(&tables(), &BTreeMap::new(), &Names::default());
    assert!(report.frontends.iter().all(|row| row.gateway.is_none()));
    assert!(report.backends.iter().all(|row| row.traffic.is_none()));
    assert_eq!(report.services[0].refused, 0.25);
}
