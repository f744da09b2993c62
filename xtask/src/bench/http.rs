//! `cargo xtask bench http`: reverse proxies on one core, one after the other in each round, so
//! that what else happens on the machine meets them all alike.

use std::{path::PathBuf, process::Command, thread::available_parallelism};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum as _;
use gateway_tests::net::litter;

use super::{build, rounds::Rounds};

mod certificate;
mod config;
mod cpu;
mod load;
mod manifests;
mod proxy;
mod scenario;
mod site;
mod summary;
mod wrk;

use certificate::Certificate;
use proxy::{Kind, Proxy};
use scenario::Scenario;
use summary::{Sample, Summary};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    rounds: Rounds,
    /// What clients do; all of it where it is not said.
    #[arg(long, value_enum)]
    scenario: Vec<Scenario>,
    /// Routes of ours in the scenario `small` beside one route; requests go to each of them in turn.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    routes: u32,
    /// Requests a second at the fixed rate, instead of what is usual in the scenario.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Another build of xdp-gateway, to be compared with this one.
    #[arg(long, value_name = "FILE")]
    also: Option<PathBuf>,
}

/// What all proxies get.
struct Common {
    /// The programs of the wire.
    wire: PathBuf,
    certificate: Certificate,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let cores = available_parallelism().context("cannot count the cores")?;
    ensure!(
        cores.get() >= 2,
        "this needs two cores, one for the proxy and one for the load"
    );
    let wrk = Command::new("wrk").arg("--version").output();
    wrk.context("this needs wrk: `apt-get install wrk`")?;
    let wire = build::release(&["xdp-gateway", "peer"])?;
    litter::guard()?;
    let others = others();
    let common = Common {
        wire,
        certificate: Certificate::new()?,
    };
    let scenarios = match &args.scenario[..] {
        [] => Scenario::value_variants(),
        some => some,
    };
    for scenario in scenarios {
        let mut kinds = ours(args, *scenario);
        kinds.extend(others.iter().cloned());
        let summary = measure(args, *scenario, kinds, &common)?;
        println!("\n{scenario}:\n\n{summary}");
    }
    Ok(())
}

/// What is here to compare with.
fn others() -> Vec<Kind> {
    let here = |kind: &Kind| {
        let missing = kind.missing();
        if let Some(missing) = &missing {
            println!("{kind}: {missing}");
        }
        missing.is_none()
    };
    Kind::OTHERS.into_iter().filter(here).collect()
}

fn ours(args: &Args, scenario: Scenario) -> Vec<Kind> {
    let builds = [Some(build::gateway()), args.also.clone()];
    let many = (scenario == Scenario::Small).then_some(args.routes);
    let of = |binary: PathBuf| {
        let routes = [Some(1), many].into_iter().flatten();
        routes.map(move |routes| Kind::Gateway {
            binary: binary.clone(),
            routes,
        })
    };
    builds.into_iter().flatten().flat_map(of).collect()
}

fn measure(args: &Args, scenario: Scenario, kinds: Vec<Kind>, common: &Common) -> Result<Summary> {
    println!("{scenario}");
    let rate = args.rate.unwrap_or(scenario.rate());
    let mut summary = Summary::new(kinds.iter().map(ToString::to_string).collect(), rate);
    let mut running = Vec::new();
    for kind in kinds {
        println!("start {kind}");
        running.push(Proxy::start(kind, scenario, common)?);
    }
    let time = args.rounds.time();
    for round in 1..=args.rounds.rounds {
        let full = running.iter_mut().map(|proxy| load::full(proxy, time));
        let full = full.collect::<Result<Vec<_>>>()?;
        for (row, (proxy, full)) in running.iter_mut().zip(full).enumerate() {
            let fixed = load::fixed(proxy, rate, time)?;
            println!("round {round}: {}: {full}; {fixed}", proxy.kind);
            summary.push(row, Sample { full, fixed });
        }
    }
    Ok(summary)
}
