//! `cargo xtask fuzz`: what reads bytes of strangers, under libFuzzer for a bounded time.
//!
//! What was learnt is kept in the cache, so that the next run goes on from there.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::{cache::Cache, image, process::Job, workspace};

/// Target, and the directories of the clone that it begins with.
const TARGETS: &[(&str, &[&str])] = &[
    ("decide", &[]),
    ("framing", &[]),
    ("head", &[]),
    ("hello", &[]),
    ("manifests", &["tests/golden/cases", "examples"]),
    ("routes", &[]),
    ("splice", &[]),
];
/// Coverage for libFuzzer, as options of the stable compiler (LLVM's SanitizerCoverage).
const FLAGS: &str = "--cfg=fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
const BUILD: Duration = Duration::from_secs(1500);
/// For starting, the last input and the report.
const MARGIN: Duration = Duration::from_secs(60);
/// Lines of a failed run that are shown.
const SHOWN: usize = 40;

#[derive(Args)]
pub(crate) struct Options {
    /// Only these, such as `hello`
    #[arg(value_name = "TARGET", value_parser = TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>())]
    targets: Vec<String>,
    /// Seconds for each
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let cache = Cache::open()?;
    let programs = build(&cache)?;
    let chosen = TARGETS.iter().filter(|(name, _)| {
        options.targets.is_empty() || options.targets.iter().any(|chosen| chosen == name)
    });
    let mut failed = Vec::new();
    for (name, seeds) in chosen {
        match fuzz(&cache, &programs, name, seeds, options.seconds) {
            Ok(runs) => println!(
                "fuzz {name:<10} ok      {runs} runs in {} s",
                options.seconds
            ),
            Err(error) => {
                println!("fuzz {name:<10} FAILED  {error:#}");
                failed.push(*name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Builds all targets; where they are then.
fn build(cache: &Cache) -> Result<PathBuf> {
    println!("build");
    let output = workspace::root().join("target/fuzz");
    // Named, so that build scripts and macros are left as they are.
    let host = image::host(cache)?;
    Job::new("the build", "cargo", BUILD)
        .args(["build", "--locked", "--profile", "fuzz", "--bins"])
        .args(["--package", "gateway-fuzz", "--target", &host])
        .arg("--target-dir")
        .arg(&output)
        .env("RUSTFLAGS", FLAGS)
        .dir(&workspace::root())
        .show()?;
    Ok(output.join(host).join("fuzz"))
}

/// Number of inputs that were tried.
fn fuzz(cache: &Cache, programs: &Path, name: &str, seeds: &[&str], seconds: u64) -> Result<u64> {
    let corpus = cache.path(&format!("fuzz/corpus/{name}"));
    let found = cache.path("fuzz/found");
    for dir in [&corpus, &found] {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    let program = programs.join(format!("fuzz-{name}"));
    let limit = Duration::from_secs(seconds) + MARGIN;
    let mut last = VecDeque::new();
    // libFuzzer tells everything on its error output.
    let ended = Job::new(format!("fuzzing {name}"), "sh", limit)
        .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
        .arg(program)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/{name}-", found.display()))
        .args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=4096"])
        .arg(&corpus)
        .args(seeds)
        .dir(&workspace::root())
        .lines(&mut |line| {
            last.push_back(line.to_owned());
            if last.len() > SHOWN {
                last.pop_front();
            }
        });
    if let Err(error) = ended {
        last.iter().for_each(|line| println!("  {line}"));
        return Err(error).context("the input is named above; give it to the program to repeat it");
    }
    let runs = last
        .iter()
        .find_map(|line| executed(line))
        .context("libFuzzer did not say how much it tried")?;
    if runs == 0 {
        bail!("nothing was tried");
    }
    Ok(runs)
}

fn executed(line: &str) -> Option<u64> {
    let (_, count) = line.split_once("stat::number_of_executed_units:")?;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_tells_how_much_was_tried() {
        let line = "stat::number_of_executed_units: 4711";
        assert_eq!(executed(line), Some(4711));
        assert_eq!(executed("stat::average_exec_per_sec: 12"), None);
    }

    #[test]
    fn every_program_of_the_crate_is_a_target() {
        let root = workspace::root();
        let manifest = fs::read_to_string(root.join("tests/fuzz/Cargo.toml")).expect("manifest");
        let programs = manifest
            .lines()
            .filter_map(|line| line.strip_prefix("name = \"fuzz-"));
        let programs: Vec<_> = programs.filter_map(|rest| rest.strip_suffix('"')).collect();
        let targets: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
        assert_eq!(programs, targets);
        for dir in TARGETS.iter().flat_map(|(_, seeds)| *seeds) {
            assert!(root.join(dir).is_dir(), "{dir}");
        }
    }
}
