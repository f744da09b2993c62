//! Rules of allocation: pools and Gateways in, addresses and complaints out.

use std::net::IpAddr;

use serde_json::{Value as Json, from_value, json};

use super::{Addressing, Allocation, FamilyUsage, Request, allocate, overlaps, usage};
use crate::{
    api::{AddressPool, object::Labels},
    name::ObjectName,
    verdict::GatewayVerdict,
};

fn pool(name: &str, addresses: &[&str], more: &Json) -> AddressPool {
    let mut spec = json!({ "addresses": addresses });
    for (field, value) in more.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    from_value(json!({"metadata": {"name": name}, "spec": spec})).expect("a pool")
}

fn plain(addresses: &[&str]) -> AddressPool {
    pool("pool", addresses, &Json::Null)
}

/// A Gateway: its name (also its label `name`), what it asks for (`any`: an address without a
/// value) and what its status says that it has.
struct Site {
    name: String,
    labels: Labels,
    asked: Vec<IpAddr>,
    automatic: usize,
    held: Vec<IpAddr>,
}

fn site(name: &str, asked: &[&str], held: &[&str]) -> Site {
    let parse = |texts: &[&str]| {
        let values = texts.iter().filter(|text| **text != "any");
        values
            .map(|text| text.parse().expect("an address"))
            .collect()
    };
    Site {
        name: name.to_owned(),
        labels: [("name".to_owned(), name.to_owned())].into(),
        automatic: asked.iter().filter(|text| **text == "any").count(),
        asked: parse(asked),
        held: parse(held),
    }
}

impl Site {
    fn request(&self) -> Request<'_> {
        Request {
            gateway: ObjectName::new("default", &*self.name),
            labels: &self.labels,
            namespace_labels: Labels::new(),
            asked: self.asked.clone(),
            automatic: self.automatic,
            held: &self.held,
            may_grow: true,
        }
    }
}

fn allocated(pools: &[AddressPool], sites: &[Site], addressing: &Addressing) -> Allocation {
    let pools: Vec<_> = pools.iter().collect();
    let requests: Vec<_> = sites.iter().map(Site::request).collect();
    allocate(&pools, &requests, addressing)
}

fn leader() -> Addressing {
    Addressing::cluster(Vec::new(), true)
}

/// Addresses of each Gateway, and what there is to say about it, but from which pool they are.
fn given(pools: &[AddressPool], sites: &[Site]) -> Vec<String> {
    shown(&allocated(pools, sites, &leader()))
}

fn shown(allocation: &Allocation) -> Vec<String> {
    let line = |allotment: &super::Allotment| {
        let addresses = allotment.addresses.iter().map(ToString::to_string);
        let verdicts = allotment.verdicts.iter();
        let verdicts = verdicts.filter(|v| !matches!(v, GatewayVerdict::FromPools { .. }));
        let verdicts = verdicts.map(ToString::to_string);
        addresses.chain(verdicts).collect::<Vec<_>>().join(" ")
    };
    allocation.allotments.iter().map(line).collect()
}

/// Whether `text` begins with `start` and has `part`.
#[track_caller]
fn assert_says(text: &str, start: &str, part: &str) {
    assert!(text.starts_with(start) && text.contains(part), "{text}");
}

#[test]
fn one_of_each_family_that_is_offered() {
    let pools = [plain(&["10.0.0.1-10.0.0.200", "2001:db8::/64"])];
    let allocation = allocated(&pools, &[site("web", &["any"], &[])], &leader());
    let addresses = &allocation.allotments[0].addresses;
    assert!(addresses[0].is_ipv4() && addresses[1].is_ipv6() && addresses.len() == 2);
    let from = allocation.allotments[0].verdicts[0].to_string();
    assert_says(&from, &addresses[0].to_string(), "of AddressPool \"pool\"");
    let again = allocated(&pools, &[site("web", &["any"], &[])], &leader());
    assert_eq!(again, allocation);
    // Another name, most likely another address.
    let other = allocated(&pools, &[site("shop", &["any"], &[])], &leader());
    assert_ne!(&other.allotments[0].addresses, addresses);
}

#[test]
fn no_address_is_given_twice() {
    let overlapping = [
        pool("a", &["10.0.0.1-10.0.0.20"], &Json::Null),
        pool("b", &["10.0.0.10-10.0.0.30"], &Json::Null),
    ];
    let sites: Vec<_> = (0..30)
        .map(|n| site(&format!("g{n}"), &["any"], &[]))
        .collect();
    let allocation = allocated(&overlapping, &sites, &leader());
    let all = allocation.allotments.iter().map(|a| a.addresses.len());
    assert_eq!((all.sum::<usize>(), allocation.taken.len()), (30, 30));
}

