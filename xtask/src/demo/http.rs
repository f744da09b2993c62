//! The HTTP part of the demo: one row for each route.

use anyhow::Result;
use gateway_tests::{
    bed::{Bed, GATEWAY},
    report::HttpReport,
};

use super::row::{Row, counts, with_failures};

const REQUESTS: u64 = 1000;
/// Requests that a share of 20 % may lie beside 200: 4.7 standard deviations of a fair draw.
const TOLERANCE: u64 = 60;

pub(super) fn rows(bed: &Bed) -> Result<Vec<Row>> {
    let ask = |host: &str, more: &str| {
        bed.http(&format!(
            "--to {GATEWAY}:80 --host {host}.example.com {more}"
        ))
    };
    let hello = ask("hello", "--count 1")?;
    let split = ask("shop", &format!("--count {REQUESTS} --connections 4"))?;
    let plain = ask("canary", "--count 1")?;
    let header = ask("canary", "--count 1 --header X-Version:v2")?;
    let redirect = ask("secure", "--count 1 --path /login")?;
    let nobody = ask("nobody", "--count 1")?;
    let low = REQUESTS / 5 - TOLERANCE;
    let high = REQUESTS / 5 + TOLERANCE;
    Ok(vec![
        version("GET hello.example.com", "v1", &hello),
        split_row(
            &format!("v2 {low} to {high}, v1 the rest"),
            low..=high,
            &split,
        ),
        version("GET canary.example.com", "v1", &plain),
        version("GET canary.example.com, X-Version: v2", "v2", &header),
        location(
            "GET secure.example.com/login",
            "https://secure.example.com/login",
            &redirect,
        ),
        status("GET nobody.example.com", 404, &nobody),
    ])
}

fn version(sent: &str, expected: &str, report: &HttpReport) -> Row {
    let seen = with_failures(counts(&report.versions), report.failed, &report.errors);
    let right = report.failed == 0 && report.versions.get(expected) == Some(&report.sent);
    Row::new(sent, expected, seen, right)
}

fn split_row(expected: &str, share: std::ops::RangeInclusive<u64>, report: &HttpReport) -> Row {
    let of = |version| report.versions.get(version).copied().unwrap_or(0);
    let right = share.contains(&of("v2")) && of("v1") + of("v2") == report.sent;
    let seen = with_failures(counts(&report.versions), report.failed, &report.errors);
    let sent = format!("{} x GET shop.example.com, 80/20", report.sent);
    Row::new(&sent, expected, seen, right && report.failed == 0)
}

fn location(sent: &str, expected: &str, report: &HttpReport) -> Row {
    let answer = report.last.as_ref();
    let location = answer
        .and_then(|a| a.headers.get("location"))
        .map_or("", String::as_str);
    let seen = with_failures(counts(&report.statuses), report.failed, &report.errors);
    let right = report.statuses.get(&301) == Some(&1) && location == expected;
    Row::new(
        sent,
        &format!("301 {expected}"),
        format!("{seen}: {location}"),
        right,
    )
}

fn status(sent: &str, expected: u16, report: &HttpReport) -> Row {
    let seen = with_failures(counts(&report.statuses), report.failed, &report.errors);
    let right = report.statuses.get(&expected) == Some(&report.sent);
    Row::new(sent, &format!("status {expected}"), seen, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(v1: u64, v2: u64, failed: u64) -> HttpReport {
        HttpReport {
            sent: v1 + v2 + failed,
            failed,
            versions: [("v1".to_owned(), v1), ("v2".to_owned(), v2)].into(),
            ..HttpReport::default()
        }
    }

    #[test]
    fn a_split_is_right_within_its_range_and_without_failures() {
        let right = |v1, v2, failed| split_row("", 140..=260, &report(v1, v2, failed)).right;
        assert!(right(800, 200, 0));
        assert!(!right(1000, 0, 0));
        assert!(!right(500, 500, 0));
        assert!(!right(799, 200, 1));
    }

    #[test]
    fn the_wrong_version_is_wrong() {
        assert!(version("", "v1", &report(1, 0, 0)).right);
        assert!(!version("", "v1", &report(0, 1, 0)).right);
        assert!(!version("", "v1", &report(1, 0, 1)).right);
    }
}
