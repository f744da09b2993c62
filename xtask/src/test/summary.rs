//! The sum over the results that the test binaries print.

use std::fmt;

/// Ignored tests count as failed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) passed: u64,
    pub(super) failed: u64,
    names: Vec<String>,
}

impl Summary {
    /// Takes a line of libtest's output; lines of the tests themselves change nothing.
    pub(super) fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed") + count(counts, "ignored");
        } else if let Some(test) = line.strip_prefix("test ")
            && let Some((name, outcome)) = test.rsplit_once(" ... ")
            && (outcome == "FAILED" || outcome.starts_with("ignored"))
        {
            self.names.push(name.to_owned());
        }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The number before `word` in `ok. 3 passed; 1 failed; ...`.
fn count(counts: &str, word: &str) -> u64 {
    let mut words = counts.split([' ', ';']).filter(|w| !w.is_empty());
    let mut before = None;
    let found = words.find(|w| {
        *w == word || {
            before = Some(*w);
            false
        }
    });
    found.and(before).and_then(|n| n.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_summed_over_binaries_and_ignored_is_failed() {
        let mut summary = Summary::default();
        for line in [
            "running 3 tests",
            "test one ... ok",
            "test two::inner ... FAILED",
            "test three ... ignored, too slow",
            "test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "a test that prints: 7 passed; 7 failed",
        ] {
            summary.read(line);
        }
        assert_eq!(summary.to_string(), "41 passed, 2 failed");
        assert_eq!(summary.names(), ["two::inner", "three"]);
    }
}
