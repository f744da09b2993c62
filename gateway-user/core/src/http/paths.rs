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
    tree::Tree,
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
    /// At the root those of `/`.
    prefix: Tree<Candidate>,
    /// Patterns of gRPC services and methods.
    methods: Patterns,
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
                let same = self.prefix.at(elements(path));
                same.push(candidate(Some(path.clone())));
            }
        }
    }

    /// Puts candidates in the order of their ranks; call it after the last insert.
    pub(super) fn sort(&mut self) {
        self.exact.values_mut().for_each(|same| by_rank(same));
        self.regex.sort();
        self.methods.sort();
        self.prefix.each(&by_rank);
    }

    /// The best candidate whose conditions hold. Exact paths, regular expressions and prefixes
    /// are tried in this order, and longer prefixes first, because ranks compare the path first.
    /// Patterns of gRPC methods come between the prefixes and the last of them, `/`.
    pub(super) fn find(&self, probe: &Probe<'_>) -> Option<&Candidate> {
        let path = probe.head.path;
        let exact = self.exact.get(path);
        let exact = exact.and_then(|same| first(same, probe));
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
        let along = self.prefix.along(elements(path));
        along.filter_map(|same| first(same, probe)).last()
    }
}

fn by_rank(same: &mut [Candidate]) {
    same.sort_by(|a, b| a.rank.cmp(&b.rank));
}

/// The first whose conditions hold.
fn first<'c>(same: &'c [Candidate], probe: &Probe<'_>) -> Option<&'c Candidate> {
    same.iter().find(|c| c.conditions.hold(probe))
}

/// Elements of a path, without the one empty element that a final `/` makes. Empty elements in
/// the middle count: `/a//b` is not below `/a/b`.
fn elements(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let all = (!path.is_empty()).then(|| path.split('/'));
    all.into_iter().flatten()
}
