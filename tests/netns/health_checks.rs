//! Active health checks: endpoints that fail them are left out before a client comes to them.

use anyhow::{Context as _, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    daemon::Daemon,
    net::Namespace,
    programs::Programs,
    wait::wait_until,
};

use super::{admin::sum, parameters, tcp::LIMIT};

const METRIC: &str = "xdp_gateway_health_checks_total";

/// A slice of a demo Service with one more endpoint, on app2.
fn slice(service: &str, port_name: &str, port: u16, protocol: &str) -> String {
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
         metadata:\n  name: {service}-more\n  labels: {{kubernetes.io/service-name: {service}}}\n\
         addressType: IPv4\nports: [{{name: {port_name}, port: {port}, protocol: {protocol}}}]\n\
         endpoints: [{{addresses: [10.77.2.2]}}]\n"
    )
}

/// The weight of an endpoint in the kernel; 0 where it is not there: UDP flows do not stay with one
/// that fails.
fn weight(bed: &Bed, address: &str) -> Result<u64> {
    let pins = bed.net.pins().display().to_string();
    let gateway = &Programs::get()?.gateway;
    let maps = ["maps", "-o", "json", "--pin-dir", &pins];
    let said = bed.node.run(gateway, maps)?;
    let maps: serde_json::Value = serde_json::from_str(&said)?;
    let rows = maps["backends"].as_array().context("no backends")?;
    let mut rows = rows.iter().filter(|row| row["address"] == address);
    let weight = rows.next().map(|row| row["weight"].as_u64());
    weight.map_or(Ok(0), |weight| weight.context("no weight"))
}

/// One of the counters of `/proc/net/snmp`.
fn counted(at: &Namespace, protocol: &str, counter: &str) -> Result<u64> {
    let text = at.run("cat", ["/proc/net/snmp"])?;
    let mut lines = text.lines().filter(|line| line.starts_with(protocol));
    let (names, values) = (lines.next(), lines.next());
    let names = names.context("no names")?.split_whitespace();
    let mut both = names.zip(values.context("no values")?.split_whitespace());
    let found = both.find(|(name, _)| *name == counter);
    Ok(found.context("no such counter")?.1.parse()?)
}

/// A series appears with its first check.
fn checks(daemon: &Daemon, labels: &[&str]) -> Result<f64> {
    let metrics = daemon.admin("/metrics")?;
    Ok(sum(&metrics, METRIC, labels).unwrap_or_default())
}

#[test]
fn an_http_endpoint_that_answers_500_is_left_out_until_it_is_well() -> Result<()> {
    let mut bed = parameters::bed(
        "{healthCheck: {interval: 1s, unhealthyThreshold: 2, healthyThreshold: 1,
          http: {path: /healthz}}}",
    )?;
    let well = bed.net.dir().join("well");
    let server = format!(
        "serve-http --listen 0.0.0.0:8098 --version v1-more --healthy-with {}",
        well.display()
    );
    bed.serve("app2", &server)?;
    bed.config
        .write("more.yaml", &slice("web-v1", "http", 8098, "TCP"))?;
    let daemon = bed.daemon()?;
    wait_until(LIMIT, "the status tells", || {
        let status = daemon.status_text()?;
        Ok(status.contains("it fails health checks: it answers with 500"))
    })
    .map_err(|e| e.context(daemon.log()))?;
    let hello = format!("--to {GATEWAY}:80 --host hello.example.com --count 40");
    let http = bed.http(&hello)?;
    ensure!(http.statuses.get(&200) == Some(&40), "{http:?}");
    ensure!(!http.versions.contains_key("v1-more"), "{http:?}");
    let failed = checks(&daemon, &["check=\"http\"", "outcome=\"failure\""])?;
    ensure!(failed >= 2.0, "{failed}");
    let why = &["why=\"checks\""];
    let metrics = daemon.admin("/metrics")?;
    let ejections = sum(&metrics, "xdp_gateway_endpoint_ejections_total", why)?;
    ensure!(ejections == 1.0, "{metrics}");

    std::fs::write(&well, "")?;
    wait_until(LIMIT, "it gets requests", || {
        Ok(bed.http(&hello)?.versions.contains_key("v1-more"))
    })
    .map_err(|e| e.context(daemon.log()))?;
    let log = daemon.log();
    let told = log.matches("it fails health checks").count();
    ensure!(told == 1, "told {told} times: {log}");
    ensure!(log.contains("passes health checks again"), "{log}");
    ensure!(!daemon.status_text()?.contains("Failing endpoints"));
    Ok(())
}

