//! Where our time goes: what the kernel counts of our programs (`kernel.bpf_stats_enabled`). What a
//! program hands on to is within its time, and some 20 ns of the counting itself.

use std::{
    collections::BTreeMap,
    fmt, fs,
    ops::Sub,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    load::{Direction, bulk, connections},
    site::{AT_ONCE, Site},
};

/// Of fewer runs under a load of bytes nothing is said: they are of its first and last packets.
const FEW: u64 = 1_000;
const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// Counted while this lives; then again as before.
struct Counting {
    before: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Runs {
    count: u64,
    nanoseconds: u64,
}

/// By the program's name.
type Programs = BTreeMap<String, Runs>;

/// What the programs did under each load.
pub(super) struct RunTime {
    connections: u64,
    at_connections: Programs,
    /// From the client, and to it.
    at_bulk: [Programs; 2],
}

/// Measures a site of ours once.
pub(super) fn measure(site: &Site, time: Duration) -> Result<RunTime> {
    let links = links(&site.place.net.pins())?;
    let counting = Counting::start()?;
    let [.., most] = AT_ONCE;
    let (load, at_connections) = during(&links, || connections(site, most, time))?;
    let (_, up) = during(&links, || bulk(site, Direction::Up, time))?;
    let (_, down) = during(&links, || bulk(site, Direction::Down, time))?;
    drop(counting);
    Ok(RunTime {
        connections: load.report.connections,
        at_connections,
        at_bulk: [up, down],
    })
}

fn during<R>(links: &[PathBuf], work: impl FnOnce() -> Result<R>) -> Result<(R, Programs)> {
    let before = programs(links)?;
    let done = work()?;
    let mut after = programs(links)?;
    for (name, runs) in &mut after {
        *runs = *runs - before.get(name).copied().unwrap_or_default();
    }
    Ok((done, after))
}

/// The pinned links, of any version; an error while there is none.
pub(super) fn links(pins: &Path) -> Result<Vec<PathBuf>> {
    let mut links = Vec::new();
    for version in fs::read_dir(pins).context("no pins")? {
        for link in fs::read_dir(version?.path().join("links"))? {
            links.push(link?.path());
        }
    }
    ensure!(!links.is_empty(), "no link is pinned in {}", pins.display());
    Ok(links)
}

fn programs(links: &[PathBuf]) -> Result<Programs> {
    let mut programs = Programs::new();
    for link in links {
        let path = link.to_string_lossy();
        let link = bpftool(&["link", "show", "pinned", &path])?;
        let id = link["prog_id"]
            .as_u64()
            .context("a link without a program")?;
        let program = bpftool(&["prog", "show", "id", &id.to_string()])?;
        let name = program["name"]
            .as_str()
            .context("a program without a name")?;
        programs.insert(name.to_owned(), runs(&program));
    }
    Ok(programs)
}

/// bpftool leaves out what is zero.
fn runs(program: &Value) -> Runs {
    let field = |name: &str| program[name].as_u64().unwrap_or(0);
    Runs {
        count: field("run_cnt"),
        nanoseconds: field("run_time_ns"),
    }
}

fn bpftool(arguments: &[&str]) -> Result<Value> {
    let out = Command::new("bpftool").arg("-j").args(arguments).output();
    let out = out.context("cannot start bpftool; `cargo xtask setup` installs it")?;
    let said = String::from_utf8_lossy(&out.stdout);
    ensure!(out.status.success(), "bpftool {arguments:?}: {said}");
    serde_json::from_str(&said).with_context(|| format!("bpftool {arguments:?}: {said}"))
}

impl Counting {
    fn start() -> Result<Self> {
        let before = fs::read_to_string(SWITCH).with_context(|| format!("cannot read {SWITCH}"))?;
        fs::write(SWITCH, "1").with_context(|| format!("cannot write {SWITCH}"))?;
        Ok(Self { before })
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        // It could be written a moment ago, and a destructor has nobody to tell.
        let _ = fs::write(SWITCH, &self.before);
    }
}

impl Sub for Runs {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            count: self.count.saturating_sub(before.count),
            nanoseconds: self.nanoseconds.saturating_sub(before.nanoseconds),
        }
    }
}

impl Runs {
    fn each(self) -> String {
        format!("{:.0}", self.nanoseconds as f64 / self.count.max(1) as f64)
    }
}

impl fmt::Display for RunTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| program | packets a connection | us a connection | ns a packet | ns a packet, bulk up | bulk down |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|")?;
        let each = |value: u64| value as f64 / self.connections.max(1) as f64;
        let mut sum = 0;
        for (name, runs) in &self.at_connections {
            sum += runs.nanoseconds;
            let bulk = |at: usize| self.at_bulk[at].get(name).copied().unwrap_or_default();
            let (packets, time) = (each(runs.count), each(runs.nanoseconds) / 1e3);
            let [up, down] = [bulk(0), bulk(1)].map(|runs| match runs.count {
                0..FEW => String::new(),
                _ => runs.each(),
            });
            let packet = runs.each();
            if runs.count > 0 {
                writeln!(
                    f,
                    "| {name} | {packets:.1} | {time:.2} | {packet} | {up} | {down} |"
                )?;
            }
        }
        writeln!(f, "| all | | {:.2} | | | |", each(sum) / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_bpftool_leaves_out_is_zero() {
        let program = json!({"name": "x", "run_time_ns": 900, "run_cnt": 3});
        let expected = Runs {
            count: 3,
            nanoseconds: 900,
        };
        assert_eq!(runs(&program), expected);
        assert_eq!(runs(&json!({"name": "x"})), Runs::default());
    }

    #[test]
    fn times_are_of_a_connection_and_of_a_packet() {
        let of = |count, nanoseconds| {
            let runs = Runs { count, nanoseconds };
            Programs::from([
                ("in".to_owned(), runs),
                ("idle".to_owned(), Runs::default()),
            ])
        };
        let text = RunTime {
            connections: 10,
            at_connections: of(80, 40_000),
            at_bulk: [of(1_000, 200_000), of(999, 99_900)],
        }
        .to_string();
        assert!(
            text.contains("| in | 8.0 | 4.00 | 500 | 200 |  |\n"),
            "{text}"
        );
        assert!(text.ends_with("| all | | 4.00 | | | |\n"), "{text}");
        assert!(!text.contains("idle"), "{text}");
    }
}
