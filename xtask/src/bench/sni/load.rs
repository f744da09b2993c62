//! What is measured: connections, and bytes of one.

use std::{fmt, time::Duration};

use anyhow::{Result, ensure};
use gateway_tests::{
    process::Process,
    report::{BulkReport, LoadReport},
};
use serde::de::DeserializeOwned;

use super::{
    super::{build::peer, machine::busy},
    config::DOMAIN,
    site::Site,
};

/// One thing that is measured.
#[derive(Clone, Copy)]
pub(super) enum What {
    /// So many at once as the index says.
    Connections(usize),
    Bulk(Direction),
}

/// One way in one round; `None`: not measured.
#[derive(Default)]
pub(super) struct Sample {
    /// By how many at once.
    pub(super) connections: [Option<Load>; 3],
    /// From the client, and to it.
    pub(super) bulk: [Option<Bulk>; 2],
}

pub(super) struct Load {
    pub(super) report: LoadReport,
    /// CPU time of the machine meanwhile.
    pub(super) used: Duration,
}

pub(super) struct Bulk {
    pub(super) report: BulkReport,
    pub(super) used: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the client.
    Up,
    Down,
}

impl What {
    pub(super) const ALL: [Self; 5] = [
        Self::Connections(0),
        Self::Connections(1),
        Self::Connections(2),
        Self::Bulk(Direction::Up),
        Self::Bulk(Direction::Down),
    ];
}

/// Connections, so many at once, for `time`.
pub(super) fn connections(site: &Site, at_once: u32, time: Duration) -> Result<Load> {
    let (at_once, names) = (at_once.to_string(), site.names.to_string());
    let (report, used) = client(
        site,
        time,
        &["load", "--at-once", &at_once, "--names", &names],
    )?;
    Ok(Load { report, used })
}

/// Bytes of one connection for `time`.
pub(super) fn bulk(site: &Site, direction: Direction, time: Duration) -> Result<Bulk> {
    let down: &[&str] = match direction {
        Direction::Up => &["bulk"],
        Direction::Down => &["bulk", "--down"],
    };
    let (report, used): (BulkReport, _) = client(site, time, down)?;
    ensure!(report.bytes > 0, "{}: no byte came through", site.way);
    Ok(Bulk { report, used })
}

fn client<R: DeserializeOwned>(
    site: &Site,
    time: Duration,
    role: &[&str],
) -> Result<(R, Duration)> {
    let to = site.way.address();
    let milliseconds = time.as_millis().to_string();
    let common = [
        "--to",
        &to,
        "--milliseconds",
        &milliseconds,
        "--server-name",
        DOMAIN,
    ];
    let arguments = role.iter().chain(&common);
    busy(|| Process::client(&site.place.outside, "load", peer(), arguments)?.report())
}

impl Load {
    pub(super) fn per_second(&self) -> f64 {
        self.report.connections as f64 * 1e6 / self.report.microseconds.max(1) as f64
    }

    /// Microseconds of CPU time for a connection.
    pub(super) fn cost(&self) -> f64 {
        self.used.as_secs_f64() * 1e6 / self.report.connections.max(1) as f64
    }
}

impl Bulk {
    /// Gigabits a second.
    pub(super) fn rate(&self) -> f64 {
        self.report.bytes as f64 * 8e-3 / self.report.microseconds.max(1) as f64
    }

    /// Seconds of CPU time for a GiB.
    pub(super) fn cost(&self) -> f64 {
        let gib = f64::from(1 << 30);
        self.used.as_secs_f64() * gib / self.report.bytes as f64
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loads = self.connections.iter().flatten();
        let mut parts: Vec<_> = loads.map(ToString::to_string).collect();
        parts.extend(self.bulk.iter().flatten().map(ToString::to_string));
        f.write_str(&parts.join("; "))
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, cost, LoadReport { failed, errors, .. }) =
            (self.per_second(), self.cost(), &self.report);
        write!(f, "{rate:.0}/s of {cost:.0} us")?;
        if *failed > 0 {
            write!(f, ", {failed} failed: {errors:?}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} Gbit/s, {:.2} s a GiB", self.rate(), self.cost())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_costs_have_their_units() {
        let load = Load {
            report: LoadReport {
                connections: 4_000,
                failed: 1,
                errors: vec!["cut".to_owned()],
                microseconds: 500_000,
                ..LoadReport::default()
            },
            used: Duration::from_millis(800),
        };
        assert_eq!(load.to_string(), "8000/s of 200 us, 1 failed: [\"cut\"]");
        let bulk = Bulk {
            report: BulkReport {
                bytes: 1 << 29,
                microseconds: 500_000,
            },
            used: Duration::from_millis(500),
        };
        assert_eq!(bulk.to_string(), "8.59 Gbit/s, 1.00 s a GiB");
    }
}
