//! Names of the objects that stand for Gateways.

use std::collections::BTreeSet;

use crate::{hash::stable, name::ObjectName};

/// Characters of a DNS label, and of the value of a label.
const LONGEST: usize = 63;

/// Names that are given out, each once.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<ObjectName>,
}

impl Names {
    /// The name of a Gateway's Service: `<gateway>-<class>` (GEP-1762). Where that is no name for
    /// a Service, or another Gateway's, it is changed as little as possible and ends in a hash.
    pub(super) fn service(&mut self, gateway: &ObjectName, class: &str) -> ObjectName {
        let plain = format!("{}-{class}", gateway.name);
        let of = |name: String| ObjectName::new(gateway.namespace.clone(), name);
        // No class has a slash in its name: every pair has texts of its own.
        let unique = format!("{}/{class}", gateway.name);
        let first = is_label(&plain).then(|| plain.clone());
        let hashed = (0..).map(|seed| hashed(&label(&plain), &unique, seed));
        let mut names = first.into_iter().chain(hashed).map(of);
        let free = names.find(|name| !self.taken.contains(name));
        let name = free.unwrap_or_else(|| of(plain));
        self.taken.insert(name.clone());
        name
    }
}

/// A name as the value of a label, which may not be as long.
pub(super) fn label_value(name: &str) -> String {
    if name.len() <= LONGEST {
        name.to_owned()
    } else {
        hashed(name, name, 0)
    }
}

/// `text`, shortened if need be, and a hash of `unique`.
fn hashed(text: &str, unique: &str, seed: u64) -> String {
    let hash = format!("{:08x}", stable(unique.as_bytes(), seed) >> 32);
    let end = text.floor_char_boundary(LONGEST - hash.len() - 1);
    let start = text[..end].trim_end_matches(['-', '.']);
    format!("{start}-{hash}")
}

/// A name of a Service (RFC 1035): it does not begin with a digit, and has no dots.
fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(inner)
}

/// The beginning of such a name, from that of another kind of object (RFC 1123).
fn label(text: &str) -> String {
    let text = text.replace('.', "-");
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        format!("gateway-{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(gateway: &str, class: &str) -> String {
        let name = Names::default().service(&ObjectName::new("shop", gateway), class);
        assert_eq!(&*name.namespace, "shop");
        assert!(is_label(&name.name), "{name}");
        name.name.to_string()
    }

    #[test]
    fn a_service_is_named_after_gateway_and_class_where_it_can_be() {
        assert_eq!(name("web", "xdp-gateway"), "web-xdp-gateway");
        let longest = "g".repeat(LONGEST - 2);
        assert_eq!(name(&longest, "c"), format!("{longest}-c"));
        // Fixed for all time: a new version must not make Services anew.
        let too_long = "g".repeat(LONGEST - 1);
        let shortened = format!("{}-616de1da", "g".repeat(54));
        assert_eq!(name(&too_long, "c"), shortened);
        assert_eq!(name("web.example.com", "c"), "web-example-com-c-233ab3b0");
        assert_eq!(name("10", "c"), "gateway-10-c-e22ca5f5");
        let dotted = format!("{}.{}", "g".repeat(53), "g".repeat(20));
        assert!(name(&dotted, "c").starts_with(&format!("{}-", "g".repeat(53))));
    }

    #[test]
    fn two_gateways_never_share_a_name() {
        let mut names = Names::default();
        let mut of = |namespace: &str, gateway: &str, class: &str| {
            let name = names.service(&ObjectName::new(namespace, gateway), class);
            name.to_string()
        };
        assert_eq!(of("shop", "a", "b-c"), "shop/a-b-c");
        assert_eq!(of("other", "a-b", "c"), "other/a-b-c");
        let second = of("shop", "a-b", "c");
        assert!(second.starts_with("shop/a-b-c-"), "{second}");
        // Named as the second, by chance.
        let third = of(
            "shop",
            second.trim_start_matches("shop/").trim_end_matches("-c"),
            "c",
        );
        assert_ne!(third, second);
    }

    #[test]
    fn values_of_labels_are_short_enough() {
        assert_eq!(label_value("web.example.com"), "web.example.com");
        let long = format!("{}.{}", "g".repeat(53), "g".repeat(190));
        let value = label_value(&long);
        assert!(
            value.len() <= LONGEST && value.starts_with(&"g".repeat(53)),
            "{value}"
        );
        assert_ne!(value, label_value(&format!("{long}g")));
    }
}
