//! The outcome for people: a row for each profile, then each test with its time.

use std::fmt::Write as _;

use super::{
    report::{Profile, Report},
    results::{Ended, Verdict},
};

/// One row for each profile. Features are counted, not tests, where the suite lists features.
pub(super) fn profiles(report: &Report) -> String {
    let mut text = format!(
        "{:<14} {:>12} {:>16} {:>26}\n",
        "profile", "core passed", "extended passed", "features claimed / of all"
    );
    for profile in &report.profiles {
        let _ = writeln!(text, "{}", row(profile));
    }
    for profile in &report.profiles {
        let extended = profile.extended.iter().map(|e| &e.status);
        for status in std::iter::once(&profile.core).chain(extended) {
            for test in &status.failed_tests {
                let _ = writeln!(text, "failed in {}: {test}", profile.name);
            }
        }
    }
    text
}

fn row(profile: &Profile) -> String {
    let core = profile.core.statistics;
    let core = format!("{} / {}", core.passed, core.all());
    let (extended, features) = match &profile.extended {
        None => ("0 / 0".to_owned(), "0".to_owned()),
        Some(extended) => {
            let tests = extended.status.statistics;
            let claimed = extended.supported_features.len();
            let all = claimed + extended.unsupported_features.len();
            (
                format!("{} / {}", tests.passed, tests.all()),
                format!("{claimed} / {all}"),
            )
        }
    };
    format!(
        "{:<14} {core:>12} {extended:>16} {features:>26}",
        profile.name
    )
}

/// Every test that ran, the longest first.
pub(super) fn times(tests: &[Ended]) -> String {
    let mut ran: Vec<_> = tests
        .iter()
        .filter(|test| test.verdict != Verdict::Skipped)
        .collect();
    ran.sort_by(|a, b| b.took.cmp(&a.took).then_with(|| a.name.cmp(&b.name)));
    let mut text = String::new();
    for test in &ran {
        let word = match test.verdict {
            Verdict::Failed => "FAILED",
            Verdict::Passed | Verdict::Skipped => "passed",
        };
        let _ = writeln!(
            text,
            "{:>8.2} s  {word}  {}",
            test.took.as_secs_f64(),
            test.name
        );
    }
    let skipped = tests.len() - ran.len();
    let _ = writeln!(
        text,
        "{} ran, {skipped} need features that are not claimed",
        ran.len()
    );
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_profile_shows_its_tests_and_its_features() {
        let yaml = "
profiles:
- name: GATEWAY-HTTP
  core: {statistics: {Passed: 35, Skipped: 0, Failed: 1}, failedTests: [HTTPRouteWeight]}
  extended:
    statistics: {Passed: 2, Skipped: 0, Failed: 0}
    supportedFeatures: [A]
    unsupportedFeatures: [B, C]
- name: GATEWAY-TCP
  core: {statistics: {Passed: 18, Skipped: 0, Failed: 0}}
";
        let report: Report = serde_saphyr::from_str(yaml).expect("a report");
        let shown = profiles(&report);
        let lines: Vec<Vec<&str>> = shown
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines[1],
            [
                "GATEWAY-HTTP",
                "35",
                "/",
                "36",
                "2",
                "/",
                "2",
                "1",
                "/",
                "3"
            ]
        );
        assert_eq!(lines[2][..4], ["GATEWAY-TCP", "18", "/", "18"]);
        assert_eq!(
            lines[3].join(" "),
            "failed in GATEWAY-HTTP: HTTPRouteWeight"
        );
    }

    #[test]
    fn the_longest_test_comes_first_and_skipped_ones_are_counted() {
        let test = |name: &str, verdict, millis| Ended {
            name: name.into(),
            verdict,
            took: Duration::from_millis(millis),
        };
        let shown = times(&[
            test("Short", Verdict::Passed, 10),
            test("Off", Verdict::Skipped, 0),
            test("Long", Verdict::Failed, 2_500),
        ]);
        assert_eq!(
            shown,
            "    2.50 s  FAILED  Long\n    0.01 s  passed  Short\n\
             2 ran, 1 need features that are not claimed\n"
        );
    }
}