/// Nobody has connected to them before, and nobody listens.
#[test]
fn closed_ports_of_tcp_and_udp_get_nothing_until_they_open() -> Result<()> {
    const TCP: &str = "10.77.2.2:8099";
    const UDP: &str = "10.77.2.2:8097";
    let mut bed = parameters::bed(
        "{healthCheck: {interval: 1s, unhealthyThreshold: 2, healthyThreshold: 1, tcp: {}, udp: {}}}",
    )?;
    bed.config
        .write("tcp-more.yaml", &slice("echo", "echo", 8099, "TCP"))?;
    bed.config
        .write("udp-more.yaml", &slice("dns", "dns", 8097, "UDP"))?;
    let daemon = bed.daemon()?;
    for address in [TCP, UDP] {
        wait_until(LIMIT, "it gets nothing", || Ok(weight(&bed, address)? == 0))
            .map_err(|e| e.context(daemon.log()))?;
    }
    let tcp = bed.tcp(&format!("--to {GATEWAY}:9000 --count 40"))?;
    ensure!(tcp.failed == 0 && tcp.servers.len() == 3, "{tcp:?}");
    let udp = bed.udp(&format!("--to {GATEWAY}:53 --count 40"))?;
    ensure!(udp.lost == 0 && udp.servers.len() == 3, "{udp:?}");
    let log = daemon.log();
    ensure!(
        log.contains("it fails health checks: connection refused"),
        "{log}"
    );

    bed.serve("app2", "serve-tcp --listen 0.0.0.0:8099 --name echo-more")?;
    bed.serve("app2", "serve-udp --listen 0.0.0.0:8097 --name dns-more")?;
    for address in [TCP, UDP] {
        wait_until(LIMIT, "it is back", || Ok(weight(&bed, address)? == 1))
            .map_err(|e| e.context(daemon.log()))?;
    }
    Ok(())
}

#[test]
fn nothing_is_checked_that_nobody_asked_for() -> Result<()> {
    let bed = parameters::bed("{}")?;
    // Of HTTPRoutes then no backend is on app2.
    bed.config.remove("http-header.yaml")?;
    bed.config.remove("http-split.yaml")?;
    let daemon = bed.daemon()?;
    ensure!(checks(&daemon, &[])? == 0.0);
    let told = || -> Result<[u64; 2]> {
        let connections = counted(&bed.app2, "Tcp:", "PassiveOpens")?;
        Ok([connections, counted(&bed.app2, "Udp:", "InDatagrams")?])
    };
    parameters::ask(&bed, "{healthCheck: {interval: 1s, http: {}}}")?;
    wait_until(LIMIT, "HTTP is checked several times", || {
        Ok(checks(&daemon, &["check=\"http\"", "outcome=\"success\""])? >= 4.0)
    })
    .map_err(|e| e.context(daemon.log()))?;
    ensure!(told()? == [0, 0], "{:?}", told()?);
    let all = checks(&daemon, &[])?;
    let http = checks(&daemon, &["check=\"http\""])?;
    ensure!(http >= all, "{http} of {all}");

    parameters::ask(&bed, "{healthCheck: {interval: 1s, tcp: {}, udp: {}}}")?;
    wait_until(LIMIT, "TCP and UDP are checked", || {
        Ok(told()?.iter().all(|count| *count > 0))
    })
    .map_err(|e| e.context(daemon.log()))?;
    Ok(())
}
