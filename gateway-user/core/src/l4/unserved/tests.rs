//! Reports of what IPv6 lacks.

use super::{
    super::testing::{endpoints, plan, tcp},
    *,
};
use crate::plan::Transport;

#[test]
fn ipv6_listeners_and_ipv6_only_backends_are_named() {
    let v6 = FrontendId {
        address: "[2001:db8::1]:53".parse().expect("an address"),
        transport: Transport::Udp,
    };
    let both: &[(&str, u32)] = &[("six", 1), ("dual", 1), ("none", 1), ("!", 1)];
    let of = endpoints(&[
        ("six", &["[2001:db8::2]:80"]),
        ("dual", &["[2001:db8::3]:80", "10.0.0.1:80"]),
    ]);
    let found = unserved(&plan(&[(tcp(80), both), (v6, &[("dual", 1)])]), &of);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains("backend default/six:80 has only IPv6 endpoints"));
    assert!(texts[1].contains("[2001:db8::1]:53 does nothing"));
}

#[test]
fn a_backend_of_weight_zero_is_not_missed() {
    let of = endpoints(&[("six", &["[2001:db8::2]:80"])]);
    assert_eq!(unserved(&plan(&[(tcp(80), &[("six", 0)])]), &of), []);
}
