//! What a Go test binary prints with `-test.v`: which test runs, and what became of each.

use std::time::Duration;

/// The one test function of the suite; each conformance test is a subtest of it.
const PARENT: &str = "TestConformance/";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    Failed,
    /// Left out by a flag, or its features are not claimed.
    Skipped,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ended {
    pub(super) name: String,
    pub(super) verdict: Verdict,
    pub(super) took: Duration,
}

/// What a line tells about one of the suite's tests.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    Started(String),
    Ended(Ended),
}

/// `None` for output of the tests themselves, and for their subtests.
pub(super) fn read(line: &str) -> Option<Line> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("=== RUN ") {
        return test(name.trim()).map(Line::Started);
    }
    let (verdict, rest) = line.strip_prefix("--- ")?.split_once(": ")?;
    let verdict = match verdict {
        "PASS" => Verdict::Passed,
        "FAIL" => Verdict::Failed,
        "SKIP" => Verdict::Skipped,
        _ => return None,
    };
    let (name, took) = rest.split_once(" (")?;
    let took: f64 = took.strip_suffix("s)")?.parse().ok()?;
    let took = Duration::try_from_secs_f64(took).ok()?;
    test(name).map(|name| {
        Line::Ended(Ended {
            name,
            verdict,
            took,
        })
    })
}

fn test(name: &str) -> Option<String> {
    let name = name.strip_prefix(PARENT)?;
    (!name.contains('/')).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_from_subtests_and_from_output() {
        let ended = |verdict, millis| {
            Some(Line::Ended(Ended {
                name: "HTTPRouteWeight".into(),
                verdict,
                took: Duration::from_millis(millis),
            }))
        };
        let cases = [
            (
                "=== RUN   TestConformance/HTTPRouteWeight",
                Some(Line::Started("HTTPRouteWeight".into())),
            ),
            ("=== RUN   TestConformance", None),
            ("=== RUN   TestConformance/HTTPRouteWeight/one", None),
            (
                "    --- PASS: TestConformance/HTTPRouteWeight (12.34s)",
                ended(Verdict::Passed, 12_340),
            ),
            (
                "    --- FAIL: TestConformance/HTTPRouteWeight (0.00s)",
                ended(Verdict::Failed, 0),
            ),
            (
                "    --- SKIP: TestConformance/HTTPRouteWeight (0.00s)",
                ended(Verdict::Skipped, 0),
            ),
            (
                "        --- FAIL: TestConformance/HTTPRouteWeight/one (1.00s)",
                None,
            ),
            ("--- PASS: TestConformance (900.00s)", None),
            ("    --- well: TestConformance/X (1.00s)", None),
            ("    apply.go:275: 2026 --- Creating thing", None),
        ];
        for (line, expected) in cases {
            assert_eq!(read(line), expected, "{line}");
        }
    }
}
