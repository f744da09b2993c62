//! Do the pinned maps fit the programs? The kernel would not tell before something breaks.

use std::fmt;

use anyhow::{Context as _, Result, bail};
use aya::maps::MapInfo;
use aya_obj::Object;
use gateway_common::maps;

use super::pins::Pins;

/// What makes two maps interchangeable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
}

/// Compares every pinned map with what `object` would create; changes nothing.
pub(super) fn check(pins: &Pins, object: &[u8]) -> Result<()> {
    let object = Object::parse(object).context("cannot parse the embedded BPF object")?;
    for name in maps::ALL {
        let path = pins.map(name);
        if !path.exists() {
            continue;
        }
        let wanted = object
            .maps
            .get(name)
            .with_context(|| format!("the embedded BPF object has no map {name}"))?;
        let wanted = Shape {
            kind: wanted.map_type(),
            key_size: wanted.key_size(),
            value_size: wanted.value_size(),
            max_entries: wanted.max_entries(),
            flags: wanted.map_flags(),
        };
        let pinned = MapInfo::from_pin(&path)
            .with_context(|| format!("{} is not a map that we can open", path.display()))?;
        let pinned = Shape {
            kind: pinned.map_type()? as u32,
            key_size: pinned.key_size(),
            value_size: pinned.value_size(),
            // The flow table's size is a setting, and follows it later.
            max_entries: match name {
                maps::FLOWS => wanted.max_entries,
                _ => pinned.max_entries(),
            },
            flags: pinned.map_flags(),
        };
        if pinned != wanted {
            bail!(
                "the pinned map {} has {pinned}, this version of xdp-gateway needs {wanted}: \
                 nothing was changed; run `xdp-gateway unload` first (TCP and UDP routes pause \
                 until the next start)",
                path.display()
            );
        }
    }
    Ok(())
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            key_size,
            value_size,
            max_entries,
            flags,
        } = self;
        write!(
            f,
            "type {kind}, keys of {key_size} bytes, values of {value_size} bytes, \
             {max_entries} entries, flags {flags:#x}"
        )
    }
}
