//! `cargo xtask TASK`: one file per task.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

mod bench;
mod cache;
mod cluster;
mod conformance;
mod demo;
mod fuzz;
mod image;
mod install;
mod interop;
mod lint;
mod oci;
mod privileges;
mod process;
mod setup;
mod steps;
mod test;
mod tidy;
mod toolchain;
mod tools;
mod workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of the repository", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install what building and testing need; a second run takes seconds
    Setup(setup::Options),
    /// Show the gateway carrying real HTTP, TCP and UDP traffic in namespaces of its own
    Demo {
        /// Leave it running until Enter or Ctrl-C, and say what to try
        #[arg(long)]
        keep: bool,
    },
    /// Build the container image, statically linked and with nothing else in it
    Image {
        /// Where the archive goes, as `docker load` takes it; default: the nodes of the running
        /// cluster
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Run every test as root, those with network namespaces included
    Test(test::Options),
    /// Measure; prints numbers and judges nothing
    Bench {
        #[command(subcommand)]
        subject: bench::Subject,
    },
    /// A real Kubernetes in namespaces of this machine, for trying things and for tests
    Cluster {
        #[command(subcommand)]
        action: cluster::Action,
    },
    /// Run the official conformance suite, unmodified, against the chart on that Kubernetes
    Conformance(conformance::Options),
    /// Have others judge the proxy: h2spec, and gRPC's own interoperability tests
    Interop(interop::Options),
    /// Feed what reads bytes of strangers with what finds its edges
    Fuzz(fuzz::Options),
    /// Check the rules of the code that no other tool knows
    Tidy,
    /// Formatting, tidy, clippy, licences and bans, and our reading of the official API
    Lint,
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Setup(options) => setup::task(&options),
        Task::Demo { keep } => demo::run(keep),
        Task::Image { output } => image::run(output.as_deref()),
        Task::Test(options) => test::run(&options),
        Task::Bench { subject } => bench::run(&subject),
        Task::Cluster { action } => cluster::run(&action),
        Task::Conformance(options) => conformance::run(&options),
        Task::Interop(options) => interop::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Tidy => tidy::run(),
        Task::Lint => lint::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
