//! Headers, query parameters and methods, case by case.

use http::HeaderName;
use regex::Regex;

use super::*;
use crate::plan::PathMatch;

fn conditions(header: Option<ValueMatch>, query: Option<(&str, ValueMatch)>) -> Conditions {
    let name = HeaderName::from_static("x-version");
    Conditions::new(
        &HttpMatch {
            path: PathMatch::Prefix("/".into()),
            method: None,
            headers: header
                .map(|value| HeaderMatch { name, value })
                .into_iter()
                .collect(),
            query: query
                .map(|(name, value)| QueryMatch {
                    name: name.into(),
                    value,
                })
                .into_iter()
                .collect(),
        },
        false,
    )
}

fn holds(conditions: &Conditions, headers: &[&str], query: Option<&str>) -> bool {
    let name = HeaderName::from_static("x-version");
    let headers = headers.iter().map(|v| (name.clone(), v.parse().unwrap()));
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name, value);
    }
    let head = RequestHead {
        host: "",
        path: "/",
        method: &Method::GET,
        headers: &map,
        query,
    };
    conditions.hold(&Probe::new(&head))
}

fn regex(text: &str) -> ValueMatch {
    ValueMatch::Regex(Regex::new(&format!("^(?:{text})$")).unwrap())
}

#[test]
fn headers() {
    let exact = conditions(Some(ValueMatch::Exact("v2".into())), None);
    let pattern = conditions(Some(regex("v[0-9]+")), None);
    let joined = conditions(Some(ValueMatch::Exact("a,b".into())), None);
    for (what, conditions, headers, expected) in [
        ("equal", &exact, &["v2"] as &[_], true),
        ("longer", &exact, &["v22"], false),
        ("other case", &exact, &["V2"], false),
        ("absent", &exact, &[], false),
        ("repeated", &exact, &["v2", "v3"], false),
        ("joined", &joined, &["a", "b"], true),
        ("pattern", &pattern, &["v17"], true),
        ("pattern in the middle", &pattern, &["xv17"], false),
    ] {
        assert_eq!(holds(conditions, headers, None), expected, "{what}");
    }
}

#[test]
fn query_parameters() {
    let exact = conditions(
        None,
        Some(("animal", ValueMatch::Exact("big whale".into()))),
    );
    let pattern = conditions(None, Some(("animal", regex("d.*n"))));
    for (conditions, query, expected) in [
        (&exact, Some("animal=big+whale"), true),
        (&exact, Some("x=1&animal=big%20whale&y"), true),
        (&exact, Some("animal=big+whale&animal=cat"), true),
        (&exact, Some("animal=cat&animal=big+whale"), false),
        (&exact, Some("Animal=big+whale"), false),
        (&exact, Some("animal"), false),
        (&exact, Some(""), false),
        (&exact, None, false),
        (&pattern, Some("animal=dolphin"), true),
        (&pattern, Some("animal=dolphins"), false),
    ] {
        assert_eq!(holds(conditions, &[], query), expected, "{query:?}");
    }
}

#[test]
fn methods() {
    let mut conditions = conditions(None, None);
    assert!(holds(&conditions, &[], None));
    conditions.method = Some(Method::POST);
    assert!(!holds(&conditions, &[], None));
    conditions.method = Some(Method::GET);
    assert!(holds(&conditions, &[], None));
}
