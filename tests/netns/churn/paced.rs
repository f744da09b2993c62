//! Requests at a steady rate, and how long their answers take.

use std::{fs, time::Duration};

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    process::Process,
    report::HttpLoadReport,
};

use super::{HOST, secret::Certificates};

/// Name, port, and options. Those of TLS trust every certificate that there will be.
const ALL: [(&str, u16, &str); 4] = [
    ("kept", 80, "--connections 4 --rate 300"),
    ("HTTP/2", 80, "--http2 --streams 4 --rate 300"),
    ("TLS, kept", 443, "--connections 4 --rate 200"),
    ("TLS, new", 443, "--connections 4 --rate 40 --fresh"),
];

/// All of them on their way.
pub(super) struct Paced(Vec<Process>);

impl Paced {
    pub(super) fn start(bed: &Bed, certificates: &Certificates, time: Duration) -> Result<Self> {
        let authorities = certificates.all(bed)?;
        let start = |(name, port, options): (&str, u16, &str)| {
            let tls = match port {
                443 => format!("--tls {authorities}"),
                _ => String::new(),
            };
            start(bed, name, port, time, &format!("{options} {tls}"))
        };
        Ok(Self(ALL.map(start).into_iter().collect::<Result<_>>()?))
    }

    /// Waits for the last answer of each; microseconds that 99 of a hundred did not exceed, by name.
    pub(super) fn finish(self) -> Result<Vec<(&'static str, u64)>> {
        let of = |((name, ..), load): ((&'static str, u16, &str), Process)| {
            let report: HttpLoadReport = load.report()?;
            ensure!(
                report.failed == 0 && report.requests > 0,
                "{name}: {report:?}"
            );
            Ok((name, report.p99))
        };
        ALL.into_iter().zip(self.0).map(of).collect()
    }
}

/// Whether clients that trust nothing else than these authorities are served.
pub(super) fn is_served(bed: &Bed, authorities: &str) -> Result<bool> {
    let options = format!("--fresh --tls {authorities}");
    let load = start(bed, "probe", 443, Duration::from_millis(50), &options)?;
    let report: HttpLoadReport = load.report()?;
    Ok(report.failed == 0 && report.requests > 0)
}

fn start(bed: &Bed, name: &str, port: u16, time: Duration, options: &str) -> Result<Process> {
    // It names files.
    let name = name.replace([' ', ',', '/'], "-");
    let targets = bed.net.dir().join(format!("{name}.targets"));
    fs::write(&targets, format!("{HOST} /\n"))?;
    let (targets, milliseconds) = (targets.display(), time.as_millis());
    let common = format!("--to {GATEWAY}:{port} --targets {targets} --milliseconds {milliseconds}");
    bed.start(&name, &format!("http-load {common} {options}"))
}
