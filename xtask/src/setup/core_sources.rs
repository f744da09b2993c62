//! A toolchain with the sources of core, by the first way that works.

use anyhow::{Result, bail};

use super::{bpf_linker, debian, rustup};
use crate::{
    steps::{Context, State},
    toolchain::{Toolchain, candidates, choose},
};

/// A way to get the sources, as it is called in messages.
type Way = (&'static str, fn(&Context) -> Result<()>);

const WAYS: &[Way] = &[
    ("rustup, for a nightly", rustup::nightly),
    ("rustup, for the active toolchain", rustup::active),
    ("Debian's package rust-src", debian::install),
];

const BY_HAND: &str = "by hand: `rustup toolchain install nightly --component rust-src`, \
    or `rustup component add rust-src`";

pub(super) fn check(context: &Context) -> Result<State> {
    // Answered without the network where everything is there.
    if let Ok(toolchain) = choose(&context.cache.path("probe")) {
        return Ok(State::Ready(used(&toolchain)));
    }
    let mut reasons = Vec::new();
    for toolchain in candidates() {
        match usable(context, &toolchain)? {
            Ok(()) => return Ok(State::Ready(used(&toolchain))),
            Err(reason) => reasons.push(format!("{}: {reason}", toolchain.name)),
        }
    }
    Ok(State::Missing(reasons.join("; ")))
}

pub(super) fn install(context: &Context, _missing: &str) -> Result<()> {
    let mut failures = String::new();
    for (name, way) in WAYS {
        let failure = match way(context) {
            Ok(()) => match check(context)? {
                State::Ready(_) => return Ok(()),
                State::Missing(reason) => reason,
            },
            Err(error) => format!("{error:#}"),
        };
        context.say(&format!(
            "{name}: {}",
            failure.lines().next().unwrap_or_default()
        ));
        failures.push_str(&format!("\n- {name}: {failure}"));
    }
    bail!("no way worked; {BY_HAND}{failures}")
}

/// Why the toolchain cannot be used, also after bpf-linker was built for it.
fn usable(context: &Context, toolchain: &Toolchain) -> Result<Result<(), String>> {
    match toolchain.has_core_sources() {
        Err(reason) => Ok(Err(reason)),
        Ok(false) => Ok(Err("no sources of core".into())),
        Ok(true) => bpf_linker::obtainable(context, toolchain),
    }
}

fn used(toolchain: &Toolchain) -> String {
    let bootstrap = if toolchain.bootstrap {
        " with RUSTC_BOOTSTRAP=1"
    } else {
        ""
    };
    format!("{}{bootstrap}", toolchain.name)
}
