//! Everything that changes in a busy cluster, at once and all the time: no request may notice.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    measured::measured,
    process::Process,
    report::HttpReport,
    wait::wait_until,
};

use crate::tcp::LIMIT;

mod paced;
mod secret;

use paced::Paced;
use secret::Certificates;

const HOST: &str = "shop.example.com";
/// What the same requests take while nothing changes is measured for so long.
const QUIET: Duration = Duration::from_secs(10);
const LASTS: Duration = Duration::from_secs(60);
/// Between two changes; each writes several files.
const PAUSE: Duration = Duration::from_millis(100);

/// Kept connections of both versions, and one for each request.
const LOADS: [&str; 3] = [
    "--connections 4 --pause 1",
    "--connections 2 --pause 1 --http2",
    // A client has 28,000 ports, and each is used once a minute.
    "--connections 1 --pause 4 --fresh",
];

#[test]
fn no_request_fails_while_everything_changes() -> Result<()> {
    let bed = Bed::new()?;
    let certificates = Certificates::new(HOST)?;
    change(&bed, &certificates, 0)?;
    let daemon = bed.daemon()?;
    let mut loads = Vec::new();
    for (index, options) in LOADS.iter().enumerate() {
        let arguments = format!("http --to {GATEWAY}:80 --host {HOST} {options}");
        loads.push(bed.start(&format!("load-{index}"), &arguments)?);
    }
    for load in &mut loads {
        load.goes_on(100)?;
    }
    let quiet = Paced::start(&bed, &certificates, QUIET)?.finish()?;
    let paced = Paced::start(&bed, &certificates, LASTS)?;
    let (start, mut round) = (Instant::now(), 0);
    while start.elapsed() < LASTS {
        round += 1;
        change(&bed, &certificates, round)?;
        sleep(PAUSE);
    }
    for ((name, quiet), (_, busy)) in quiet.into_iter().zip(paced.finish()?) {
        measured(format_args!(
            "{name}: 99 of 100 requests took {quiet} us while nothing changed, {busy} us meanwhile"
        ));
    }
    for (mut load, options) in loads.into_iter().zip(LOADS) {
        // Not merely spared for lack of requests.
        load.goes_on(100)?;
        nothing_failed(load, options)?;
    }
    // Certificates have changed, too.
    let only = certificates.only(&bed, round)?;
    wait_until(LIMIT, "the last certificate is shown", || {
        paced::is_served(&bed, &only)
    })?;
    ensure!(!paced::is_served(
        &bed,
        &certificates.only(&bed, round + 1)?
    )?);
    measured(format_args!(
        "{round} changes in {LASTS:?} without a failed request"
    ));
    let log = daemon.log();
    ensure!(!log.contains("panicked"), "{log}");
    Ok(())
}

fn nothing_failed(load: Process, options: &str) -> Result<()> {
    let report: HttpReport = load.finish()?;
    ensure!(
        report.failed == 0 && report.statuses.get(&200) == Some(&report.sent),
        "{options}: {} of {} failed, {:?}, {:?}",
        report.failed,
        report.sent,
        report.statuses,
        report.errors
    );
    // The weights moved to both ends.
    let versions: Vec<_> = report.versions.keys().collect();
    ensure!(versions.len() > 1, "{options}: only {versions:?} answered");
    measured(format_args!(
        "{options}: {} requests, none failed",
        report.sent
    ));
    Ok(())
}

fn change(bed: &Bed, certificates: &Certificates, round: u32) -> Result<()> {
    let gateway = include_str!("../../examples/demo/gateway.yaml");
    let split = include_str!("../../examples/demo/http-split.yaml");
    let services = include_str!("../../examples/demo/services.yaml");
    // 100 to 0 and back again, in steps of ten. For the listener with TLS as well.
    let share = (i64::from(round % 20) - 10).unsigned_abs() * 10;
    let weights = split
        .replace("weight: 80", &format!("weight: {share}"))
        .replace("weight: 20", &format!("weight: {}", 100 - share))
        .replace("      sectionName: http\n", "");
    bed.config.write("http-split.yaml", &weights)?;

    certificates.put(bed, round)?;

    // A listener with a route of its own, beside those that carry the load.
    let extra = "    - name: extra\n      protocol: HTTP\n      port: 8081\n";
    let extra = if round % 4 < 2 { extra } else { "" };
    bed.config
        .write("gateway.yaml", &format!("{gateway}{SECURE}{extra}"))?;

    // A rollout: the other servers of each version take over, the first is still there.
    let rolled = match round % 6 {
        0..3 => services.replace("[10.77.1.2]", "[10.77.0.1]"),
        _ => services.to_owned(),
    };
    bed.config.write("services.yaml", &rolled)?;

    bed.config.write(
        "extra.yaml",
        &ROUTE.replace("NAME", &format!("extra-{round}")),
    )?;
    if round % 7 == 6 {
        bed.config.remove("extra.yaml")?;
    }
    Ok(())
}

const SECURE: &str = "    - name: secure
      protocol: HTTPS
      port: 443
      hostname: shop.example.com
      tls: {certificateRefs: [{name: shop}]}
";

const ROUTE: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: default}
spec:
  parentRefs: [{name: demo}]
  hostnames: [NAME.example.com, '*.NAME.example.com']
  rules:
  - matches: [{path: {type: RegularExpression, value: '/[a-z]+'}}]
    backendRefs: [{name: web-v1, port: 80}]
  - backendRefs: [{name: web-v2, port: 80}]
";
