//! A start finds what an earlier one left, and takes it over.

use std::fs;

use aya::programs::links::{FdLink, PinnedLink};
use gateway_common::abi::{FrontendKey, TCP};
use gateway_core::{
    l4::{Node, Tables, compile, diff},
    plan::Transport,
};
use gateway_user::bpf::Datapath;

use crate::{rig::Rig, tables};

const FRONTEND: &str = "203.0.113.9:7000";
const BACKENDS: &[&str] = &["10.77.1.2:80", "10.77.1.3:80"];

fn program(datapath: anyhow::Result<Datapath>) -> Tables {
    let mut datapath = datapath.expect("it opens");
    tables::put(&mut datapath, FRONTEND, Transport::Tcp, BACKENDS);
    datapath.tables().clone()
}

fn link_id(rig: &Rig, name: &str) -> u32 {
    let path = rig.versioned("links").join(name);
    let link = FdLink::from(PinnedLink::from_pin(path).expect("a pinned link"));
    link.info().expect("its info").id()
}

#[test]
fn a_second_start_reads_the_tables_and_keeps_the_links() {
    let rig = Rig::new();
    let written = rig.open(&rig.options(), program);
    let before = rig
        .xdp_of("up0")
        .expect("XDP stays attached without a daemon");
    let links = ["xdp-up0", "tcx-up0"].map(|name| link_id(&rig, name));
    rig.open(&rig.options(), |datapath| {
        let datapath = datapath.expect("it opens again");
        assert_eq!(datapath.tables(), &written);
        let (plan, endpoints) = tables::plan(FRONTEND, Transport::Tcp, BACKENDS);
        let again = compile(&plan, &endpoints, Node::new(1), datapath.tables()).expect("it fits");
        assert_eq!(
            diff(datapath.tables(), &again),
            [],
            "ids and slots are the same"
        );
    });
    let after = rig.xdp_of("up0").expect("XDP is attached");
    assert_ne!(before, after, "the program was replaced");
    assert_eq!(
        links,
        ["xdp-up0", "tcx-up0"].map(|name| link_id(&rig, name)),
        "in place"
    );
}

#[test]
fn an_interface_made_anew_is_attached_anew() {
    let rig = Rig::new();
    rig.open(&rig.options(), |datapath| drop(datapath.expect("it opens")));
    rig.node.ip("link delete up0").expect("it can be deleted");
    rig.connect("up0", "peer0", 1);
    assert_eq!(rig.xdp_of("up0"), None);
    rig.open(&rig.options(), |datapath| drop(datapath.expect("it opens")));
    assert!(rig.xdp_of("up0").is_some());
}

#[test]
fn an_interface_made_anew_is_followed_while_the_daemon_runs() {
    let rig = Rig::new();
    rig.connect("up1", "peer1", 2);
    let mut options = rig.options();
    options.interfaces.push("up1".into());
    rig.on_node(async || {
        let mut datapath = Datapath::open(&options).await.expect("it opens");
        let whole = datapath.attachments().to_vec();
        assert!(!datapath.follow_interfaces().await.expect("all is well"));
        rig.node.ip("link delete up0").expect("it can be deleted");
        assert!(datapath.follow_interfaces().await.expect("one is gone"));
        let noted = datapath.attachments().iter();
        let noted = noted.filter(|a| a.note.is_some());
        assert_eq!(noted.count(), 1, "{:?}", datapath.attachments());
        assert!(!datapath.follow_interfaces().await.expect("said once"));
        assert!(rig.xdp_of("up1").is_some(), "the others are left alone");
        rig.connect("up0", "peer0", 1);
        assert!(datapath.follow_interfaces().await.expect("it is back"));
        assert_eq!(datapath.attachments(), whole);
        assert!(rig.xdp_of("up0").is_some());
    });
}

#[test]
fn interfaces_that_are_no_longer_wanted_are_let_go() {
    let rig = Rig::new();
    rig.connect("up1", "peer1", 2);
    let mut options = rig.options();
    options.interfaces.push("up1".into());
    rig.open(&options, |datapath| drop(datapath.expect("it opens")));
    assert!(rig.xdp_of("up1").is_some());
    rig.open(&rig.options(), |datapath| drop(datapath.expect("it opens")));
    assert_eq!(rig.xdp_of("up1"), None);
    assert!(rig.xdp_of("up0").is_some());
    let links = fs::read_dir(rig.versioned("links"))
        .expect("the links")
        .count();
    assert_eq!(links, 4);
}

#[test]
fn statistics_and_flows_can_be_read_and_a_backend_starts_from_zero() {
    let rig = Rig::new();
    rig.open(&rig.options(), |datapath| {
        let datapath = datapath.expect("it opens");
        datapath.stats().counters().expect("counters");
        assert!(
            datapath
                .open_stats()
                .expect("a handle")
                .backends()
                .expect("stats")
                .is_empty()
        );
        let mut flows = datapath.open_flows().expect("a handle");
        assert!(flows.list(10).expect("flows").is_empty());
        let swept = flows
            .sweep(&crate::flows::sweep(&datapath))
            .expect("a sweep");
        assert_eq!(swept.removed, 0);
        datapath.open_events().expect("the event ring");
    });
}

#[test]
fn a_worker_gets_a_listening_socket() {
    let rig = Rig::new();
    rig.open(&rig.options(), |datapath| {
        let mut datapath = datapath.expect("it opens");
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
        datapath.set_socket(0, &socket).expect("it is taken");
        datapath.set_socket_v6(255, &socket).expect("it is taken");
        let error = datapath
            .set_socket(256, &socket)
            .expect_err("beyond the last worker");
        assert!(format!("{error:#}").contains("at most 256"));
    });
}

#[test]
fn operations_reach_the_maps_that_bpftool_dumps() {
    let rig = Rig::new();
    rig.open(&rig.options(), program);
    let map = rig.versioned("maps/frontends");
    let path = map.to_str().expect("a path");
    let dump = rig
        .node
        .run("bpftool", ["map", "dump", "pinned", path])
        .expect("bpftool");
    let key = FrontendKey {
        port: 7000,
        protocol: TCP,
        ..FrontendKey::default()
    };
    for field in [
        format!("\"port\": {}", key.port),
        format!("\"protocol\": {}", key.protocol),
    ] {
        assert!(dump.contains(&field), "{field} in {dump}");
    }
}
