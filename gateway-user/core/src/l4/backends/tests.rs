//! Shares of destinations from weights and endpoints.

use super::{
    super::testing::{endpoints, service},
    *,
};

fn shares(backends: &[(&str, u32)], of: &[(&str, &[&str])]) -> Vec<(String, u32)> {
    let shown = |d: Destination| d.map_or("refused".into(), |a| a.to_string());
    destinations(&service(backends), &endpoints(of), Family::V4)
        .into_iter()
        .map(|(d, weight)| (shown(d), weight))
        .collect()
}

fn expected(list: &[(&str, u32)]) -> Vec<(String, u32)> {
    list.iter()
        .map(|(name, w)| ((*name).to_owned(), *w))
        .collect()
}

#[test]
fn the_weight_of_a_reference_is_divided_among_its_endpoints() {
    let of: &[(&str, &[&str])] = &[
        ("a", &["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]),
        ("b", &["10.0.1.1:80"]),
    ];
    let found = shares(&[("a", 80), ("b", 20)], of);
    let wanted = [
        ("10.0.0.1:80", 4),
        ("10.0.0.2:80", 4),
        ("10.0.0.3:80", 4),
        ("10.0.1.1:80", 3),
    ];
    assert_eq!(found, expected(&wanted), "80 / 3 to 20 is 4 to 3");
}

#[test]
fn weight_zero_gets_nothing() {
    let of: &[(&str, &[&str])] = &[("a", &["10.0.0.1:80"]), ("b", &["10.0.1.1:80"])];
    let found = shares(&[("a", 0), ("b", 5)], of);
    assert_eq!(found, expected(&[("10.0.1.1:80", 1)]));
    assert_eq!(shares(&[("a", 0)], of), []);
}

#[test]
fn invalid_references_and_missing_endpoints_are_refused() {
    let of: &[(&str, &[&str])] = &[("a", &["10.0.0.1:80"])];
    let found = shares(&[("a", 2), ("!", 1), ("none", 1)], of);
    assert_eq!(found, expected(&[("refused", 1), ("10.0.0.1:80", 1)]));
}

#[test]
fn an_address_of_two_references_gets_both_shares() {
    let of: &[(&str, &[&str])] = &[
        ("a", &["10.0.0.1:80", "10.0.0.2:80"]),
        ("b", &["10.0.0.1:80"]),
    ];
    let found = shares(&[("a", 1), ("b", 1)], of);
    assert_eq!(found, expected(&[("10.0.0.1:80", 3), ("10.0.0.2:80", 1)]));
}

#[test]
fn only_ready_endpoints_of_the_family_count() {
    let mut of = endpoints(&[("a", &["10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80"])]);
    for list in of.0.values_mut() {
        list[1].conditions.ready = false;
    }
    for (family, only) in [
        (Family::V4, "10.0.0.1:80"),
        (Family::V6, "[2001:db8::1]:80"),
    ] {
        let found = destinations(&service(&[("a", 1)]), &of, family);
        let only: SocketAddr = only.parse().expect("an address");
        assert_eq!(found, BTreeMap::from([(Some(only), 1)]));
    }
}

#[test]
fn extreme_weights_stay_in_proportion() {
    let many: Vec<String> = (0..97).map(|i| format!("10.0.0.{i}:80")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let of: &[(&str, &[&str])] = &[("a", &many), ("b", &["10.0.1.1:80"])];
    let found = destinations(
        &service(&[("a", u32::MAX), ("b", u32::MAX)]),
        &endpoints(of),
        Family::V4,
    );
    let total: f64 = found.values().map(|w| f64::from(*w)).sum();
    let last = found
        .values()
        .next_back()
        .copied()
        .expect("98 destinations");
    assert_eq!(found.len(), 98);
    assert!((f64::from(last) / total - 0.5).abs() < 1e-5);
}
