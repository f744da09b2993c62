//! Changes of the configuration under load.

use std::time::Duration;

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    measured::measured,
    process::Process,
    report::{HttpReport, TcpReport},
    wait::wait_until,
};

const CHANGES: u32 = 20;
const LIMIT: Duration = Duration::from_secs(20);
const BYTES: u64 = 60_000_000;
/// Slow enough that the transfer lasts as long as the changes.
const RATE: u64 = 8_000_000;

#[test]
fn no_request_fails_while_routes_and_weights_change() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let load = format!("http --to {GATEWAY}:80 --host shop.example.com --connections 4");
    let mut load = bed.start("load", &load)?;
    let transfer = format!("tcp --to {GATEWAY}:9000 --bytes {BYTES} --rate {RATE}");
    let mut transfer = bed.start("transfer", &transfer)?;
    load.goes_on(200)?;
    transfer.goes_on(2_000_000)?;

    change_often(&bed, &mut load)?;
    // The last change gave everything to v2.
    let last = bed.http(&format!(
        "--to {GATEWAY}:80 --host shop.example.com --count 50"
    ))?;
    ensure!(last.versions.get("v2") == Some(&50), "{last:?}");

    let load: HttpReport = load.finish()?;
    ensure!(
        load.failed == 0,
        "{} of {}: {:?}",
        load.failed,
        load.sent,
        load.errors
    );
    ensure!(
        load.statuses.get(&200) == Some(&load.sent),
        "{:?}",
        load.statuses
    );
    ensure!(
        load.connections == 4,
        "{} connections instead of 4",
        load.connections
    );
    let transfer: TcpReport = transfer.report()?;
    transfer.expect_echoed(BYTES)?;
    measured(format_args!(
        "{} requests during {CHANGES} changes",
        load.sent
    ));
    Ok(())
}

/// Moves weights from v1 to v2 and routes in and out, each change after the last has arrived.
fn change_often(bed: &Bed, load: &mut Process) -> Result<()> {
    let mut weights = (80, 20);
    for change in 0..CHANGES {
        let share = (change + 1) * 100 / CHANGES;
        let next = (100 - share, share);
        let text = |(v1, v2)| {
            format!(
                "weight: {v1}\n        - name: web-v2\n          port: 80\n          weight: {v2}"
            )
        };
        bed.config
            .replace("http-split.yaml", &text(weights), &text(next))?;
        weights = next;
        let route = ROUTE.replace("NAME", &format!("extra-{change}"));
        bed.config.write(&format!("extra-{change}.yaml"), &route)?;
        if let Some(before) = change.checked_sub(1) {
            bed.config.remove(&format!("extra-{before}.yaml"))?;
        }
        arrives(bed, &format!("extra-{change}"), 200)?;
        load.goes_on(100)?;
    }
    Ok(())
}

#[test]
fn a_removed_route_is_gone_and_a_new_backend_is_used() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    arrives(&bed, "hello", 200)?;
    bed.config.remove("http-simple.yaml")?;
    measured(format_args!(
        "a route was gone after {:?}",
        arrives(&bed, "hello", 404)?
    ));

    let moved = super::tcp::send_all_to(&bed, &["10.77.1.2"], "echo-app1")?;
    measured(format_args!(
        "a TCPRoute had moved after {moved:?}, asking included"
    ));
    Ok(())
}

/// Waits until requests for this host get this status.
fn arrives(bed: &Bed, host: &str, status: u16) -> Result<Duration> {
    wait_until(LIMIT, &format!("{host} answers {status}"), || {
        let ask = format!("--to {GATEWAY}:80 --host {host}.example.com --count 1");
        let report = bed.http(&ask)?;
        ensure!(report.failed == 0, "{report:?}");
        Ok(report.statuses.contains_key(&status))
    })
}

const ROUTE: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: default}
spec:
  parentRefs: [{name: demo}]
  hostnames: [NAME.example.com]
  rules: [{backendRefs: [{name: web-v2, port: 80}]}]
";
