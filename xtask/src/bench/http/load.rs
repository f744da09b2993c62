//! Load from outside on one proxy, and the CPU time that the proxy has used meanwhile.

use std::time::Duration;

use anyhow::{Result, ensure};
use gateway_tests::{process::Process, report::HttpLoadReport};

use super::{
    super::build::peer,
    cpu::{self, Cpu},
    proxy::Proxy,
    site::LOAD_CORE,
    wrk,
};

/// Connections and caches fill before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) per_second: f64,
    pub(super) used: Cpu,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed {
    pub(super) load: Load,
    pub(super) median: Duration,
    pub(super) p99: Duration,
}

/// As much as can be.
pub(super) fn full(proxy: &mut Proxy, time: Duration) -> Result<Load> {
    let send = |proxy: &Proxy, time| {
        // The cheapest load there is; but with TLS it cannot be told what to agree on.
        if !proxy.site.scenario.tls() {
            return wrk::run(proxy, time);
        }
        let report = requests(proxy, proxy.site.scenario.connections(), None, time)?;
        Ok((report.requests, per_second(&report)))
    };
    send(proxy, WARM_UP)?;
    let ((requests, per_second), used) = during(proxy, |proxy| send(proxy, time))?;
    Ok(Load {
        requests,
        per_second,
        used,
    })
}

/// So many requests a second.
pub(super) fn fixed(proxy: &mut Proxy, rate: u32, time: Duration) -> Result<Fixed> {
    let send = |proxy: &Proxy, time| {
        let connections = proxy.site.scenario.connections();
        requests(proxy, connections, Some(rate), time)
    };
    send(proxy, WARM_UP)?;
    let (report, used) = during(proxy, |proxy| send(proxy, time))?;
    Ok(Fixed {
        load: Load {
            requests: report.requests,
            per_second: per_second(&report),
            used,
        },
        median: Duration::from_micros(report.median),
        p99: Duration::from_micros(report.p99),
    })
}

/// What a load gave, and what the proxy needed for it.
fn during<R>(proxy: &mut Proxy, load: impl FnOnce(&Proxy) -> Result<R>) -> Result<(R, Cpu)> {
    let before = cpu::of(proxy.pid())?;
    let done = load(proxy)?;
    let used = cpu::of(proxy.pid())?.since(before);
    proxy.expect_running()?;
    Ok((done, used))
}

/// Requests of the scenario by our own client; each must have been answered in full.
pub(super) fn requests(
    proxy: &Proxy,
    connections: u32,
    rate: Option<u32>,
    time: Duration,
) -> Result<HttpLoadReport> {
    let site = &proxy.site;
    let mut arguments: Vec<_> = ["-c", LOAD_CORE].map(str::to_owned).into();
    arguments.push(peer().to_string_lossy().into_owned());
    arguments.push("http-load".to_owned());
    let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    option("--to", proxy.to());
    option("--targets", site.targets.clone());
    option("--connections", connections.to_string());
    option("--milliseconds", time.as_millis().to_string());
    if let Some(rate) = rate {
        option("--rate", rate.to_string());
    }
    if let Some(certificate) = &site.certificate {
        option("--tls", certificate.chain.clone());
    }
    let options = site.scenario.options().iter();
    arguments.extend(options.map(|option| (*option).to_owned()));
    let client = Process::client(&site.place.outside, "load", "taskset", arguments)?;
    let report: HttpLoadReport = client.report()?;
    let bytes = report.requests * u64::from(site.scenario.bytes());
    let whole = report.failed == 0 && report.requests > 0 && report.bytes == bytes;
    ensure!(whole, "not every request was answered in full: {report:?}");
    Ok(report)
}

fn per_second(report: &HttpLoadReport) -> f64 {
    let seconds = Duration::from_micros(report.microseconds).as_secs_f64();
    report.requests as f64 / seconds
}
