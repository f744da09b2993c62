//! `cargo xtask conformance`: the official suite, unmodified, against the installed chart.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::{cache::Cache, cluster::Cluster, install, process::Failure, workspace};

mod carried;
mod report;
mod results;
mod suite;
mod table;

use carried::Carried;
use results::{Ended, Line, Verdict};

const RUN: Duration = Duration::from_secs(3300);

#[derive(Args)]
pub(crate) struct Options {
    /// Only this profile, such as GATEWAY-TCP; may be given several times
    #[arg(long = "profile", value_name = "PROFILE", value_parser = suite::PROFILES)]
    profiles: Vec<String>,
    /// Only this test, such as HTTPRouteWeight
    #[arg(long = "run", value_name = "TEST")]
    test: Option<String>,
    /// Where to write the report in the format of the Gateway API
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Nodes of the cluster; default: as many as run already, else one
    #[arg(long)]
    nodes: Option<usize>,
    /// Test what is installed, without building and installing this clone
    #[arg(long)]
    installed: bool,
    /// Print everything that the suite says
    #[arg(long)]
    verbose: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let cluster = Cluster::ensure(options.nodes)?;
    if !options.installed {
        install::install(&cluster)?;
    }
    let cache = Cache::open()?;
    println!("conformance");
    let binary = suite::build(&cache)?;
    let profiles = match options.profiles.as_slice() {
        [] => suite::PROFILES.map(str::to_owned).to_vec(),
        some => some.to_vec(),
    };
    let selection = suite::Selection {
        profiles: &profiles,
        test: options.test.as_deref(),
        usable: install::USABLE,
        unusable: install::UNUSABLE,
        debug: options.verbose,
    };
    let report = options.test.is_none().then(|| report_path(options, &cache));
    if let Some(report) = &report {
        // What an earlier run wrote must not be taken for this one's.
        let _ = fs::remove_file(report);
    }
    let log = cache.log("conformance");
    let passes = options.test.is_none() && profiles.iter().any(|profile| profile == suite::TLS);
    let before = passes.then(|| Carried::read(&cluster)).transpose()?;
    let start = Instant::now();
    let (tests, result) = test(
        &cluster,
        &binary,
        &selection,
        report.as_deref(),
        &log,
        options,
    )?;
    println!("{}", table::times(&tests));
    println!(
        "the suite took {:.0} s; its log: {}",
        start.elapsed().as_secs_f64(),
        log.display()
    );
    if let Some(report) = &report {
        println!(
            "report: {}\n\n{}",
            report.display(),
            table::profiles(&report::read(report)?)
        );
    }
    judge(&tests, result)?;
    if let Some(before) = before {
        let carried = Carried::read(&cluster)?.since(before);
        println!(
            "TLS passthrough: the kernel asked a backend {} times, and the proxy {} times",
            carried.by_kernel, carried.by_proxy
        );
        carried.judge()?;
    }
    Ok(())
}

/// Builds the suite, if it is not there.
pub(crate) fn prepare() -> Result<()> {
    suite::build(&Cache::open()?).map(drop)
}

/// Where the report goes: nowhere in the clone unless asked for.
fn report_path(options: &Options, cache: &Cache) -> PathBuf {
    match &options.report {
        Some(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
        None => cache.path("conformance-report.yaml"),
    }
}

/// Runs the suite; the verdict of the process comes beside those of the tests.
fn test(
    cluster: &Cluster,
    binary: &Path,
    selection: &suite::Selection,
    report: Option<&Path>,
    log: &Path,
    options: &Options,
) -> Result<(Vec<Ended>, Result<(), Failure>)> {
    let mut log = fs::File::create(log).with_context(|| log.display().to_string())?;
    let mut tests: Vec<Ended> = Vec::new();
    let program = binary.display().to_string();
    let result = cluster
        .job("the conformance suite", &program, RUN)
        .args(suite::arguments(selection, report))
        .dir(&workspace::root())
        .lines(&mut |line| {
            // A log that cannot be written is no reason to stop; the terminal has the essence.
            let _ = writeln!(log, "{line}");
            if options.verbose {
                println!("{line}");
            }
            match results::read(line) {
                Some(Line::Started(name)) => println!("  {name}"),
                Some(Line::Ended(ended)) => tests.push(ended),
                None => {}
            }
        });
    Ok((tests, result))
}

/// A suite that ran nothing has not passed.
fn judge(tests: &[Ended], result: Result<(), Failure>) -> Result<()> {
    let failed: Vec<&str> = tests
        .iter()
        .filter(|test| test.verdict == Verdict::Failed)
        .map(|test| test.name.as_str())
        .collect();
    if !failed.is_empty() {
        bail!("{} tests failed: {}", failed.len(), failed.join(", "));
    }
    result?;
    ensure!(
        tests.iter().any(|test| test.verdict == Verdict::Passed),
        "no test ran"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(verdict: Verdict) -> Ended {
        Ended {
            name: "HTTPRouteWeight".into(),
            verdict,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn only_a_run_with_passed_tests_and_none_failed_is_a_success() {
        let passed = ended(Verdict::Passed);
        assert!(judge(std::slice::from_ref(&passed), Ok(())).is_ok());
        let failed = judge(&[passed.clone(), ended(Verdict::Failed)], Ok(()));
        assert!(failed.is_err_and(|e| e.to_string().contains("HTTPRouteWeight")));
        assert!(judge(&[ended(Verdict::Skipped)], Ok(())).is_err());
        assert!(judge(&[], Ok(())).is_err());
        assert!(judge(&[passed], Err(Failure::Interrupted)).is_err());
    }
}
