//! HTTPRoutes of examples/demo, through hyper.

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    report::{Answer, HttpReport},
};

const BODY: u64 = 10_000_000;

fn ask(bed: &Bed, host: &str, more: &str) -> Result<HttpReport> {
    let report = bed.http(&format!(
        "--to {GATEWAY}:80 --host {host}.example.com {more}"
    ))?;
    ensure!(report.failed == 0, "{host} {more}: {:?}", report.errors);
    Ok(report)
}

fn last(report: HttpReport) -> Result<Answer> {
    report.last.context("no answer")
}

#[test]
fn routes_by_host_and_header() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    for (host, more, version) in [
        ("hello", "", "v1"),
        ("canary", "", "v1"),
        ("canary", "--header X-Version:v2", "v2"),
        ("canary", "--header X-Version:v3", "v1"),
    ] {
        let report = ask(&bed, host, &format!("--count 20 {more}"))?;
        ensure!(
            report.versions.get(version) == Some(&20),
            "{host} {more}: {report:?}"
        );
        ensure!(
            report.connections == 1,
            "{host}: the connection was not kept: {report:?}"
        );
    }
    let nobody = ask(&bed, "nobody", "--count 1")?;
    ensure!(nobody.statuses.get(&404) == Some(&1), "{nobody:?}");
    Ok(())
}

#[test]
fn splits_by_weight() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let report = ask(&bed, "shop", "--count 2000 --connections 8")?;
    let v2 = report.versions.get("v2").copied().unwrap_or(0);
    ensure!(report.statuses.get(&200) == Some(&2000), "{report:?}");
    // 20 % of 2,000, and 5 standard deviations of a fair draw to each side.
    ensure!((310..=490).contains(&v2), "{v2} of 2000 went to v2");
    Ok(())
}

#[test]
fn redirects_to_https() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let answer = last(ask(&bed, "secure", "--count 1 --path /login?next=%2F")?)?;
    ensure!(answer.status == 301, "{answer:?}");
    let location = answer.headers.get("location").map(String::as_str);
    ensure!(
        location == Some("https://secure.example.com/login?next=%2F"),
        "{answer:?}"
    );
    Ok(())
}

#[test]
fn backend_sees_host_path_body_and_client() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let more = format!("--count 1 --method POST --body {BODY} --path /a/b?c=d");
    let seen = last(ask(&bed, "hello", &more)?)?
        .seen
        .context("the backend did not answer")?;
    ensure!(seen.method == "POST" && seen.path == "/a/b?c=d", "{seen:?}");
    ensure!(seen.body == BODY, "{} bytes of body arrived", seen.body);
    for (name, value) in [
        ("host", "hello.example.com"),
        ("x-forwarded-for", "10.77.0.2"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "hello.example.com"),
    ] {
        ensure!(
            seen.headers.get(name).map(String::as_str) == Some(value),
            "{name}: {seen:?}"
        );
    }
    Ok(())
}
