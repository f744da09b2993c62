//! Full load by wrk, and what it says.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::{manifests, proxy::Proxy, site::LOAD_CORE};

/// So long, so that a proxy that is slow shows it and does not fail.
const TIMEOUT: &str = "--timeout=30s";

/// As much as one core can send in `time` without TLS.
pub(super) fn run(proxy: &Proxy, time: Duration) -> Result<(u64, f64)> {
    let site = &proxy.site;
    let mut arguments: Vec<String> = ["-c", LOAD_CORE, "wrk", "--threads", "1", TIMEOUT]
        .map(str::to_owned)
        .into();
    let url = format!("http://{}{}", proxy.to(), manifests::path(0));
    arguments.push(format!("--connections={}", site.scenario.connections()));
    arguments.push(format!("--duration={}s", time.as_secs()));
    match proxy.kind.routes() {
        1 => {
            let host = format!("--header=Host: {}", manifests::host(0));
            arguments.extend([host, url]);
        }
        _ => {
            let script = format!("--script={}", site.script);
            arguments.extend([script, url, "--".to_owned(), site.targets.clone()]);
        }
    }
    let said = site.place.outside.run("taskset", arguments)?;
    for bad in ["Non-2xx", "Socket errors"] {
        ensure!(
            !said.contains(bad),
            "not every request was answered:\n{said}"
        );
    }
    parse(&said).with_context(|| format!("wrk says something unexpected:\n{said}"))
}

/// Requests, and how many a second.
fn parse(said: &str) -> Option<(u64, f64)> {
    let rows = || said.lines().map(|line| line.split_whitespace().collect());
    let requests = rows().find_map(|row: Vec<_>| match row[..] {
        [count, "requests", "in", ..] => count.parse().ok(),
        _ => None,
    });
    let per_second = rows().find_map(|row: Vec<_>| match row[..] {
        ["Requests/sec:", rate] => rate.parse().ok(),
        _ => None,
    });
    requests.zip(per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 5s test @ http://10.77.0.100/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.20ms    0.30ms   9.00ms   90.00%
    Req/Sec    40.00k     1.00k   42.00k    80.00%
  200000 requests in 5.00s, 30.00MB read
Requests/sec:  40000.50
Transfer/sec:      6.00MB
";

    #[test]
    fn the_numbers_of_wrk_are_read() {
        assert_eq!(parse(SAID), Some((200_000, 40_000.5)));
        assert_eq!(parse("unable to connect"), None);
    }
}
