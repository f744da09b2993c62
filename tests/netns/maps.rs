//! docs/maps.md: every map is described, and its example has the fields that bpftool shows.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use gateway_common::maps::{self, ABI_VERSION};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    programs::root,
};
use serde_json::{Map, Value};

#[test]
fn the_documentation_shows_every_map_as_bpftool_does() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    // A connection that is established until the end.
    let open = format!("tcp --to {GATEWAY}:9000 --bytes 100000000 --rate 1000000");
    let mut open = bed.start("open", &open)?;
    open.goes_on(100_000)?;
    bed.udp(&format!("--to {GATEWAY}:53 --count 2"))?;
    let sections = sections(&fs::read_to_string(root()?.join("docs/maps.md"))?)?;
    let documented: Vec<&str> = sections.iter().map(|(name, _)| name.as_str()).collect();
    ensure!(documented == maps::ALL, "docs/maps.md has {documented:?}");
    for (name, example) in &sections {
        let live = dump(
            &daemon
                .pins()
                .join(format!("v{ABI_VERSION}/maps"))
                .join(name),
        )?;
        let (shown, real) = (example.as_ref().map(shape), live.as_ref().map(shape));
        ensure!(
            shown == real,
            "{name}: docs/maps.md has {shown:?}, bpftool {real:?}"
        );
    }
    Ok(())
}

/// Heading and first entry of the example, where there is one.
fn sections(text: &str) -> Result<Vec<(String, Option<Value>)>> {
    let sections = text.split("\n## ").skip(1).map(|section| {
        let (name, rest) = section.split_once('\n').context("an empty section")?;
        let json = rest
            .split_once("```json")
            .and_then(|(_, r)| r.split_once("```"));
        let example = json.map(|(json, _)| first(json.as_bytes()));
        Ok((
            name.to_owned(),
            example.transpose().with_context(|| name.to_owned())?,
        ))
    });
    sections.collect()
}

/// The first entry; `None` for maps that have no fields to show.
fn dump(pin: &Path) -> Result<Option<Value>> {
    let out = Command::new("bpftool")
        .args(["map", "dump", "pinned"])
        .arg(pin)
        .output();
    let out = out.context("cannot start bpftool; `cargo xtask setup` installs it")?;
    if !out.stdout.starts_with(b"[") {
        return Ok(None);
    }
    first(&out.stdout)
        .map(Some)
        .with_context(|| pin.display().to_string())
}

fn first(json: &[u8]) -> Result<Value> {
    let entries: Vec<Value> = serde_json::from_slice(json).context("not JSON")?;
    entries.into_iter().next().context("no entry")
}

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
        Value::Array(items) => items.iter().map(shape).collect(),
        _ => Value::from(0),
    }
}
