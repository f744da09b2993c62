//! The suite's report (conformance/apis/v1 of the Gateway API), as far as our table needs it.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Report {
    pub(super) profiles: Vec<Profile>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Profile {
    pub(super) name: String,
    #[serde(default)]
    pub(super) core: Status,
    pub(super) extended: Option<Extended>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) statistics: Statistics,
    #[serde(default)]
    pub(super) failed_tests: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extended {
    #[serde(flatten)]
    pub(super) status: Status,
    #[serde(default)]
    pub(super) supported_features: Vec<String>,
    #[serde(default)]
    pub(super) unsupported_features: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Statistics {
    pub(super) passed: u32,
    pub(super) skipped: u32,
    pub(super) failed: u32,
}

impl Statistics {
    pub(super) fn all(self) -> u32 {
        self.passed + self.skipped + self.failed
    }
}

pub(super) fn read(path: &Path) -> Result<Report> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("the suite left no report at {}", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

fn parse(text: &str) -> Result<Report> {
    let mut report: Report = serde_saphyr::from_str(text)?;
    ensure!(!report.profiles.is_empty(), "no test of any profile ran");
    // The suite lists them in no particular order.
    report.profiles.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in super::super) const TEXT: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: ConformanceReport
profiles:
- name: GATEWAY-TLS
  core:
    result: failure
    statistics: {Passed: 18, Skipped: 0, Failed: 1}
    failedTests: [TLSRouteSimpleSameNamespace]
- name: GATEWAY-HTTP
  core:
    result: success
    statistics: {Passed: 36, Skipped: 0, Failed: 0}
  extended:
    result: partial
    statistics: {Passed: 2, Skipped: 1, Failed: 0}
    supportedFeatures: [HTTPRouteMethodMatching]
    unsupportedFeatures: [HTTPRouteCORS, HTTPRouteRetry]
";

    #[test]
    fn profiles_come_in_the_order_of_names() {
        let report = parse(TEXT).expect("a report");
        let names: Vec<_> = report.profiles.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["GATEWAY-HTTP", "GATEWAY-TLS"]);
        assert_eq!(report.profiles[0].core.statistics.passed, 36);
        let extended = report.profiles[0].extended.as_ref().expect("extended");
        assert_eq!(extended.status.statistics.all(), 3);
        assert_eq!(extended.unsupported_features.len(), 2);
        let failed = &report.profiles[1].core.failed_tests;
        assert_eq!(failed[..], ["TLSRouteSimpleSameNamespace"]);
    }

    #[test]
    fn a_report_of_nothing_is_an_error() {
        assert!(parse("profiles: []").is_err());
    }
}
