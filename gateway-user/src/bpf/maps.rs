//! The maps that user space writes, and how each operation is done to them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use aya::maps::{
    Array, HashMap, MapData, MapError, PerCpuHashMap, SockMap,
    lpm_trie::{Key, LpmTrie},
};
use gateway_common::{
    abi::{
        Address, Backend, BackendStats, Frontend, FrontendKey, KIND_TLS, LinkAddress, NEAR, Origin,
        Served, Service, Snat, TagKey, TlsName, TlsSecret, TlsTarget,
    },
    addr::Addr,
    maps,
};
use gateway_core::l4::{MapOp, names::NameKey};
use rustls::crypto::aws_lc_rs;

use super::pins::Pins;

/// Typed handles of the pinned maps.
pub(super) struct Maps {
    pub frontends: HashMap<MapData, FrontendKey, Frontend>,
    pub services: HashMap<MapData, u32, Service>,
    pub maglev: Array<MapData, u32>,
    pub backends: HashMap<MapData, u32, Backend>,
    pub backend_stats: PerCpuHashMap<MapData, u32, BackendStats>,
    pub listeners: SockMap<MapData>,
    pub addresses: HashMap<MapData, Addr, Address>,
    pub uplinks: HashMap<MapData, u32, LinkAddress>,
    pub snat: Array<MapData, Snat>,
    pub tags: HashMap<MapData, TagKey, u32>,
    pub origins: HashMap<MapData, FrontendKey, Origin>,
    served: Array<MapData, Served>,
    pub tls_names: HashMap<MapData, TlsName, TlsTarget>,
    pub tls_wildcards: LpmTrie<MapData, TlsName, TlsTarget>,
    tls_secret: Array<MapData, TlsSecret>,
}

impl Maps {
    pub(super) fn open(pins: &Pins) -> Result<Self> {
        Ok(Self {
            frontends: pins.open(maps::FRONTENDS)?,
            services: pins.open(maps::SERVICES)?,
            maglev: pins.open(maps::MAGLEV)?,
            backends: pins.open(maps::BACKENDS)?,
            backend_stats: pins.open(maps::BACKEND_STATS)?,
            listeners: pins.open(maps::LISTENERS)?,
            addresses: pins.open(maps::ADDRESSES)?,
            uplinks: pins.open(maps::UPLINKS)?,
            snat: pins.open(maps::SNAT)?,
            tags: pins.open(maps::TAGS)?,
            origins: pins.open(maps::ORIGINS)?,
            served: pins.open(maps::SERVED)?,
            tls_names: pins.open(maps::TLS_NAMES)?,
            tls_wildcards: pins.open(maps::TLS_WILDCARDS)?,
            tls_secret: pins.open(maps::TLS_SECRET)?,
        })
    }

    /// Does `op`. The statistics of a backend go with it, so that its id starts from zero when it
    /// is given again.
    pub(super) fn apply(&mut self, op: &MapOp) -> Result<()> {
        let done = match op {
            MapOp::PutAddress(address, value) => self.addresses.insert(address, value, 0),
            MapOp::RemoveAddress(address) => gone(self.addresses.remove(address)),
            MapOp::PutBackend(id, value) => self.put_backend(*id, value),
            MapOp::PutTag(key, id) => self.tags.insert(key, id, 0),
            MapOp::RemoveTag(key) => gone(self.tags.remove(key)),
            MapOp::PutOrigin(endpoint, value) => self
                .note(maps::SERVED_ENDPOINTS, &endpoint.address, endpoint.port)
                .and_then(|()| self.origins.insert(endpoint, value, 0)),
            MapOp::RemoveOrigin(endpoint) => gone(self.origins.remove(endpoint)),
            MapOp::PutRegion(offset, slots) => self.put_slots(*offset, slots),
            MapOp::PutService(id, value, _) => self.services.insert(id, value, 0),
            MapOp::PutName(name, target) => self.put_name(name, target),
            MapOp::RemoveName(name) => gone(self.remove_name(name)),
            MapOp::PutFrontend(key, value) => self.put_frontend(key, value),
            MapOp::RemoveFrontend(key) => gone(self.frontends.remove(key)),
            MapOp::RemoveService(id) => gone(self.services.remove(id)),
            MapOp::RemoveBackend(id) => gone(self.backends.remove(id)),
        };
        done.with_context(|| format!("the kernel refused the map operation {}", brief(op)))
    }

    /// Where the kernel has a server name lead.
    pub(super) fn name(&self, asked: &NameKey) -> Result<Option<TlsTarget>, MapError> {
        let exact = match asked.is_exact() {
            true => found(self.tls_names.get(&asked.name, 0))?,
            false => None,
        };
        match exact {
            Some(target) => Ok(Some(target)),
            None => found(self.tls_wildcards.get(&key(asked), 0)),
        }
    }

