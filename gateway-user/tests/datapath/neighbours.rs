//! An address that changes hands between nodes: one entry of a map decides who answers.

use std::net::IpAddr;

use gateway_common::abi::Address;
use gateway_core::l4::MapOp;
use gateway_user::{
    address::Addresses,
    bpf::{Datapath, XdpMode},
};

use crate::rig::Rig;

const ADDRESS: &str = "10.77.1.200";

/// Whether the peer finds out where the address is.
fn is_answered(rig: &Rig) -> bool {
    rig.peer.ip("neigh flush dev peer0").expect("ip works");
    let ping = rig.peer.run("ping", ["-c", "1", "-W", "1", ADDRESS]);
    let known = rig.peer.ip(&format!("neigh show {ADDRESS}"));
    let known = known.expect("ip works").contains("lladdr");
    assert_eq!(ping.is_ok(), known, "it is local, so that it replies");
    known
}

fn set(datapath: &mut Datapath, owned: bool) {
    let address: IpAddr = ADDRESS.parse().expect("an address");
    let op = MapOp::PutAddress(address.into(), Address::new(owned));
    datapath.apply(&[op]).expect("the kernel takes it");
}

/// The stack alone would answer in every case: the address is local.
#[test]
fn only_the_owner_of_an_address_answers() {
    for mode in [XdpMode::Driver, XdpMode::Generic] {
        let rig = Rig::new();
        let mut options = rig.options();
        options.xdp_mode = mode;
        rig.on_node(async || {
            let mut datapath = Datapath::open(&options).await.expect("it opens");
            set(&mut datapath, false);
            let addresses = Addresses::open().expect("netlink");
            let wanted = [ADDRESS.parse().expect("an address")].into();
            addresses.add(&wanted).await.expect("it is local");
            assert!(!is_answered(&rig), "{mode:?}: another node owns it");
            set(&mut datapath, true);
            assert!(is_answered(&rig), "{mode:?}: this node owns it");
            let answered = datapath.stats().counters().expect("counters").answer_arp;
            assert!(answered.packets > 0, "{mode:?}: the stack has answered");
            set(&mut datapath, false);
            assert!(!is_answered(&rig), "{mode:?}: given away");
            drop(datapath);
        });
    }
}
