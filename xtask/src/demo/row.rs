//! One line of the demo's table.

use std::{collections::BTreeMap, fmt::Display};

pub(super) struct Row {
    pub(super) sent: String,
    pub(super) expected: String,
    pub(super) seen: String,
    /// What was seen is what was expected.
    pub(super) right: bool,
}

impl Row {
    pub(super) fn new(sent: &str, expected: &str, seen: String, right: bool) -> Self {
        let (sent, expected) = (sent.to_owned(), expected.to_owned());
        Self {
            sent,
            expected,
            seen,
            right,
        }
    }
}

/// `v1 800, v2 200`
pub(super) fn counts<K: Display>(counts: &BTreeMap<K, u64>) -> String {
    let counts: Vec<_> = counts
        .iter()
        .map(|(what, n)| format!("{what} {n}"))
        .collect();
    if counts.is_empty() {
        "nothing".to_owned()
    } else {
        counts.join(", ")
    }
}

/// Appends what failed and why, if anything did.
pub(super) fn with_failures(seen: String, failed: u64, errors: &[String]) -> String {
    match errors.first() {
        Some(first) => format!("{seen}; {failed} failed: {first}"),
        None => seen,
    }
}
