//! A Go that can build the tools.

use std::{process::Command, time::Duration};

use anyhow::{Result, bail};

use crate::{
    process::Job,
    steps::{Context, State},
    workspace,
};

const ASK: Duration = Duration::from_secs(300);

pub(super) fn install(_: &Context, missing: &str) -> Result<()> {
    bail!(
        "{missing}: install Go 1.26 or newer from https://go.dev/dl; from 1.21 on Go fetches the \
         newer one by itself unless GOTOOLCHAIN=local forbids it"
    )
}

/// Not needed once everything is built. Asked where the oldest version that will do is written, so that Go may fetch it.
pub(super) fn check(context: &Context, built: bool) -> Result<State> {
    if built {
        return Ok(State::Ready("not needed: everything is built".into()));
    }
    if Command::new("go").arg("help").output().is_err() {
        return Ok(State::Missing("there is no `go` on the PATH".into()));
    }
    let dir = workspace::root().join("xtask/go/pause");
    let asked = Job::new("asking Go for its version", "go", ASK)
        .arg("version")
        .dir(&dir)
        .capture(&context.cache.log("go"));
    Ok(match asked {
        Ok(text) if is_new_enough(&text) => State::Ready(text.trim().to_owned()),
        Ok(text) => State::Missing(format!("too old: {}", text.trim())),
        Err(error) => State::Missing(error.to_string()),
    })
}

/// Reads `go version go1.26.8 linux/amd64`.
fn is_new_enough(version: &str) -> bool {
    let number = |text: &str| {
        let mut parts = text.strip_prefix("go1.")?.split('.');
        let digits: String = parts
            .next()?
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse::<u32>().ok()
    };
    version
        .split(' ')
        .find_map(number)
        .is_some_and(|minor| minor >= 26)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let fits = |version: &str| is_new_enough(&format!("go version {version} linux/amd64"));
        assert!(fits("go1.26.8") && fits("go1.26") && fits("go1.30rc1"));
        assert!(!fits("go1.19.8") && !fits("go1.25.9"));
        assert!(!is_new_enough(""));
    }
}
