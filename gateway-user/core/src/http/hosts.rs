//! A map from host patterns, looked up from the most to the least specific one.

use std::sync::Arc;

use foldhash::HashMap;

use crate::plan::HostPattern;

/// Values by host pattern. Patterns are lower-case, and so must the names asked for be.
#[derive(Debug)]
pub(super) struct Hosts<T> {
    exact: HashMap<Arc<str>, T>,
    /// By what follows `*.`.
    suffix: HashMap<Arc<str>, T>,
    any: Option<T>,
}

impl<T> Default for Hosts<T> {
    fn default() -> Self {
        Self {
            exact: HashMap::default(),
            suffix: HashMap::default(),
            any: None,
        }
    }
}

impl<T> Hosts<T> {
    /// The value of exactly this pattern, made by `new` if there is none.
    pub(super) fn entry(&mut self, pattern: &HostPattern, new: impl FnOnce() -> T) -> &mut T {
        match pattern {
            HostPattern::Exact(name) => self.exact.entry(name.clone()).or_insert_with(new),
            HostPattern::Suffix(name) => self.suffix.entry(name.clone()).or_insert_with(new),
            HostPattern::Any => self.any.get_or_insert_with(new),
        }
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let named = self.exact.values_mut().chain(self.suffix.values_mut());
        named.chain(self.any.as_mut())
    }

    /// Every value whose pattern takes `host`, the most specific first: the name itself, then
    /// wildcards from the longest, then "any". An empty host is only taken by "any".
    pub(super) fn matching<'a>(&'a self, host: &str) -> impl Iterator<Item = &'a T> {
        let exact = self.exact.get(host);
        // Without wildcards there is nothing to walk the labels for.
        let labels = if self.suffix.is_empty() { "" } else { host };
        let suffixes = labels.bytes().enumerate().filter(|(_, byte)| *byte == b'.');
        let suffix = suffixes.filter_map(|(dot, _)| self.suffix.get(&host[dot + 1..]));
        exact.into_iter().chain(suffix).chain(self.any.as_ref())
    }
}

/// `*` is any host, `*.x` a wildcard.
#[cfg(test)]
pub(super) fn pattern(text: &str) -> HostPattern {
    match text.strip_prefix("*.") {
        Some(rest) => HostPattern::Suffix(rest.into()),
        None if text == "*" => HostPattern::Any,
        None => HostPattern::Exact(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(patterns: &[&str]) -> Hosts<String> {
        let mut hosts = Hosts::default();
        for text in patterns {
            hosts.entry(&pattern(text), || (*text).to_owned());
        }
        hosts
    }

    #[test]
    fn the_most_specific_pattern_comes_first() {
        let hosts = hosts(&["*", "*.com", "*.example.com", "a.example.com"]);
        let cases: &[(&str, &[&str])] = &[
            (
                "a.example.com",
                &["a.example.com", "*.example.com", "*.com", "*"],
            ),
            ("b.example.com", &["*.example.com", "*.com", "*"]),
            ("x.b.example.com", &["*.example.com", "*.com", "*"]),
            ("example.com", &["*.com", "*"]),
            ("com", &["*"]),
            ("", &["*"]),
            ("badexample.com", &["*.com", "*"]),
        ];
        for (host, expected) in cases {
            assert_eq!(
                hosts.matching(host).collect::<Vec<_>>(),
                *expected,
                "{host}"
            );
        }
    }

    #[test]
    fn a_wildcard_needs_a_label_before_it() {
        let hosts = hosts(&["*.example.com"]);
        assert_eq!(hosts.matching("example.com").count(), 0);
        assert_eq!(hosts.matching("a.example.com").count(), 1);
    }
}
