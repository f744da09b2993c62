//! The pinned maps back into the mirror: what is in force when we start.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use aya::maps::{MapError, lpm_trie::Key};
use gateway_common::abi::{Service, TlsName, TlsTarget};
use gateway_core::l4::{
    Tables,
    names::{NameKey, NameTable},
};

use super::maps::Maps;

/// Reads everything that frontends can lead to.
pub(super) fn tables(maps: &Maps) -> Result<Tables> {
    let collect = "cannot read the pinned maps";
    let services = maps.services.iter().collect::<Result<BTreeMap<_, _>, _>>();
    let services = services.context(collect)?;
    let mut regions = BTreeMap::new();
    for service in services.values().filter(|s| s.maglev_size > 0) {
        regions.insert(service.maglev_offset, region(maps, service)?.into());
    }
    let tables = Tables {
        frontends: maps
            .frontends
            .iter()
            .collect::<Result<_, _>>()
            .context(collect)?,
        backends: maps
            .backends
            .iter()
            .collect::<Result<_, _>>()
            .context(collect)?,
        tags: maps
            .tags
            .iter()
            .collect::<Result<_, _>>()
            .context(collect)?,
        origins: maps
            .origins
            .iter()
            .collect::<Result<_, _>>()
            .context(collect)?,
        addresses: maps
            .addresses
            .iter()
            .collect::<Result<_, _>>()
            .context(collect)?,
        names: names(maps)?,
        services,
        regions,
        ..Tables::default()
    };
    Ok(tables.with_cursors_at_end())
}

/// Server names of all groups.
pub(super) fn names(maps: &Maps) -> Result<NameTable> {
    let exact = maps.tls_names.iter().map(|entry| {
        let (name, target) = entry?;
        Ok((NameKey::exact(name), target))
    });
    let wildcard = |entry: Result<(Key<TlsName>, TlsTarget), MapError>| {
        let (key, target) = entry?;
        let name = NameKey {
            name: key.data(),
            bits: key.prefix_len(),
        };
        Ok((name, target))
    };
    let wildcards = maps.tls_wildcards.iter().map(wildcard);
    let all: Result<_, MapError> = exact.chain(wildcards).collect();
    all.context("cannot read the pinned maps")
}

fn region(maps: &Maps, service: &Service) -> Result<Vec<u32>> {
    let end = service.maglev_offset.checked_add(service.maglev_size);
    let end = end.context("a service's lookup table ends beyond the map")?;
    (service.maglev_offset..end)
        .map(|slot| maps.maglev.get(&slot, 0))
        .collect::<Result<_, _>>()
        .with_context(|| {
            format!(
                "cannot read slots {}..{end} of maglev",
                service.maglev_offset
            )
        })
}
