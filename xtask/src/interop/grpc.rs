//! The interoperability tests of gRPC: the client and the server in Go, with us between them.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{
    Verdict,
    manifests::{ADDRESS, CALLS, CALLS_TLS, GRPC, NAME},
    site::{Ended, Site},
};

mod cases;

use cases::{ABSENT, CASES, Case, Group, LEFT_OUT};

/// For all cases on one listener, which take two seconds.
const LIMIT: Duration = Duration::from_secs(90);
const SHORT: Duration = Duration::from_secs(10);

pub(super) fn judge(site: &Site, client: &Path) -> Result<Vec<(&'static str, Verdict)>> {
    let certificate = site.certificate.display().to_string();
    let tls = [
        "--use_tls",
        // Its word for an authority from a file.
        "--use_test_ca",
        "--ca_file",
        &certificate,
        "--server_host_override",
        NAME,
    ];
    Ok(vec![
        ("gRPC, cleartext", on(site, client, CALLS, &[])),
        ("gRPC, TLS", on(site, client, CALLS_TLS, &tls)),
        ("gRPC, left out", left_out(site, client)?),
    ])
}

/// Every case on one listener.
fn on(site: &Site, client: &Path, port: u16, options: &[&str]) -> Verdict {
    let start = Instant::now();
    let mut objections = Vec::new();
    for case in CASES {
        let left = LIMIT.saturating_sub(start.elapsed());
        if left.is_zero() {
            objections.push(format!("{} did not run: no time is left", case.name));
            continue;
        }
        let ended = run(site, client, (ADDRESS, port), case, options, left);
        objections.extend(objection(case.name, &ended));
    }
    let passed = CASES.len() - objections.len();
    Verdict {
        summary: format!("{passed} of {} cases passed", CASES.len()),
        notes: Vec::new(),
        objections,
    }
}

fn run(
    site: &Site,
    client: &Path,
    (host, port): (&str, u16),
    case: &Case,
    options: &[&str],
    limit: Duration,
) -> Ended {
    let port = port.to_string();
    let to = ["--server_host", host, "--server_port", &port];
    let what = ["--test_case", case.name];
    let arguments = to.iter().chain(&what).chain(case.options).chain(options);
    site.run(case.name, client, arguments, limit)
}

fn objection(name: &str, ended: &Ended) -> Option<String> {
    let error = ended.result.as_ref().err()?;
    let said = ended.said.trim().replace('\n', "\n    ");
    Some(format!("{name} fails: {error}\n    {said}"))
}

/// Judges the lists: whatever the client offers is run or left out with a reason, and what is said
/// to fail without us does.
fn left_out(site: &Site, client: &Path) -> Result<Verdict> {
    let help = site.run("the client's help", client, ["--help"], SHORT);
    let offered = cases::offered(&help.said);
    ensure!(
        !offered.is_empty(),
        "the client does not list its cases:\n{}",
        help.said
    );
    let mut objections = cases::unlisted(&offered);
    for group in LEFT_OUT {
        objections.extend(control(site, client, group));
    }
    let groups = || LEFT_OUT.iter().chain(&[ABSENT]);
    let count: usize = groups().map(|group| group.names.len()).sum();
    let note = |group: &Group| format!("{}: {}", group.names.join(", "), group.reason);
    Ok(Verdict {
        summary: format!("{count} cases do not apply"),
        notes: groups().map(note).collect(),
        objections,
    })
}

/// Cases stay left out as long as the client says the same where it asks the server itself.
fn control(site: &Site, client: &Path, group: &Group) -> Vec<String> {
    let Some(expected) = group.without_us else {
        return Vec::new();
    };
    let differs = |name: &&'static str| {
        let case = Case { name, options: &[] };
        let ended = run(site, client, GRPC, &case, &[], SHORT);
        let stands = ended.result.is_err() && ended.said.contains(expected);
        (!stands).then(|| {
            format!(
                "{name} must not be left out, for without us the client says:\n{}",
                ended.said
            )
        })
    };
    group.names.iter().filter_map(differs).collect()
}
