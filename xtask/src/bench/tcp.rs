//! `cargo xtask bench tcp`: bytes of one TCP connection through a node, and what they cost the
//! machine, one way after the other in each round.
//!
//! The client's link cuts its segments, as a wire does: on a virtual one a segment of 64 KiB would
//! pass as one packet. Where the node can, it joins them again.

use std::{fmt, time::Duration};

use anyhow::{Context as _, Result};
use gateway_tests::{net::litter, wait::wait_until};
use serde_json::Value;

use super::{
    build,
    machine::busy,
    rounds::{self, Rounds},
};

mod site;
mod way;

use site::Site;
use way::Way;

const READY: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    rounds: Rounds,
}

/// One way in one round.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    /// Gigabits a second.
    rate: f64,
    /// Seconds of CPU time, of all of the machine, for a gigabyte.
    cost: f64,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let wire = build::release(&["xdp-gateway"])?;
    litter::guard()?;
    let mut running = Vec::new();
    for way in Way::installed() {
        let site = Site::new(&wire)?;
        let process = way.start(&site)?;
        wait_until(READY, &format!("{way} serves"), || {
            Ok(load(way, &site, Duration::from_secs(1)).is_ok())
        })?;
        running.push((way, site, process, Vec::new()));
    }
    for round in 1..=args.rounds.rounds {
        for (way, site, _, samples) in &mut running {
            let sample = load(*way, site, args.rounds.time())?;
            println!("round {round}: {way}: {sample}");
            samples.push(sample);
        }
    }
    let rows: Vec<_> = running
        .into_iter()
        .map(|(way, _, _, samples)| (way, median(&samples)))
        .collect();
    print(&rows);
    Ok(())
}

/// The last one is what the others are compared with.
fn print(rows: &[(Way, Sample)]) {
    println!("\n| way | Gbit/s | CPU seconds a GB | to the last |\n|---|---:|---:|---:|");
    for (way, sample) in rows {
        let last = rows.last().map_or(sample.cost, |(_, last)| last.cost);
        let Sample { rate, cost } = sample;
        println!("| {way} | {rate:.2} | {cost:.2} | {:.2} |", cost / last);
    }
}

fn load(way: Way, site: &Site, time: Duration) -> Result<Sample> {
    let seconds = time.as_secs().to_string();
    let arguments = ["--client", way.address(), "--time", &seconds, "--json"];
    let (said, used) = busy(|| site.place.outside.run("iperf3", arguments))?;
    sample(&said, used).with_context(|| format!("iperf3 says something unexpected:\n{said}"))
}

fn sample(said: &str, used: Duration) -> Option<Sample> {
    let said: Value = serde_json::from_str(said).ok()?;
    let received = &said["end"]["sum_received"];
    Some(Sample {
        rate: received["bits_per_second"].as_f64()? / 1e9,
        cost: used.as_secs_f64() * 1e9 / received["bytes"].as_f64()?,
    })
}

/// Of each figure by itself.
fn median(samples: &[Sample]) -> Sample {
    Sample {
        rate: rounds::median(samples.iter().map(|sample| sample.rate)),
        cost: rounds::median(samples.iter().map(|sample| sample.cost)),
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, cost } = self;
        write!(f, "{rate:.2} Gbit/s, {cost:.2} CPU seconds a GB")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_iperf_are_read() {
        let said = r#"{"end":{"sum_received":{"bytes":2e9,"bits_per_second":8e9}}}"#;
        let expected = Sample {
            rate: 8.0,
            cost: 1.5,
        };
        assert_eq!(sample(said, Duration::from_secs(3)), Some(expected));
        assert_eq!(sample("{}", Duration::ZERO), None);
    }
}
