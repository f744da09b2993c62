//! `maps`, `flows` and `trace`, with a daemon and without; docs/troubleshooting.md shows them.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use gateway_common::maps::ABI_VERSION;
use gateway_tests::{
    bed::{Bed, GATEWAY},
    process::Process,
    programs::{Programs, root},
    wait::wait_until,
};
use serde_json::Value;

use super::tcp::LIMIT;

/// Runs the program on the node, on the pins of the bed.
pub(crate) fn run(bed: &Bed, arguments: &str) -> Result<String> {
    let pins = bed.net.pins().display().to_string();
    let words = arguments.split_whitespace();
    let all = words.chain(["--pin-dir", &pins]);
    bed.node.run(&Programs::get()?.gateway, all)
}

pub(crate) fn json(bed: &Bed, arguments: &str) -> Result<Value> {
    let text = run(bed, &format!("{arguments} -o json"))?;
    serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))
}

#[test]
fn the_documentation_shows_what_the_commands_print() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 2"))?;
    bed.udp(&format!("--to {GATEWAY}:53 --count 2"))?;
    let text = fs::read_to_string(root()?.join("docs/troubleshooting.md"))?;
    let examples = examples(&text);
    for command in ["maps", "flows", "trace"] {
        let shown = examples.iter().any(|(line, _)| line.starts_with(command));
        ensure!(shown, "docs/troubleshooting.md has no example of {command}");
    }
    for (command, shown) in examples {
        let printed = run(&bed, command)?;
        ensure!(
            shape(shown) == shape(&printed),
            "docs/troubleshooting.md differs from `xdp-gateway {command}`, which prints\n{printed}"
        );
    }
    Ok(())
}

/// Command lines and what they print, of blocks that begin with the prompt.
pub(crate) fn examples(text: &str) -> Vec<(&str, &str)> {
    let blocks = text.split("```").skip(1).step_by(2);
    let begun = blocks.filter_map(|block| block.split_once("$ xdp-gateway "));
    begun
        .filter_map(|(_, rest)| rest.split_once('\n'))
        .collect()
}

/// Lines without what differs between two runs: numbers, widths of columns, order.
pub(crate) fn shape(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let words = line.split_whitespace().map(|word| {
            let mut shape = String::new();
            for c in word
                .chars()
                .map(|c| if c.is_ascii_digit() { '0' } else { c })
            {
                if c != '0' || !shape.ends_with('0') {
                    shape.push(c);
                }
            }
            shape
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let mut lines: Vec<String> = text.lines().map(line).filter(|l| !l.is_empty()).collect();
    lines.sort();
    lines
}

#[test]
fn maps_have_names_with_a_daemon_and_numbers_without() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 30"))?;
    let echo = |maps: &Value| -> Result<Value> {
        let rows = maps["frontends"].as_array().context("no frontends")?;
        let at = format!("{GATEWAY}:9000");
        let row = rows.iter().find(|row| row["address"] == at.as_str());
        row.cloned().with_context(|| format!("no {at} in {maps}"))
    };
    let sum = |maps: &Value, field: &str| -> f64 {
        let rows = maps["backends"].as_array().cloned().unwrap_or_default();
        let of_echo = rows
            .iter()
            .filter(|r| r["address"].as_str().is_some_and(|a| a.ends_with(":9000")));
        of_echo.filter_map(|row| row[field].as_f64()).sum()
    };

    let maps = json(&bed, "maps")?;
    ensure!(echo(&maps)?["gateway"] == "default/demo", "{maps}");
    ensure!(maps.to_string().contains("default/echo:9000"), "{maps}");
    ensure!(sum(&maps, "flows") == 30.0, "{maps}");
    for share in ["share", "traffic"] {
        ensure!((sum(&maps, share) - 1.0).abs() < 1e-9, "{share}: {maps}");
    }

    daemon.kill()?;
    let maps = json(&bed, "maps")?;
    ensure!(
        echo(&maps)?["servedBy"] == "xdp" && echo(&maps)?["gateway"].is_null(),
        "{maps}"
    );
    ensure!(sum(&maps, "flows") == 30.0, "{maps}");
    Ok(())
}

#[test]
fn flows_are_listed_filtered_counted_and_followed() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    let pins = bed.net.pins().display().to_string();
    let follow = ["flows", "--follow", "--protocol", "tcp", "--pin-dir", &pins];
    let follower = Process::server(&bed.node, "follow", &Programs::get()?.gateway, follow)?;
    wait_until(LIMIT, "the table is followed", || {
        Ok(follower.log().contains("following:"))
    })?;
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 5"))?;
    bed.udp(&format!("--to {GATEWAY}:53 --count 4"))?;

    let count = |arguments: &str| -> Result<usize> {
        let flows = json(&bed, &format!("flows {arguments}"))?;
        flows.as_array().map(Vec::len).context("no list")
    };
    ensure!(count("")? == 9);
    ensure!(count("--protocol udp")? == 4);
    ensure!(count("--client 10.77.0.0/24 --port 9000")? == 5);
    ensure!(count("--client 10.77.1.0/24")? == 0);
    ensure!(count("--backend default/dns")? == 4);
    ensure!(count("--top 3")? == 3);
    let by = json(&bed, "flows --by client")?;
    ensure!(
        by == serde_json::json!([{"of": "10.77.0.2", "flows": 9}]),
        "{by}"
    );
    let unknown = run(&bed, "flows --backend default/nothing");
    ensure!(unknown.is_err_and(|e| e.to_string().contains("no backend default/nothing")));

    wait_until(LIMIT, "the follower tells of five connections", || {
        let log = follower.log();
        Ok(["opened", "closed"]
            .iter()
            .all(|word| log.lines().filter(|line| line.starts_with(word)).count() == 5))
    })
    .with_context(|| follower.log())?;
    ensure!(!follower.log().contains("udp"), "{}", follower.log());
    Ok(())
}