    /// Zeroes the statistics of a backend id.
    pub(super) fn clear_stats(&mut self, backend: u32) -> Result<()> {
        gone(self.backend_stats.remove(&backend))
            .with_context(|| format!("cannot clear the statistics of backend {backend}"))
    }

    /// Link addresses by the index of the interface: these and no others.
    pub(super) fn set_uplinks(&mut self, wanted: &BTreeMap<u32, LinkAddress>) -> Result<()> {
        let context = "cannot write the uplinks to the kernel's map";
        for (interface, uplink) in wanted {
            self.uplinks.insert(interface, uplink, 0).context(context)?;
        }
        let known = self.uplinks.keys().collect::<Result<Vec<_>, _>>();
        for interface in known.context(context)? {
            if !wanted.contains_key(&interface) {
                gone(self.uplinks.remove(&interface)).context(context)?;
            }
        }
        Ok(())
    }

    /// How far backends are reached, over IPv4 and over IPv6.
    pub(super) fn set_snat(&mut self, [v4, v6]: [Snat; 2]) -> Result<()> {
        let context = "cannot write the node's addresses for far backends to the kernel's map";
        self.snat.set(maps::SNAT_V4, v4, 0).context(context)?;
        self.snat.set(maps::SNAT_V6, v6, 0).context(context)
    }

    /// Makes up what the cookies of TLS passthrough are made with, unless an earlier start did.
    pub(super) fn ensure_secret(&mut self) -> Result<()> {
        let context = "cannot write the secret of the cookies to the kernel's map";
        if self.tls_secret.get(&0, 0).context(context)? == TlsSecret::default() {
            let secret = secret()?;
            self.tls_secret.set(0, secret, 0).context(context)?;
        }
        Ok(())
    }

    /// Lets packets to or from this address be looked at, before there is anything to find.
    fn note(&mut self, filter: u32, address: &Addr, port: u32) -> Result<(), MapError> {
        let mut served = self.served.get(&filter, 0)?;
        match served.add(address, port as u16) {
            true => self.served.set(filter, served, 0),
            false => Ok(()),
        }
    }

    fn put_frontend(&mut self, key: &FrontendKey, value: &Frontend) -> Result<(), MapError> {
        self.note(maps::SERVED_ADDRESSES, &key.address, 0)?;
        if value.kind == KIND_TLS {
            self.note(maps::SERVED_TLS, &key.address, key.port)?;
        }
        self.frontends.insert(key, value, 0)
    }

    fn put_backend(&mut self, id: u32, value: &Backend) -> Result<(), MapError> {
        if value.far == NEAR {
            self.note(maps::SERVED_TLS, &value.address, value.port)?;
        }
        self.backends.insert(id, value, 0)
    }

    fn put_name(&mut self, name: &NameKey, target: &TlsTarget) -> Result<(), MapError> {
        match name.is_exact() {
            true => self.tls_names.insert(name.name, target, 0),
            false => self.tls_wildcards.insert(&key(name), target, 0),
        }
    }

    fn remove_name(&mut self, name: &NameKey) -> Result<(), MapError> {
        match name.is_exact() {
            true => self.tls_names.remove(&name.name),
            false => self.tls_wildcards.remove(&key(name)),
        }
    }

    fn put_slots(&mut self, offset: u32, slots: &[u32]) -> Result<(), MapError> {
        let numbered = (offset..).zip(slots);
        for (slot, backend) in numbered {
            self.maglev.set(slot, backend, 0)?;
        }
        Ok(())
    }
}

fn key(name: &NameKey) -> Key<TlsName> {
    Key::new(name.bits, name.name)
}

/// Never all zeros, which stand for none.
fn secret() -> Result<TlsSecret> {
    loop {
        let secret = TlsSecret {
            key: [random()?, random()?],
        };
        if secret != TlsSecret::default() {
            return Ok(secret);
        }
    }
}

fn random() -> Result<u64> {
    let mut bytes = [0; size_of::<u64>()];
    let source = aws_lc_rs::default_provider().secure_random;
    let filled = source.fill(&mut bytes);
    filled.map_err(|_| anyhow!("the system gives no random bytes"))?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Nothing, where there is no such entry.
pub(super) fn found<V>(result: Result<V, MapError>) -> Result<Option<V>, MapError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(MapError::KeyNotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removing what is not there is done already.
fn gone(result: Result<(), MapError>) -> Result<(), MapError> {
    match result {
        Err(MapError::KeyNotFound) => Ok(()),
        Err(MapError::SyscallError(error))
            if error.io_error.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(())
        }
        other => other,
    }
}

/// Without thousands of slots.
fn brief(op: &MapOp) -> String {
    match op {
        MapOp::PutRegion(offset, slots) => format!("PutRegion({offset}, {} slots)", slots.len()),
        other => format!("{other:?}"),
    }
}
