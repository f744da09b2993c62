//! `cargo xtask setup`: everything that building and testing need, found or installed.

use anyhow::Result;
use clap::Args;

use crate::{
    cache::Cache,
    cluster::Cluster,
    conformance, image, interop,
    steps::{self, Context, Step},
};

mod apt;
mod bpf_linker;
mod core_sources;
mod debian;
mod programs;
mod rustup;

const STEPS: &[Step] = &[
    Step {
        name: "programs",
        check: programs::check,
        install: programs::install,
    },
    Step {
        name: "Rust with core's sources",
        check: core_sources::check,
        install: core_sources::install,
    },
    Step {
        name: "bpf-linker",
        check: bpf_linker::check,
        install: bpf_linker::install,
    },
];

/// What only `cargo xtask lint` and `cargo xtask test` need.
const GO: &[Step] = &[Step {
    name: "Go",
    check: programs::check_go,
    install: programs::install,
}];

/// What only `cargo xtask cluster` needs.
const CLUSTER: &[Step] = &[
    STEPS[0],
    Step {
        name: "container programs",
        check: programs::check_cluster,
        install: programs::install,
    },
];

#[derive(Args)]
pub(crate) struct Options {
    /// Also build what the tests on Kubernetes need: that Kubernetes, the official suite, the
    /// judges of `cargo xtask interop` and the container image
    #[arg(long)]
    kubernetes: bool,
}

pub(crate) fn task(options: &Options) -> Result<()> {
    if !options.kubernetes {
        return run();
    }
    run_with_go()?;
    Cluster::prepare()?;
    conformance::prepare()?;
    interop::prepare()?;
    image::build(None).map(drop)
}

/// Idempotent; changes nothing and needs no network when everything is there.
pub(crate) fn run() -> Result<()> {
    println!("setup");
    let context = Context::new(Cache::open()?, STEPS.len());
    steps::run(STEPS, &context)
}

/// The same for `cargo xtask lint` and `cargo xtask test`.
pub(crate) fn run_with_go() -> Result<()> {
    run()?;
    steps::run(GO, &Context::new(Cache::open()?, GO.len()))
}

/// Only what `cargo xtask cluster` needs.
pub(crate) fn run_for_cluster() -> Result<()> {
    println!("setup");
    steps::run(CLUSTER, &Context::new(Cache::open()?, CLUSTER.len()))
}
