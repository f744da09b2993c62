//! `cargo xtask bench sni`: TLS connections that are passed through by server name, beside HAProxy,
//! nginx and Envoy, one way after the other with each load in each round.
//!
//! Clients send the hello of a browser, and behind it bytes that only look encrypted: what TLS
//! itself costs is the same on every way.

use std::{thread::sleep, time::Duration};

use anyhow::Result;
use gateway_tests::net::litter;

use super::{build, machine::busy, rounds::Rounds};

mod config;
mod load;
mod run_time;
mod site;
mod tables;
mod way;

use load::{Sample, What};
use site::Site;
use tables::{Row, Tables};
use way::Way;

/// Server names that each way is measured with.
const NAMES: [u32; 3] = [1, 1_000, 100_000];
const REST: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
#[command(mut_arg("seconds", |argument| argument.default_value("1")))]
pub(crate) struct Args {
    #[command(flatten)]
    rounds: Rounds,
    /// Servers wake for the first data of a connection (TCP_DEFER_ACCEPT), not for its handshake.
    #[arg(long)]
    deferred: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let wire = build::release(&["xdp-gateway", "peer"])?;
    litter::guard()?;
    let mut tables = Tables::default();
    let mut running = Vec::new();
    for (way, names) in all() {
        let row = Row::new(way, names);
        if let Some(missing) = way.missing() {
            println!("{row}: {missing}");
            tables.missing(row, missing);
            continue;
        }
        println!("start {row}");
        let site = Site::new(&wire, way, names, args.deferred)?;
        println!("ready after {:.1} s", site.ready.as_secs_f64());
        running.push((tables.row(row), site));
    }
    let time = args.rounds.time();
    println!("at rest the machine takes {:.0} % of one CPU", at_rest()?);
    for round in 1..=args.rounds.rounds {
        for (row, sample) in measure(&mut running, time)? {
            println!("round {round}: {}: {sample}", tables.name(row));
            tables.push(row, sample);
        }
    }
    println!("\n{tables}");
    for (_, site) in &running {
        if (site.way, site.names) == (Way::Gateway, NAMES[0]) {
            println!("{}", run_time::measure(site, time)?);
        }
    }
    Ok(())
}

/// One round. All ways one after the other with each load: what is compared is measured within seconds,
/// for this machine may be slow for a minute.
fn measure(running: &mut [(usize, Site)], time: Duration) -> Result<Vec<(usize, Sample)>> {
    let rows = running.iter().map(|(row, _)| (*row, Sample::default()));
    let mut samples: Vec<_> = rows.collect();
    for what in What::ALL {
        for ((_, site), (_, sample)) in running.iter_mut().zip(&mut samples) {
            site.measure(what, time, sample)?;
        }
    }
    Ok(samples)
}

/// What others do meanwhile is counted as well: this should be little.
fn at_rest() -> Result<f64> {
    let ((), used) = busy(|| {
        sleep(REST);
        Ok(())
    })?;
    Ok(used.as_secs_f64() / REST.as_secs_f64() * 100.0)
}

/// Ways that know no names have one row.
fn all() -> Vec<(Way, u32)> {
    let by_name = |names| Way::BY_NAME.map(|way| (way, names));
    let mut all = vec![(Way::Direct, NAMES[0]), (Way::DirectBehindXdp, NAMES[0])];
    all.extend(NAMES.into_iter().flat_map(by_name));
    all
}