#[test]
fn a_trace_says_where_packets_really_go_and_changes_no_map() -> Result<()> {
    let bed = Bed::new()?;
    let _daemon = bed.daemon()?;
    bed.tcp(&format!("--to {GATEWAY}:9000 --count 3"))?;
    bed.udp(&format!("--to {GATEWAY}:53 --count 3"))?;
    let before = dump(&bed, "flows")?;
    let flows = json(&bed, "flows --protocol udp")?;
    for flow in flows.as_array().context("no list")? {
        let [client, address, backend] =
            ["client", "address", "backend"].map(|end| flow[end].as_str().unwrap_or_default());
        let trace = json(&bed, &format!("trace udp {client} {address}"))?;
        ensure!(trace["rewritten"] == backend, "{flow} but {trace}");
        ensure!(
            trace["counter"] == "forwarded" && trace["gateway"] == "default/demo",
            "{trace}"
        );
        let reply = json(&bed, &format!("trace udp {backend} {client}"))?;
        ensure!(
            reply["rewritten"] == address && reply["counter"] == "replied",
            "{reply}"
        );
    }
    let cases = [
        (
            "tcp",
            format!("{GATEWAY}:9000"),
            "forwarded",
            "a real packet would enter",
        ),
        (
            "tcp",
            format!("{GATEWAY}:80"),
            "pass_proxy",
            "of the proxy takes the connection",
        ),
        (
            "tcp",
            format!("{GATEWAY}:81"),
            "pass_not_ours",
            "the node refuses it",
        ),
        (
            "udp",
            "10.77.0.1:9".to_owned(),
            "pass_not_ours",
            "the node itself handles it",
        ),
    ];
    for (protocol, to, counter, words) in cases {
        let trace = json(&bed, &format!("trace {protocol} 10.77.0.2:7 {to}"))?;
        ensure!(trace["counter"] == counter, "{to}: {trace}");
        ensure!(trace.to_string().contains(words), "{to}: {trace}");
    }
    ensure!(
        dump(&bed, "flows")? == before,
        "a trace changed the flow table"
    );
    Ok(())
}

/// All entries, as bpftool prints them.
fn dump(bed: &Bed, map: &str) -> Result<Vec<String>> {
    let pin = bed
        .net
        .pins()
        .join(format!("v{ABI_VERSION}/maps"))
        .join(map);
    let out = Command::new("bpftool")
        .args(["map", "dump", "pinned"])
        .arg(pin)
        .output();
    let out = out.context("cannot start bpftool; `cargo xtask setup` installs it")?;
    let entries: Vec<Value> = serde_json::from_slice(&out.stdout).context("not JSON")?;
    let mut entries: Vec<String> = entries.iter().map(ToString::to_string).collect();
    entries.sort();
    Ok(entries)
}
