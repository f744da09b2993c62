//! Load by wrk, and what it says.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use gateway_tests::net::Namespace;

use super::{manifests, site::LOAD_CORE};

const CONNECTIONS: u32 = 64;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) per_second: f64,
    pub(super) median: Duration,
    pub(super) p99: Duration,
}

pub(super) fn ensure_installed() -> Result<()> {
    let found = Command::new("wrk").arg("--version").output();
    found
        .map(drop)
        .context("this needs wrk: `apt-get install wrk`")
}

/// Keep-alive requests for `time`, from inside `outside` to port 80 of `address`: those of the
/// script, or always one for the first route.
pub(super) fn run(
    outside: &Namespace,
    address: &str,
    script: Option<&Path>,
    time: Duration,
) -> Result<Load> {
    let mut arguments: Vec<String> = ["-c", LOAD_CORE, "wrk", "--latency", "--threads", "1"]
        .map(str::to_owned)
        .into();
    arguments.push(format!("--connections={CONNECTIONS}"));
    arguments.push(format!("--duration={}s", time.as_secs()));
    match script {
        Some(script) => arguments.push(format!("--script={}", script.display())),
        None => arguments.push(format!("--header=Host: {}", manifests::host(0))),
    }
    arguments.push(format!("http://{address}{}0", manifests::PATH));
    let said = outside.run("taskset", arguments)?;
    for bad in ["Non-2xx", "Socket errors"] {
        ensure!(
            !said.contains(bad),
            "not every request was answered:\n{said}"
        );
    }
    parse(&said).with_context(|| format!("wrk says something unexpected:\n{said}"))
}

fn parse(said: &str) -> Result<Load> {
    let rows = || {
        said.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
    };
    let value = |name: &str| {
        let mut rows = rows();
        rows.find_map(|row| match row[..] {
            [first, second] if first == name => Some(second.to_owned()),
            _ => None,
        })
        .with_context(|| format!("no line {name}"))
    };
    let requests = rows().find_map(|row| match row[..] {
        [count, "requests", "in", ..] => count.parse().ok(),
        _ => None,
    });
    Ok(Load {
        requests: requests.context("no number of requests")?,
        per_second: value("Requests/sec:")?.parse()?,
        median: duration(&value("50%")?)?,
        p99: duration(&value("99%")?)?,
    })
}

/// `612.00us`, `2.34ms`, `1.20s`
fn duration(text: &str) -> Result<Duration> {
    let unit = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let number: f64 = number
        .parse()
        .with_context(|| format!("no duration: {text}"))?;
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => bail!("no duration: {text}"),
    };
    Ok(Duration::from_secs_f64(number * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 5s test @ http://10.77.0.100/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.20ms    0.30ms   9.00ms   90.00%
    Req/Sec    40.00k     1.00k   42.00k    80.00%
  Latency Distribution
     50%  612.00us
     75%    1.30ms
     90%    1.60ms
     99%    2.34ms
  200000 requests in 5.00s, 30.00MB read
Requests/sec:  40000.50
Transfer/sec:      6.00MB
";

    #[test]
    fn the_numbers_of_wrk_are_read() {
        let expected = Load {
            requests: 200_000,
            per_second: 40_000.5,
            median: Duration::from_micros(612),
            p99: Duration::from_micros(2340),
        };
        assert_eq!(parse(SAID).unwrap(), expected);
        assert!(parse("unable to connect").is_err());
    }

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("1.50s").unwrap(), Duration::from_millis(1500));
        assert!(duration("1.5").is_err());
    }
}