#[test]
fn what_a_gateway_has_it_keeps() {
    let pools = [plain(&["10.0.0.1-10.0.0.3"])];
    // The older one asks for what the younger one has.
    let sites = [
        site("older", &["10.0.0.2"], &[]),
        site("younger", &["any"], &["10.0.0.2"]),
    ];
    let lines = given(&pools, &sites);
    assert_says(
        &lines[0],
        "10.0.0.2 of spec.addresses",
        "belongs to the Gateway \"default/younger\"",
    );
    assert_eq!(lines[1], "10.0.0.2");
    // Two have it, as when a leader did not see what the one before it wrote.
    let sites = [
        site("older", &["any"], &["10.0.0.2"]),
        site("younger", &["any"], &["10.0.0.2"]),
    ];
    let lines = given(&pools, &sites);
    assert_eq!(lines[0], "10.0.0.2");
    assert!(["10.0.0.1", "10.0.0.3"].contains(&&*lines[1]), "{lines:?}");
}

#[test]
fn what_a_gateway_does_not_ask_for_any_more_is_free() {
    let pools = [plain(&["10.0.0.1-10.0.0.3"])];
    let sites = [
        site("moved", &["10.0.0.1"], &["10.0.0.3"]),
        site("new", &["10.0.0.3"], &[]),
        site("fewer", &["any"], &["10.0.0.2", "10.0.0.1"]),
    ];
    assert_eq!(given(&pools, &sites), ["10.0.0.1", "10.0.0.3", "10.0.0.2"]);
}

#[test]
fn asked_addresses() {
    let pools = [plain(&["10.0.0.0/24"])];
    let sites = [
        site("first", &["10.0.0.7", "10.0.0.5"], &[]),
        site("second", &["10.0.0.7"], &[]),
        site("broadcast", &["10.0.0.255"], &[]),
        site("mixed", &["10.0.0.9", "any"], &["10.0.0.8", "10.0.0.9"]),
    ];
    let lines = given(&pools, &sites);
    assert_eq!(lines[0], "10.0.0.7 10.0.0.5");
    assert_says(
        &lines[1],
        "10.0.0.7 of",
        "belongs to the Gateway \"default/first\"",
    );
    assert_says(&lines[2], "10.0.0.255 of", "in no AddressPool");
    assert_eq!(lines[3], "10.0.0.9 10.0.0.8");
}

#[test]
fn what_is_full_is_said() {
    let pools = [plain(&["10.0.0.1", "2001:db8::1-2001:db8::3"])];
    let sites = ["a", "b", "c", "d"].map(|name| site(name, &["any"], &[]));
    let lines = given(&pools, &sites);
    assert!(!lines[0].contains("free"), "{}", lines[0]);
    assert_says(&lines[1], "2001:db8::", "served without IPv4");
    assert_says(
        &lines[3],
        "no free IPv4 address: AddressPool \"pool\"",
        "no free IPv6 address",
    );
}

#[test]
fn pools_choose_their_gateways() {
    let for_web = json!({"gatewaySelector": {"matchLabels": {"name": "web"}}});
    let other_namespace = json!({"namespaceSelector": {"matchLabels": {"team": "a"}}});
    let by_hand = json!({"autoAssign": false});
    let pools = [
        pool("all", &["10.0.0.1"], &Json::Null),
        pool("by-hand", &["10.0.1.1"], &by_hand),
        pool("elsewhere", &["10.0.2.1"], &other_namespace),
        pool("web", &["10.0.3.1"], &for_web),
    ];
    let sites = [
        // The pool that is meant for it comes before the one for all.
        site("web", &["any"], &[]),
        site("shop", &["10.0.1.1"], &[]),
        site("stranger", &["10.0.2.1"], &[]),
    ];
    let lines = given(&pools, &sites);
    assert_eq!(lines[..2], ["10.0.3.1", "10.0.1.1"]);
    let refused = "the namespaceSelector of AddressPool \"elsewhere\" leaves it out";
    assert_says(&lines[2], "10.0.2.1 of", refused);
    let lines = given(&pools[1..], &[site("shop", &["any"], &[])]);
    assert_says(&lines[0], "no address", "\"by-hand\" has autoAssign: false");
    assert_says(
        &lines[0],
        "no address",
        "the gatewaySelector of \"web\" leaves it out",
    );
    assert_says(
        &given(&[], &sites)[0],
        "no address",
        "there is no AddressPool",
    );
}

#[test]
fn a_pool_that_goes_takes_no_address_away() {
    let held = || site("web", &["any"], &["10.0.0.5"]);
    for pools in [vec![], vec![plain(&["10.0.1.1"])]] {
        let lines = given(&pools, &[held(), site("shop", &["any"], &[])]);
        assert_says(&lines[0], "10.0.0.5", "stays in use");
    }
    // Its namespace was left out, and another one asks for it.
    let for_shop = json!({"gatewaySelector": {"matchLabels": {"name": "shop"}}});
    let pools = [pool("shop", &["10.0.0.5"], &for_shop), plain(&["10.0.1.1"])];
    let lines = given(&pools, &[held(), site("shop", &["10.0.0.5"], &[])]);
    assert_eq!(lines, ["10.0.1.1", "10.0.0.5"]);
    // Whoever asks for none in particular gets another one.
    let lines = given(&pools, &[held(), site("shop", &["any"], &[])]);
    assert_says(&lines[0], "10.0.0.5", "stays in use");
    assert_eq!(lines[1], "10.0.1.1");
}

