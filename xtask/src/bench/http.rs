//! `cargo xtask bench http`: reverse proxies on one core, one after the other in each round, so
//! that what else happens on the machine meets them all alike.

use std::{path::PathBuf, thread::available_parallelism, time::Duration};

use anyhow::{Context as _, Result, ensure};
use gateway_tests::net::litter;

use super::{build, programs::NGINX, rounds::Rounds};

mod cpu;
mod load;
mod manifests;
mod proxy;
mod site;
mod summary;

use proxy::{Kind, Proxy};
use site::Site;
use summary::{Sample, Summary};

/// Connections and caches fill before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    rounds: Rounds,
    /// Routes of the second configuration, whose requests go to each of them in turn.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    routes: u32,
    /// Another build of xdp-gateway, to be compared with this one.
    #[arg(long, value_name = "FILE")]
    also: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let cores = available_parallelism().context("cannot count the cores")?;
    ensure!(
        cores.get() >= 2,
        "this needs two cores, one for the proxy and one for the load"
    );
    load::ensure_installed()?;
    build::release(&["xdp-gateway", "peer"])?;
    litter::guard()?;
    let mut running = Vec::new();
    for kind in kinds(args) {
        println!("start {kind}");
        let site = Site::new()?;
        let proxy = Proxy::start(&kind, &site)?;
        running.push((kind, proxy, site));
    }
    let names = running.iter().map(|(kind, ..)| kind.to_string());
    let mut summary = Summary::new(names.collect());
    for round in 1..=args.rounds.rounds {
        for (index, (kind, proxy, site)) in running.iter_mut().enumerate() {
            let sample = measure(kind, proxy, site, args.rounds.time())?;
            println!("round {round}: {kind}: {sample}");
            summary.push(index, sample);
        }
    }
    println!("\n{summary}");
    Ok(())
}

fn kinds(args: &Args) -> Vec<Kind> {
    let builds = [Some(build::gateway()), args.also.clone()];
    let gateway = |(binary, routes)| Kind::Gateway { binary, routes };
    let mut kinds: Vec<_> = builds
        .into_iter()
        .flatten()
        .flat_map(|binary| [(binary.clone(), 1), (binary, args.routes)])
        .map(gateway)
        .collect();
    match NGINX.missing() {
        None => kinds.push(Kind::Nginx),
        Some(missing) => println!("there is nothing to compare with: nginx is {missing}"),
    }
    kinds
}

fn measure(kind: &Kind, proxy: &mut Proxy, site: &Site, time: Duration) -> Result<Sample> {
    let script = kind.script(site)?;
    let load = |time| load::run(&site.place.outside, kind.address(), script.as_deref(), time);
    load(WARM_UP)?;
    let before = cpu::of(proxy.pid())?;
    let load = load(time)?;
    let used = cpu::of(proxy.pid())?.since(before);
    proxy.expect_running()?;
    Ok(Sample { load, used })
}
