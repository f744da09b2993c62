//! Reports of address families that do not meet.

use super::{
    super::testing::{endpoints, plan, tcp},
    *,
};
use crate::plan::Transport;

#[test]
fn backends_of_the_other_family_only_are_named() {
    let v6 = FrontendId {
        address: "[2001:db8::1]:53".parse().expect("an address"),
        transport: Transport::Udp,
    };
    let all: &[(&str, u32)] = &[("six", 1), ("four", 1), ("dual", 1), ("none", 1), ("!", 1)];
    let of = endpoints(&[
        ("six", &["[2001:db8::2]:80"]),
        ("four", &["10.0.0.2:80"]),
        ("dual", &["[2001:db8::3]:80", "10.0.0.1:80"]),
    ]);
    let found = unserved(&plan(&[(tcp(80), all), (v6, all)]), &of);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains("backend default/six:80 has no IPv4 endpoint"));
    assert!(texts[1].contains("backend default/four:80 has no IPv6 endpoint"));
}

#[test]
fn a_backend_of_weight_zero_is_not_missed() {
    let of = endpoints(&[("six", &["[2001:db8::2]:80"])]);
    assert_eq!(unserved(&plan(&[(tcp(80), &[("six", 0)])]), &of), []);
}
