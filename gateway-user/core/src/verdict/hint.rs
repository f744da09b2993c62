//! Parts of messages that say what exists instead of what was asked for.

use crate::{
    api::{GROUP, Kind},
    name::ObjectName,
};

/// Most names that a message lists.
const LISTED: usize = 5;

/// What to write instead of `wanted`: the names near it, or else those that exist.
pub fn instead(wanted: &str, names: impl IntoIterator<Item = String>) -> String {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    names.dedup();
    let near: Vec<&String> = names.iter().filter(|name| is_near(wanted, name)).collect();
    match (near.is_empty(), names.is_empty()) {
        (_, true) => "there is none".to_owned(),
        (true, false) => format!("there is {}", some(&names)),
        (false, false) => format!("did you mean {}?", list(&near)),
    }
}

/// As [`instead`], for `names` of one namespace.
pub fn instead_in(
    namespace: &str,
    wanted: &str,
    names: impl IntoIterator<Item = String>,
) -> String {
    format!("in namespace \"{namespace}\": {}", instead(wanted, names))
}

/// `"a", "b" and 3 more`.
pub fn list(names: &[impl AsRef<str>]) -> String {
    let shown = names.iter().take(LISTED);
    let shown: Vec<String> = shown.map(|n| format!("\"{}\"", n.as_ref())).collect();
    match names.len() {
        0 => "none".to_owned(),
        n if n > LISTED => format!("{} and {} more", shown.join(", "), n - LISTED),
        _ => shown.join(", "),
    }
}

/// `HTTPRoute or GRPCRoute`.
pub fn either(kinds: &[Kind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    names.join(" or ")
}

/// As [`list`], where not all names that exist are at hand and so cannot be counted.
fn some(names: &[String]) -> String {
    match names.get(..LISTED) {
        Some(first) if names.len() > LISTED => format!("{} and others", list(first)),
        _ => list(names),
    }
}

/// How to allow a reference from an object in `from` to one in another namespace.
pub fn grant(from_kind: &str, from: &str, to_kind: &str, to: &ObjectName) -> String {
    format!(
        "allow it with a ReferenceGrant in namespace \"{}\": from {{group: {GROUP}, kind: \
         {from_kind}, namespace: {from}}}, to {{group: \"\", kind: {to_kind}, name: {}}}",
        to.namespace, to.name
    )
}

/// The command that makes a TLS Secret.
pub fn tls_secret(secret: &ObjectName) -> String {
    format!(
        "kubectl create secret tls {} -n {} --cert=CHAIN.pem --key=KEY.pem",
        secret.name, secret.namespace
    )
}

/// The command that makes a ConfigMap with the certificate of an authority.
pub fn ca_map(map: &ObjectName) -> String {
    format!(
        "kubectl create configmap {} -n {} --from-file=ca.crt=CA.pem",
        map.name, map.namespace
    )
}

/// At most two typing errors, and not everything is near a short name.
fn is_near(wanted: &str, name: &str) -> bool {
    strsim::osa_distance(wanted, name) <= 2.min(wanted.len() / 3)
}

#[cfg(test)]
mod tests {
    use super::instead;

    #[test]
    fn near_names_come_before_all_names() {
        let names = || ["web", "webapp", "shop"].map(String::from);
        assert_eq!(instead("wepapp", names()), "did you mean \"webapp\"?");
        assert_eq!(
            instead("db", names()),
            "there is \"shop\", \"web\", \"webapp\""
        );
        assert_eq!(instead("db", []), "there is none");
        let many = (0..9).map(|n| format!("service-{n}"));
        assert_eq!(
            instead("x", many),
            "there is \"service-0\", \"service-1\", \"service-2\", \"service-3\", \"service-4\" and others"
        );
    }
}
