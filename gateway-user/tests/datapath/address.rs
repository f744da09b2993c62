//! Local routes on the real kernel: traffic reaches an address that no interface has.

use std::{
    collections::BTreeSet,
    net::{IpAddr, UdpSocket},
};

use gateway_user::address::{Addresses, Done, remove_all};

use crate::rig::Rig;

fn set(addresses: &[&str]) -> BTreeSet<IpAddr> {
    addresses
        .iter()
        .map(|a| a.parse().expect("an address"))
        .collect()
}

/// All that had to be changed was.
fn done(addresses: &[&str]) -> Done {
    Done {
        changed: set(addresses),
        ..Done::default()
    }
}

fn routes(rig: &Rig) -> String {
    rig.node
        .ip("route show table local proto 88")
        .expect("ip works")
}

#[test]
fn an_address_answers_while_its_route_is_there() {
    let rig = Rig::new();
    // The first answer counts: a resolution that failed before may delay it.
    let ping = |count| {
        let arguments = ["-c", count, "-i", "0.3", "-W", "1", "10.77.1.200"];
        rig.peer.run("ping", arguments)
    };
    assert!(ping("1").is_err(), "nobody has it yet");
    rig.on_node(async || {
        let addresses = Addresses::open().expect("netlink");
        let wanted = set(&["10.77.1.200", "10.77.1.1", "127.0.0.9"]);
        let added = addresses.add(&wanted).await.expect("it is added");
        assert_eq!(
            added,
            done(&["10.77.1.200"]),
            "the others are local already"
        );
        assert_eq!(addresses.add(&wanted).await.expect("again"), done(&[]));
        UdpSocket::bind("10.77.1.200:0").expect("it is ours");
    });
    assert!(
        routes(&rig).contains("10.77.1.200"),
        "it outlives its maker"
    );
    ping("8").expect("ARP and ping are answered");
    rig.on_node(async || {
        let removed = remove_all().await.expect("it is removed");
        assert_eq!(removed, set(&["10.77.1.200"]));
        assert_eq!(remove_all().await.expect("again"), set(&[]));
    });
    assert_eq!(routes(&rig).trim(), "");
}

#[test]
fn routes_of_others_are_not_touched() {
    let rig = Rig::new();
    let theirs = "route add local 10.77.1.201 dev lo table local proto 99";
    rig.node.ip(theirs).expect("a route of somebody else");
    let ipv6 = rig.node.sysctl("net/ipv6/conf/lo/disable_ipv6", "0");
    ipv6.expect("IPv6 can be turned on");
    rig.on_node(async || {
        let addresses = Addresses::open().expect("netlink");
        let both = set(&["10.77.1.201", "10.77.1.202", "2001:db8::7"]);
        let added = addresses
            .add(&both)
            .await
            .expect("what is missing is added");
        assert_eq!(added, done(&["10.77.1.202", "2001:db8::7"]));
        let kept = addresses
            .retain(&set(&["2001:db8::7"]))
            .await
            .expect("one is removed");
        assert_eq!(kept, done(&["10.77.1.202"]));
        assert_eq!(
            addresses.retain(&set(&[])).await.expect("the rest"),
            done(&["2001:db8::7"])
        );
    });
    let left = rig
        .node
        .ip("route show table local proto 99")
        .expect("ip works");
    assert!(left.contains("10.77.1.201"), "{left}");
}

#[test]
fn an_address_that_fails_does_not_keep_the_others_back() {
    let rig = Rig::new();
    let ipv6 = rig.node.sysctl("net/ipv6/conf/lo/disable_ipv6", "1");
    ipv6.expect("IPv6 can be turned off");
    rig.on_node(async || {
        let addresses = Addresses::open().expect("netlink");
        let wanted = set(&["10.77.1.200", "2001:db8::7", "10.77.1.201"]);
        let added = addresses.add(&wanted).await.expect("routes are listed");
        assert_eq!(added.changed, set(&["10.77.1.200", "10.77.1.201"]));
        let failed: Vec<_> = added.failed.into_iter().collect();
        let [(address, why)] = &failed[..] else {
            panic!("one fails: {failed:?}");
        };
        assert_eq!(set(&["2001:db8::7"]), [*address].into());
        assert!(why.contains("cannot make 2001:db8::7 local"), "{why}");
    });
}
