//! Host names of listeners and routes, and what they have in common.

use std::sync::Arc;

use crate::plan::HostPattern;

/// Reads a `Hostname` of the API.
pub(super) fn parse(text: &str) -> HostPattern {
    let text = text.trim_end_matches('.').to_ascii_lowercase();
    match text.strip_prefix("*.") {
        Some(suffix) => HostPattern::Suffix(suffix.into()),
        None => HostPattern::Exact(text.into()),
    }
}

/// As [`parse`]; no host name is every host name.
pub(super) fn optional(text: Option<&Arc<str>>) -> HostPattern {
    text.map_or(HostPattern::Any, |text| parse(text))
}

/// Hosts that a route takes at a listener: each of `route` (none: all) cut down to `listener`,
/// those outside of it left out.
pub(super) fn intersect(listener: &HostPattern, route: &[Arc<str>]) -> Vec<HostPattern> {
    if route.is_empty() {
        return vec![listener.clone()];
    }
    let mut common = Vec::new();
    for pattern in route.iter().filter_map(|text| both(listener, &parse(text))) {
        if !common.contains(&pattern) {
            common.push(pattern);
        }
    }
    common
}

/// Whether some host is taken by both.
pub(super) fn overlap(a: &HostPattern, b: &HostPattern) -> bool {
    covers(a, b) || covers(b, a)
}

/// The narrower of two patterns, if it lies within the wider one.
fn both(a: &HostPattern, b: &HostPattern) -> Option<HostPattern> {
    if covers(a, b) {
        Some(b.clone())
    } else {
        covers(b, a).then(|| a.clone())
    }
}

fn covers(wide: &HostPattern, narrow: &HostPattern) -> bool {
    match (wide, narrow) {
        (HostPattern::Any, _) => true,
        (_, HostPattern::Any) => false,
        (HostPattern::Exact(a), HostPattern::Exact(b)) => a == b,
        (HostPattern::Exact(_), HostPattern::Suffix(_)) => false,
        (HostPattern::Suffix(suffix), HostPattern::Exact(host)) => is_below(host, suffix),
        (HostPattern::Suffix(a), HostPattern::Suffix(b)) => a == b || is_below(b, a),
    }
}

/// Whether `host` is `suffix` with one or more labels before it.
fn is_below(host: &str, suffix: &str) -> bool {
    let rest = host.strip_suffix(suffix);
    rest.is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::{intersect, optional};

    #[test]
    fn intersections() {
        let cases = [
            ("", &[][..], &["*"][..]),
            ("", &["a.com", "*.b.com"], &["a.com", "*.b.com"]),
            ("a.com", &[], &["a.com"]),
            ("*.a.com", &[], &["*.a.com"]),
            ("a.com", &["a.com"], &["a.com"]),
            ("a.com", &["A.COM."], &["a.com"]),
            ("a.com", &["b.com"], &[]),
            ("x.a.com", &["*.a.com"], &["x.a.com"]),
            ("y.x.a.com", &["*.a.com", "*.x.a.com"], &["y.x.a.com"]),
            ("a.com", &["*.a.com"], &[]),
            ("*.a.com", &["a.com"], &[]),
            (
                "*.a.com",
                &["x.a.com", "y.x.a.com", "x.b.com"],
                &["x.a.com", "y.x.a.com"],
            ),
            ("*.a.com", &["xa.com", ".a.com"], &[]),
            ("*.a.com", &["*.a.com"], &["*.a.com"]),
            ("*.a.com", &["*.x.a.com"], &["*.x.a.com"]),
            ("*.x.a.com", &["*.a.com"], &["*.x.a.com"]),
            ("*.a.com", &["*.b.com", "*.xa.com"], &[]),
        ];
        for (listener, route, expected) in cases {
            let listener = (!listener.is_empty()).then(|| listener.into());
            let route: Vec<_> = route.iter().map(|&host| host.into()).collect();
            let found = intersect(&optional(listener.as_ref()), &route);
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{listener:?} and {route:?}");
        }
    }
}
