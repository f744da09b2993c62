//! Candidates by a regular expression of the path.
//!
//! Most expressions begin with path elements that are plain text: a tree of these leaves few expressions
//! to try, however many routes a host has.

use regex::Regex;
use regex_syntax::hir::{Hir, HirKind, Look};

use super::{matcher::Probe, paths::Candidate, tree::Tree};

/// At the root are the expressions that begin with no plain element.
#[derive(Debug, Default)]
pub(super) struct Patterns(Tree<(Regex, Candidate)>);

impl Patterns {
    pub(super) fn insert(&mut self, regex: Regex, candidate: Candidate) {
        let plain = plain(regex.as_str());
        self.0.at(complete(&plain)).push((regex, candidate));
    }

    /// Puts candidates in the order of their ranks; call it after the last insert.
    pub(super) fn sort(&mut self) {
        self.0
            .each(&|all| all.sort_by(|a, b| a.1.rank.cmp(&b.1.rank)));
    }

    /// The best that matches and whose conditions hold.
    pub(super) fn first(&self, probe: &Probe<'_>) -> Option<&Candidate> {
        let path = probe.head.path;
        let elements = path.strip_prefix('/').map(|path| path.split('/'));
        let along = self.0.along(elements.into_iter().flatten());
        let found = along.filter_map(|all| {
            let mut all = all.iter();
            all.find(|(regex, c)| c.conditions.hold(probe) && regex.is_match(path))
        });
        let candidates = found.map(|(_, candidate)| candidate);
        candidates.min_by(|a, b| a.rank.cmp(&b.rank))
    }
}

/// The elements that end within a plain beginning of a path.
fn complete(plain: &str) -> impl Iterator<Item = &str> {
    let end = plain.rfind('/').unwrap_or(0);
    let elements = plain[..end].strip_prefix('/');
    elements.into_iter().flat_map(|all| all.split('/'))
}

/// The plain text that everything begins with that an expression matches.
fn plain(pattern: &str) -> String {
    let mut text = Vec::new();
    match regex_syntax::parse(pattern) {
        Ok(hir) if hir.properties().look_set_prefix().contains(Look::Start) => {
            take(&hir, &mut text);
        }
        // It may begin anywhere.
        _ => {}
    }
    // Only whole characters.
    let valid = text.utf8_chunks().next();
    valid
        .map(|chunk| chunk.valid().to_owned())
        .unwrap_or_default()
}

/// Adds the plain text that it begins with; `false`: something else follows.
fn take(hir: &Hir, text: &mut Vec<u8>) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            text.extend_from_slice(&literal.0);
            true
        }
        HirKind::Capture(capture) => take(&capture.sub, text),
        HirKind::Concat(parts) => parts.iter().all(|part| take(part, text)),
        HirKind::Class(_) | HirKind::Repetition(_) | HirKind::Alternation(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_beginning_ends_where_something_else_may_follow() {
        for (pattern, expected) in [
            ("^(?:/a/b)$", "/a/b"),
            ("^(?:/a/b/v[0-9]+/.*)$", "/a/b/v"),
            ("^(?:/(a)/(?:b)c?)$", "/a/b"),
            ("^(?:/a\\.b/.*)$", "/a.b/"),
            ("^(?:/a|/b)$", ""),
            ("^(?:(?i)/a/b)$", "/"),
            ("^(?:.*/a)$", ""),
            ("/a/b", ""),
            ("^(?:(/a)?/b)$", ""),
        ] {
            assert_eq!(plain(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn only_elements_with_an_end_are_complete() {
        let of = |text| complete(text).collect::<Vec<_>>();
        assert_eq!(of("/a/b/v"), ["a", "b"]);
        assert_eq!(of("/a//b"), ["a", ""]);
        assert_eq!(of("/a/"), ["a"]);
        for none in ["", "/", "/a", "a"] {
            assert!(of(none).is_empty(), "{none}");
        }
    }
}
