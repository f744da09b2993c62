//! `cargo xtask interop`: what others wrote judges the proxy: h2spec, and gRPC's own
//! interoperability tests.
//!
//! What a judge says is taken as it is. Where it is wrong, or does not fit, the case is listed with
//! the reason, and has to fail without us, too, where that can be tried.

use std::fmt;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use gateway_tests::net::litter;

use crate::{
    cache::Cache,
    privileges,
    process::Job,
    setup,
    steps::{self, Context},
    tools, workspace,
};

mod grpc;
mod h2spec;
mod manifests;
mod site;

use site::Site;

#[derive(Args)]
pub(crate) struct Options {
    /// Only this judge
    #[arg(long, value_enum, value_name = "JUDGE")]
    only: Option<Judge>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Judge {
    /// HTTP/2 and HPACK, every case, strict ones included
    H2spec,
    /// The client of gRPC in Go, to the server of gRPC in Go
    Grpc,
}

/// What a judge found on one listener.
struct Verdict {
    summary: String,
    /// Cases that are listed, with the reason.
    notes: Vec<String>,
    /// Why it is no success.
    objections: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    privileges::ensure()?;
    setup::run()?;
    let context = prepare()?;
    println!("build");
    Job::new("the build", "cargo", site::BUILD)
        .args(["build", "--locked", "--bin", "xdp-gateway", "--bin", "peer"])
        .dir(&workspace::root())
        .show()?;
    litter::guard()?;
    println!("interop");
    let site = Site::new(&tools::data(&context, "grpc", "server")?)?;
    let mut verdicts = Vec::new();
    if options.only != Some(Judge::Grpc) {
        let program = tools::data(&context, "h2spec", "h2spec")?;
        verdicts.extend(h2spec::judge(&site, &program)?);
    }
    if options.only != Some(Judge::H2spec) {
        let client = tools::data(&context, "grpc", "client")?;
        verdicts.extend(grpc::judge(&site, &client)?);
    }
    verdicts.push(("the gateway's log", site.judge_log()?));
    sum_up(&verdicts).with_context(|| format!("the gateway's log:\n{}", site.log()))
}

/// Builds the judges, if they are not there.
pub(crate) fn prepare() -> Result<Context> {
    println!("judges");
    let context = Context::new(Cache::open()?, tools::INTEROP_STEPS.len());
    steps::run(tools::INTEROP_STEPS, &context)?;
    Ok(context)
}

/// One line for each, and what is wrong below it.
fn sum_up(verdicts: &[(&str, Verdict)]) -> Result<()> {
    for (name, verdict) in verdicts {
        println!("interop {name:<18} {verdict}");
    }
    let failed = verdicts.iter().filter(|(_, verdict)| !verdict.is_success());
    let failed: Vec<_> = failed.map(|(name, _)| *name).collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

impl Verdict {
    const fn is_success(&self) -> bool {
        self.objections.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_success() { "ok" } else { "FAILED" };
        write!(f, "{word:<7} {}", self.summary)?;
        let mut below = self.notes.iter().chain(&self.objections);
        below.try_for_each(|text| write!(f, "\n  {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(notes: &[&str], objections: &[&str]) -> Verdict {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Verdict {
            summary: "7 passed".into(),
            notes: owned(notes),
            objections: owned(objections),
        }
    }

    #[test]
    fn a_verdict_is_one_line_with_what_is_listed_and_what_is_wrong_below() {
        assert_eq!(verdict(&[], &[]).to_string(), "ok      7 passed");
        assert_eq!(
            verdict(&["a, b: why"], &["c fails"]).to_string(),
            "FAILED  7 passed\n  a, b: why\n  c fails"
        );
    }

    #[test]
    fn one_objection_is_enough() {
        let good = || ("good", verdict(&["a: why"], &[]));
        assert!(sum_up(&[good()]).is_ok());
        let bad = sum_up(&[good(), ("bad", verdict(&[], &["c fails"]))]);
        assert_eq!(bad.expect_err("a failure").to_string(), "failed: bad");
    }
}
