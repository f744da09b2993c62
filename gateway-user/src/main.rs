//! Entry point of the `xdp-gateway` binary.
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::{
    env,
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use gateway_user::{
    capture, check,
    cli::{Cli, Command},
    inspect, kube, run, status, unload,
};
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

/// A request makes some dozens of small, short-lived allocations.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    match execute(&cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The control plane lives on this one thread; the proxy starts threads of its own.
fn execute(command: &Command) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    match command {
        Command::Run(options) => done(runtime.block_on(run::run(options))),
        Command::Check(options) => check::check(options),
        Command::Status(options) => runtime.block_on(status::status(options)),
        Command::Maps(options) => done(runtime.block_on(inspect::maps(options))),
        Command::Flows(options) => done(runtime.block_on(inspect::flows(options))),
        Command::Trace(options) => done(runtime.block_on(inspect::trace(options))),
        Command::Capture(options) => done(runtime.block_on(capture::capture(options))),
        Command::Crds => done(runtime.block_on(kube::crds::apply())),
        Command::Unload(options) => done(runtime.block_on(unload::unload(options))),
    }
}

fn done(result: Result<()>) -> Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}

/// One line for each noteworthy thing; `RUST_LOG` says how much (default: info).
fn log_to_stderr() {
    let wished = env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives(wished.as_deref())))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
}

/// What libraries warn of is what clients send, as often as they like: it would fill the log. Of two
/// directives for one target the later one is in force, so that `RUST_LOG` may name them all the same.
fn directives(wished: Option<&str>) -> String {
    format!("h2=error,rustls=error,{}", wished.unwrap_or("info"))
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::LevelFilter;

    use super::*;

    #[test]
    fn libraries_warn_only_where_they_are_named() {
        let default = EnvFilter::new(directives(None)).to_string();
        assert!(
            default.contains("h2=error") && default.contains("info"),
            "{default}"
        );
        let named = EnvFilter::new(directives(Some("info,h2=trace")));
        assert_eq!(named.max_level_hint(), Some(LevelFilter::TRACE));
        assert!(!named.to_string().contains("h2=error"), "{named}");
    }
}
