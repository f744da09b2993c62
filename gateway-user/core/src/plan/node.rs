//! What the objects ask of the process of a node.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::Arc,
};

use wildmatch::WildMatch;

/// Nothing: the node chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeWish {
    /// Names of interfaces to serve on, or patterns, with the GatewayClasses that ask for each.
    pub interfaces: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Threads of the proxy.
    pub workers: Option<NonZeroU32>,
    /// Connections that the flow table holds.
    pub flows: Option<NonZeroU32>,
}

impl NodeWish {
    /// GatewayClasses that ask for this interface.
    pub fn asking(&self, interface: &str) -> BTreeSet<&Arc<str>> {
        let wanted = self.interfaces.iter();
        let wanted = wanted.filter(|(pattern, _)| selects(pattern, interface));
        wanted.flat_map(|(_, classes)| classes).collect()
    }
}

/// Whether a name may stand for several interfaces.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Whether `pattern` is the name of an interface, or fits it: `*` stands for any text, `?` for one
/// character.
pub fn selects(pattern: &str, interface: &str) -> bool {
    pattern == interface || WildMatch::new(pattern).matches(interface)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_names() {
        for (pattern, interface, fits) in [
            ("eth0", "eth0", true),
            ("eth0", "eth01", false),
            ("eth*", "eth0", true),
            ("eth*", "eth", true),
            ("eth*", "veth0", false),
            ("en?s0", "en1s0", true),
            ("en?s0", "ens0", false),
            ("*", "bond0", true),
        ] {
            assert_eq!(selects(pattern, interface), fits, "{pattern} {interface}");
        }
        assert!(is_pattern("eth*") && !is_pattern("eth0"));
    }

    #[test]
    fn classes_are_known_by_their_interfaces() {
        let classes = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect();
        let wish = NodeWish {
            interfaces: [
                ("eth*".into(), classes(&["a"])),
                ("eth1".into(), classes(&["b"])),
            ]
            .into(),
            ..NodeWish::default()
        };
        let asking = |interface| {
            wish.asking(interface)
                .into_iter()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(asking("eth1"), ["a".into(), "b".into()]);
        assert_eq!(asking("eth0"), ["a".into()]);
        assert_eq!(asking("lan"), []);
    }
}