#[test]
fn a_follower_uses_what_the_leader_wrote_and_no_more() {
    let pools = [plain(&["10.0.0.0/24"])];
    let follower = Addressing::cluster(Vec::new(), false);
    let sites = [
        site("known", &["any"], &["10.0.0.4"]),
        // The leader has seen a pool that this node has not.
        site("ahead", &["10.9.9.9"], &["10.9.9.9"]),
        site("new", &["any"], &[]),
        site("moved", &["10.0.0.6"], &["10.0.0.5"]),
    ];
    let lines = shown(&allocated(&pools, &sites, &follower));
    assert_eq!(lines[0], "10.0.0.4");
    assert_says(&lines[1], "10.9.9.9", "");
    let pending = "the leader has not assigned its address yet";
    assert_eq!(lines[2..], [pending, pending]);
}

#[test]
fn default_addresses_are_shared_and_not_given_out() {
    let pools = [plain(&["10.0.0.1-10.0.0.2"])];
    let default = "10.0.0.1".parse().expect("an address");
    for may_allocate in [true, false] {
        let addressing = Addressing::cluster(vec![default], may_allocate);
        let sites = ["a", "b"].map(|name| site(name, &["any"], &[]));
        let allocation = allocated(&pools, &sites, &addressing);
        assert_eq!(shown(&allocation), ["10.0.0.1", "10.0.0.1"]);
    }
    let addressing = Addressing::cluster(vec![default], true);
    let sites = [site("c", &["10.0.0.1"], &[]), site("d", &["10.0.0.2"], &[])];
    let lines = shown(&allocated(&pools, &sites, &addressing));
    assert_eq!(lines, ["10.0.0.1", "10.0.0.2"]);
}

#[test]
fn only_without_a_cluster_any_address_will_do_and_only_without_pools() {
    let sites = [site("a", &["10.0.0.1"], &[]), site("b", &["10.0.0.1"], &[])];
    let alone = Addressing::standalone(Vec::new());
    let lines = shown(&allocated(&[], &sites, &alone));
    assert_eq!(lines, ["10.0.0.1", "10.0.0.1"]);
    let lines = shown(&allocated(&[plain(&["10.0.1.1"])], &sites, &alone));
    assert_says(&lines[0], "10.0.0.1 of", "in no AddressPool");
    assert_says(&given(&[], &sites)[0], "10.0.0.1 of", "in no AddressPool");
}

#[test]
fn a_gateway_whose_class_is_refused_keeps_what_it_has() {
    let pools = [plain(&["10.0.0.1-10.0.0.9"])];
    let (waiting, new) = (
        site("waiting", &["any"], &["10.0.0.3"]),
        site("new", &["any"], &[]),
    );
    let requests = [&waiting, &new].map(|site| Request {
        may_grow: false,
        ..site.request()
    });
    let allocation = allocate(&[&pools[0]], &requests, &leader());
    assert_eq!(shown(&allocation), ["10.0.0.3", ""]);
}

#[test]
fn a_full_pool_of_thousands_is_no_problem() {
    let pools = [plain(&["10.0.0.0-10.0.39.15"])];
    let sites: Vec<_> = (0..10_001)
        .map(|n| site(&format!("g{n}"), &["any"], &[]))
        .collect();
    let allocation = allocated(&pools, &sites, &leader());
    assert_eq!(allocation.taken.len(), 10_000);
    let last = shown(&allocation).pop().unwrap_or_default();
    assert_says(&last, "no free IPv4 address", "\"pool\"");
}

#[test]
fn use_and_overlaps_of_pools() {
    let a = pool("a", &["10.0.0.0/24", "2001:db8::/64"], &Json::Null);
    let b = pool("b", &["10.0.0.250-10.0.1.5", "10.0.0.9"], &Json::Null);
    let c = pool("c", &["10.0.1.6"], &Json::Null);
    let taken = ["10.0.0.9", "10.0.0.255", "2001:db8::1"].map(|a| a.parse().expect("an address"));
    let used = usage(&a, &taken.into());
    assert_eq!(
        used.v4,
        Some(FamilyUsage {
            total: 254,
            used: 1
        })
    );
    assert_eq!(
        used.v6,
        Some(FamilyUsage {
            total: (1 << 64) - 1,
            used: 1
        })
    );
    assert_eq!(
        (
            usage(&c, &taken.into()).v4.map(|f| f.used),
            used.v6.is_some()
        ),
        (Some(0), true)
    );
    let found = overlaps(&[&a, &b, &c]);
    let shown: Vec<_> = found["b"]["a"].iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["10.0.0.9", "10.0.0.250-10.0.0.254"]);
    assert_eq!(found["a"]["b"], found["b"]["a"]);
    assert_eq!(found.len(), 2);
}
