//! Changes of a target's query that an authorization server asks for.

use form_urlencoded::{Serializer, parse};
use http::{Uri, uri::PathAndQuery};

use super::check::messages::QueryParameter;

/// Takes parameters of these names out, and puts those that are set at the end. The others stay as
/// they are written. False if the target would be too long.
pub(super) fn change(target: &mut Uri, set: &[QueryParameter], remove: &[String]) -> bool {
    let goes = |pair: &&str| {
        let name = parse(pair.as_bytes()).next().map(|(name, _)| name);
        let name = name.unwrap_or_default();
        remove.iter().any(|gone| *gone == name) || set.iter().any(|own| own.key == name)
    };
    let query = target.query().unwrap_or_default().split('&');
    let kept = query.filter(|pair| !pair.is_empty() && !goes(pair));
    let mut parts: Vec<String> = kept.map(str::to_owned).collect();
    for QueryParameter { key, value } in set {
        let mut pair = Serializer::new(String::new());
        parts.push(pair.append_pair(key, value).finish());
    }
    let query = parts.join("&");
    let path = target.path();
    let whole = match query.is_empty() {
        true => PathAndQuery::try_from(path),
        false => PathAndQuery::try_from(format!("{path}?{query}")),
    };
    let Ok(whole) = whole else { return false };
    *target = Uri::from(whole);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, value: &str) -> QueryParameter {
        QueryParameter {
            key: key.to_owned(),
            value: value.to_owned(),
        }
    }

    fn changed(target: &str, set: &[(&str, &str)], remove: &[&str]) -> String {
        let mut target: Uri = target.parse().expect("a target");
        let set: Vec<_> = set.iter().map(|(key, value)| pair(key, value)).collect();
        let remove: Vec<_> = remove.iter().map(|name| (*name).to_owned()).collect();
        assert!(change(&mut target, &set, &remove));
        target.to_string()
    }

    #[test]
    fn parameters_come_and_go_and_others_stay_as_they_are_written() {
        assert_eq!(
            changed("/a?t=1&x=%41&t=2&%74=3&y", &[], &["t"]),
            "/a?x=%41&y"
        );
        assert_eq!(changed("/a?t=1", &[], &["t"]), "/a");
        assert_eq!(changed("/a", &[("u v", "1&2")], &[]), "/a?u+v=1%262");
        assert_eq!(
            changed("/a?u=1&b=2", &[("u", "3")], &["none"]),
            "/a?b=2&u=3"
        );
    }

    #[test]
    fn a_target_that_gets_too_long_is_told() {
        let mut target = Uri::from_static("/a");
        assert!(!change(&mut target, &[pair("a", &"b".repeat(70_000))], &[]));
        assert_eq!(target, "/a");
    }
}
