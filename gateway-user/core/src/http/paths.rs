//! The routes of one host by path: a hash map for exact paths, trees of path elements for prefixes and
//! regular expressions.

use std::sync::Arc;

use foldhash::HashMap;

use super::{
    filter,
    matcher::{Conditions, Probe},
    patterns::Patterns,
    rank::Rank,
    rule::Rule,
};
use crate::plan::{HttpMatch, PathMatch};

/// One match of one rule.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) rank: Rank,
    pub(super) conditions: Conditions,
    pub(super) rule: Arc<Rule>,
    /// The path prefix that led here, if it was one.
    pub(super) prefix: Option<Arc<str>>,
}

#[derive(Debug, Default)]
pub(super) struct Paths {
    exact: HashMap<Arc<str>, Vec<Candidate>>,
    regex: Patterns,
    prefix: Node,
    /// Patterns of gRPC services and methods.
    methods: Patterns,
}

/// A path element; the root stands for the prefix `/`.
#[derive(Debug, Default)]
struct Node {
    candidates: Vec<Candidate>,
    children: HashMap<Box<str>, Node>,
}

impl Paths {
    pub(super) fn insert(&mut self, rank: Rank, of: &HttpMatch, rule: &Arc<Rule>) {
        let candidate = |prefix| Candidate {
            rank,
            conditions: Conditions::new(of, filter::cors(&rule.filters).is_some()),
            rule: rule.clone(),
            prefix,
        };
        match &of.path {
            PathMatch::Exact(path) => {
                let same = self.exact.entry(path.clone()).or_default();
                same.push(candidate(None));
            }
            PathMatch::Regex(regex) => self.regex.insert(regex.clone(), candidate(None)),
            PathMatch::Method(pattern) => {
                self.methods.insert(pattern.regex.clone(), candidate(None));
            }
            PathMatch::Prefix(path) => {
                let node = elements(path).fold(&mut self.prefix, |node, element| {
                    node.children.entry(element.into()).or_default()
                });
                node.candidates.push(candidate(Some(path.clone())));
            }
        }
    }

    /// Puts candidates in the order of their ranks; call it after the last insert.
    pub(super) fn sort(&mut self) {
        for same in self.exact.values_mut() {
            same.sort_by(|a, b| a.rank.cmp(&b.rank));
        }
        self.regex.sort();
        self.methods.sort();
        self.prefix.sort();
    }

    /// The best candidate whose conditions hold. Exact paths, regular expressions and prefixes
    /// are tried in this order, and longer prefixes first, because ranks compare the path first.
    /// Patterns of gRPC methods come between the prefixes and the last of them, `/`.
    pub(super) fn find(&self, probe: &Probe<'_>) -> Option<&Candidate> {
        let path = probe.head.path;
        let exact = self.exact.get(path);
        let exact = exact.and_then(|same| same.iter().find(|c| c.conditions.hold(probe)));
        exact.or_else(|| self.regex.first(probe)).or_else(|| {
            let method = self.methods.first(probe);
            let found = method.into_iter().chain(self.find_prefix(probe));
            found.min_by(|a, b| a.rank.cmp(&b.rank))
        })
    }

    fn find_prefix(&self, probe: &Probe<'_>) -> Option<&Candidate> {
        let path = probe.head.path;
        if !path.starts_with('/') {
            return None;
        }
        // Depth is bounded by the configured prefixes, whatever the request's path is.
        let mut node = &self.prefix;
        let mut best = node.first(probe);
        for element in elements(path) {
            let Some(child) = node.children.get(element) else {
                break;
            };
            node = child;
            best = node.first(probe).or(best);
        }
        best
    }
}

impl Node {
    fn sort(&mut self) {
        self.candidates.sort_by(|a, b| a.rank.cmp(&b.rank));
        self.children.values_mut().for_each(Self::sort);
    }

    fn first(&self, probe: &Probe<'_>) -> Option<&Candidate> {
        self.candidates.iter().find(|c| c.conditions.hold(probe))
    }
}

/// Elements of a path, without the one empty element that a final `/` makes. Empty elements in
/// the middle count: `/a//b` is not below `/a/b`.
fn elements(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let all = (!path.is_empty()).then(|| path.split('/'));
    all.into_iter().flatten()
}
