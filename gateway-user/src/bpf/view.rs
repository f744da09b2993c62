//! The data path as somebody sees it who may not change it: with a daemon or without.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Error, Result};
use aya::{
    Ebpf,
    maps::{HashMap, MapData, MapError},
};
use gateway_common::{
    abi::{
        Address, Backend, Flow, FlowKey, Frontend, FrontendKey, LinkAddress, Origin, Service, Snat,
        TlsTarget,
    },
    addr::Addr,
    splice::Splice,
};
use gateway_core::l4::{
    Tables,
    names::{NameKey, NameTable, found_by},
    trace::{Clock, Source},
};

use super::{
    clock,
    flows::Flows,
    load,
    maps::{Maps, found},
    pins::Pins,
    read,
    splices::Splices,
    stats::Stats,
};

/// Reads the pinned maps, and can do nothing else to them: the kernel refuses it.
pub struct View {
    maps: Maps,
    flows: Flows,
    splices: Splices,
    stats: Stats,
    clock: Ebpf,
}

impl View {
    /// # Errors
    /// Where nothing is pinned, or without the privileges of `run`.
    pub fn open(pin_dir: &Path) -> Result<Self> {
        let pins = Pins::read_only(pin_dir)?;
        Ok(Self {
            maps: Maps::open(&pins)?,
            flows: Flows::open(&pins)?,
            splices: Splices::open(&pins)?,
            stats: Stats::open(&pins)?,
            clock: clock::load()?,
        })
    }

    /// Everything that frontends can lead to.
    pub fn tables(&self) -> Result<Tables> {
        read::tables(&self.maps)
    }

    /// Server names of all listeners for TLS passthrough.
    pub fn names(&self) -> Result<NameTable> {
        read::names(&self.maps)
    }

    /// By the index of the interface.
    pub fn uplinks(&self) -> Result<BTreeMap<u32, LinkAddress>> {
        let entries = self.maps.uplinks.iter().collect::<Result<_, _>>();
        entries.context("cannot read the uplinks")
    }

    /// Another flow table may have taken the place of the one that was opened.
    ///
    /// # Errors
    /// Where nothing is pinned any more.
    pub fn refresh(&mut self) -> Result<()> {
        self.flows.refresh()
    }

    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// Connections of TLS passthrough.
    pub fn splices(&self) -> &Splices {
        &self.splices
    }

    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// What flows are stamped with, now.
    pub fn clock(&self) -> Result<Clock> {
        Ok(Clock {
            now: clock::read(&self.clock)?,
            hz: load::hz()?,
        })
    }
}

impl Source for View {
    type Error = Error;

    fn frontend(&self, key: &FrontendKey) -> Result<Option<Frontend>> {
        entry(&self.maps.frontends, key)
    }

    fn service(&self, id: u32) -> Result<Option<Service>> {
        entry(&self.maps.services, &id)
    }

    fn slot(&self, slot: u32) -> Result<Option<u32>> {
        match self.maps.maglev.get(&slot, 0) {
            Ok(id) => Ok(Some(id)),
            Err(MapError::OutOfBounds { .. }) => Ok(None),
            Err(error) => Err(error).context("cannot read the lookup tables"),
        }
    }

    fn backend(&self, id: u32) -> Result<Option<Backend>> {
        entry(&self.maps.backends, &id)
    }

    fn origin(&self, endpoint: &FrontendKey) -> Result<Option<Origin>> {
        entry(&self.maps.origins, endpoint)
    }

    fn address(&self, address: &Addr) -> Result<Option<Address>> {
        entry(&self.maps.addresses, address)
    }

    fn uplink(&self, interface: u32) -> Result<Option<LinkAddress>> {
        entry(&self.maps.uplinks, &interface)
    }

    fn snat(&self, slot: u32) -> Result<Option<Snat>> {
        let found = self.maps.snat.get(&slot, 0);
        found.map(Some).context("cannot read the pinned maps")
    }

    fn flow(&self, key: &FlowKey) -> Result<Option<Flow>> {
        self.flows.get(key)
    }

    fn fresh(&self, key: &FlowKey) -> Result<Option<Flow>> {
        self.flows.get_fresh(key)
    }

    fn splice(&self, client: &FlowKey) -> Result<Option<Splice>> {
        self.splices.get(client)
    }

    fn tie(&self, backend: &FlowKey) -> Result<Option<FlowKey>> {
        self.splices.tied(backend)
    }

    fn name(&self, asked: &NameKey) -> Result<Option<(NameKey, TlsTarget)>> {
        let found = self.maps.name(asked).context("cannot read the pinned maps");
        Ok(found?.and_then(|target| Some((found_by(*asked, &target)?, target))))
    }
}

fn entry<K: aya::Pod, V: aya::Pod>(map: &HashMap<MapData, K, V>, key: &K) -> Result<Option<V>> {
    found(map.get(key, 0)).context("cannot read the pinned maps")
}
