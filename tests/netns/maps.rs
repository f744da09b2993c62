//! docs/maps.md: every map is described, and its example has the fields that bpftool shows.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use gateway_common::maps::{self, ABI_VERSION};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    process::Process,
    programs::root,
    wait::wait_until,
};
use serde_json::{Map, Value};

use crate::tcp::LIMIT;

/// Address of the Gateway for TLS.
const TLS: &str = "10.77.0.101";

const PASSTHROUGH: &str = r#"
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tls}
spec:
  gatewayClassName: xdp-gateway
  addresses: [{type: IPAddress, value: 10.77.0.101}]
  listeners:
  - {name: through, port: 443, protocol: TLS, tls: {mode: Passthrough}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: through}
spec:
  parentRefs: [{name: tls}]
  hostnames: [a.example]
  rules: [{backendRefs: [{name: echo, port: 9000}]}]
"#;

#[test]
fn the_documentation_shows_every_map_as_bpftool_does() -> Result<()> {
    let bed = Bed::new()?;
    bed.config.write("tls.yaml", PASSTHROUGH)?;
    let daemon = bed.daemon()?;
    // A connection that is established until the end.
    let open = format!("tcp --to {GATEWAY}:9000 --bytes 100000000 --rate 1000000");
    let mut open = bed.start("open", &open)?;
    open.goes_on(100_000)?;
    // A backend without time stamps, behind a listener whose first client has them.
    for server in [&bed.node, &bed.app1, &bed.app2] {
        server.sysctl("net/ipv4/tcp_timestamps", "0")?;
    }
    // Of TLS passthrough: one that a backend has, one whose hello is under way, and one of a client
    // without time stamps that says nothing.
    let whole = hello("a.example");
    let _whole = open_with(&bed, "whole", &whole)?;
    let pins = daemon.pins().join(format!("v{ABI_VERSION}/maps"));
    wait_until(LIMIT, "what the backend lacks is known", || {
        Ok(entries(&pins.join(maps::TLS_NO_STAMPS))? > 0)
    })?;
    let _half = open_with(&bed, "half", &whole[..whole.len() / 2])?;
    bed.client.sysctl("net/ipv4/tcp_timestamps", "0")?;
    let _mute = open_with(&bed, "mute", &[])?;
    // Last, for what nothing proves is swept soonest.
    bed.udp(&format!("--to {GATEWAY}:53 --count 2"))?;
    wait_until(LIMIT, "the connections are in the maps", || {
        let filled = |name: &str| Ok::<_, anyhow::Error>(entries(&pins.join(name))? > 0);
        Ok(filled(maps::TIES)? && filled(maps::HELLOS)? && filled(maps::HALF_OPEN)?)
    })?;
    let sections = sections(&fs::read_to_string(root()?.join("docs/maps.md"))?)?;
    let documented: Vec<&str> = sections.iter().map(|(name, _)| name.as_str()).collect();
    ensure!(documented == maps::ALL, "docs/maps.md has {documented:?}");
    for (name, example) in &sections {
        let live = match name.as_str() {
            // What they hold means nothing, or is as in `hellos`.
            maps::TLS_SCRATCH | maps::TLS_HELLO | maps::LONG_HELLOS => None,
            name => dump(&pins.join(name))?,
        };
        let (shown, real) = (example.as_ref().map(shape), live.as_ref().map(shape));
        ensure!(
            shown == real,
            "{name}: docs/maps.md has {shown:?}, bpftool {real:?}"
        );
    }
    Ok(())
}

/// The beginning of a TLS connection to this server name (RFC 8446 section 4.1.2).
fn hello(name: &str) -> Vec<u8> {
    let with_length = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let host = [&[0], &with_length(name.as_bytes())[..]].concat();
    let names = [&[0, 0], &with_length(&with_length(&host))[..]].concat();
    let body = [
        &[3, 3][..],
        &[7; 32],
        // No session, one suite of ciphers, no compression.
        &[0, 0, 2, 0x13, 1, 1, 0],
        &with_length(&names),
    ]
    .concat();
    let message = [&[1, 0][..], &with_length(&body)].concat();
    [&[22, 3, 1][..], &with_length(&message)].concat()
}

/// A client that sends these bytes, and then nothing, until it is dropped.
fn open_with(bed: &Bed, name: &str, bytes: &[u8]) -> Result<Process> {
    let bytes: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let script = format!("exec 3<>/dev/tcp/{TLS}/443; printf '{bytes}' >&3; read -r _");
    Process::client(&bed.client, name, "bash", ["-c", &script])
}

fn entries(pin: &Path) -> Result<usize> {
    let out = Command::new("bpftool")
        .args(["map", "dump", "pinned"])
        .arg(pin)
        .output();
    let out = out.context("cannot start bpftool; `cargo xtask setup` installs it")?;
    let entries: Vec<Value> = serde_json::from_slice(&out.stdout)?;
    Ok(entries.len())
}

/// Heading and first entry of the example, where there is one.
fn sections(text: &str) -> Result<Vec<(String, Option<Value>)>> {
    let sections = text.split("\n## ").skip(1).map(|section| {
        let (name, rest) = section.split_once('\n').context("an empty section")?;
        let json = rest
            .split_once("```json")
            .and_then(|(_, r)| r.split_once("```"));
        let example = json.map(|(json, _)| first(json.trim_start().as_bytes()));
        let example = example.transpose().with_context(|| name.to_owned())?;
        Ok((name.to_owned(), example.flatten()))
    });
    sections.collect()
}

/// The first entry; `None` for maps that have no fields to show.
fn dump(pin: &Path) -> Result<Option<Value>> {
    let mut bpftool = Command::new("bpftool")
        .args(["map", "dump", "pinned"])
        .arg(pin)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start bpftool; `cargo xtask setup` installs it")?;
    let out = bpftool.stdout.take().context("no output")?;
    let entry = first(BufReader::new(out)).with_context(|| pin.display().to_string());
    // Some maps have millions of entries, and the others must not become old meanwhile.
    bpftool.kill()?;
    bpftool.wait()?;
    entry
}

/// The first element of a list; `None` for what is no list.
fn first(mut json: impl BufRead) -> Result<Option<Value>> {
    if !json.fill_buf()?.starts_with(b"[") {
        return Ok(None);
    }
    json.consume(1);
    let mut elements = serde_json::Deserializer::from_reader(json).into_iter();
    elements.next().context("no entry")?.context("no entry")
}

/// The documentation ends longer lists of numbers after so many.
const SHOWN: usize = 32;

/// Names of fields and lengths of arrays, without what the entry holds. Values per CPU: of one.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let shapes = fields.iter().map(|(name, v)| (name.clone(), shape(v)));
            let sorted: BTreeMap<_, _> = shapes.collect();
            Value::Object(Map::from_iter(sorted))
        }
        Value::Array(items) if items.iter().all(Value::is_object) => {
            items.first().map_or(Value::Null, shape)
        }
        Value::Array(items) => items.iter().take(SHOWN).map(shape).collect(),
        _ => Value::from(0),
    }
}
