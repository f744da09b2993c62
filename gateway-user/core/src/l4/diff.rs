//! From the tables in force to the desired ones, in an order that is safe at every step.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use gateway_common::{
    abi::{Address, Backend, Frontend, FrontendKey, Origin, Service, TagKey, TlsTarget},
    addr::Addr,
};

use super::{
    names::NameKey,
    tables::{RouteAt, Tables},
};

/// One write to a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapOp {
    PutAddress(Addr, Address),
    PutBackend(u32, Backend),
    /// Names a backend for outer headers.
    PutTag(TagKey, u32),
    /// Says which frontend leads to an endpoint.
    PutOrigin(FrontendKey, Origin),
    /// Writes a lookup table, first slot first. No service uses these slots yet.
    PutRegion(u32, Arc<[u32]>),
    /// Also switches a service to its new lookup table; the old one is free from then on. Of TLS
    /// passthrough with whose it is, which is in no map.
    PutService(u32, Service, Option<RouteAt>),
    /// Says where a server name leads.
    PutName(NameKey, TlsTarget),
    PutFrontend(FrontendKey, Frontend),
    RemoveFrontend(FrontendKey),
    RemoveName(NameKey),
    RemoveService(u32),
    RemoveTag(TagKey),
    RemoveBackend(u32),
    RemoveOrigin(FrontendKey),
    RemoveAddress(Addr),
}

/// Operations that turn `current` into `desired`: what is pointed at before what points at it,
/// removals last and in reverse. After each single operation every frontend, service and slot
/// leads to something complete.
pub fn diff(current: &Tables, desired: &Tables) -> Vec<MapOp> {
    let mut ops = Vec::new();
    let op = |(address, value): (&Addr, &Address)| MapOp::PutAddress(*address, *value);
    ops.extend(changed(&current.addresses, &desired.addresses).map(op));
    let op = |(id, value): (&u32, &Backend)| MapOp::PutBackend(*id, *value);
    ops.extend(changed(&current.backends, &desired.backends).map(op));
    let op = |(key, id): (&TagKey, &u32)| MapOp::PutTag(*key, *id);
    ops.extend(changed(&current.tags, &desired.tags).map(op));
    let op = |(endpoint, value): (&FrontendKey, &Origin)| MapOp::PutOrigin(*endpoint, *value);
    ops.extend(changed(&current.origins, &desired.origins).map(op));
    let op = |(at, slots): (&u32, &Arc<[u32]>)| MapOp::PutRegion(*at, Arc::clone(slots));
    ops.extend(changed(&current.regions, &desired.regions).map(op));
    ops.extend(services(current, desired));
    ops.extend(names(current, desired));
    let op = |(key, value): (&FrontendKey, &Frontend)| MapOp::PutFrontend(*key, *value);
    ops.extend(changed(&current.frontends, &desired.frontends).map(op));

    let op = |key: &FrontendKey| MapOp::RemoveFrontend(*key);
    ops.extend(gone(&current.frontends, &desired.frontends).map(op));
    let op = |name: &NameKey| MapOp::RemoveName(*name);
    ops.extend(gone(&current.names, &desired.names).map(op));
    let op = |id: &u32| MapOp::RemoveService(*id);
    ops.extend(gone(&current.services, &desired.services).map(op));
    let op = |key: &TagKey| MapOp::RemoveTag(*key);
    ops.extend(gone(&current.tags, &desired.tags).map(op));
    let op = |id: &u32| MapOp::RemoveBackend(*id);
    ops.extend(gone(&current.backends, &desired.backends).map(op));
    let op = |endpoint: &FrontendKey| MapOp::RemoveOrigin(*endpoint);
    ops.extend(gone(&current.origins, &desired.origins).map(op));
    let op = |address: &Addr| MapOp::RemoveAddress(*address);
    ops.extend(gone(&current.addresses, &desired.addresses).map(op));
    ops
}

fn services(current: &Tables, desired: &Tables) -> impl Iterator<Item = MapOp> {
    let is_new = |id: &u32, value: &Service| {
        current.services.get(id) != Some(value) || current.routes.get(id) != desired.routes.get(id)
    };
    let new = desired.services.iter().filter(move |(id, s)| is_new(id, s));
    new.map(|(id, value)| MapOp::PutService(*id, *value, desired.routes.get(id).cloned()))
}

/// The longest first: else a name that has its own entry afterwards would meanwhile lead where a wider
/// one does. (Removals are the other way round, for the same reason.)
fn names<'a>(current: &'a Tables, desired: &'a Tables) -> impl Iterator<Item = MapOp> + 'a {
    let mut names: Vec<_> = changed(&current.names, &desired.names).collect();
    names.sort_by_key(|(name, _)| Reverse(name.bits));
    let op = |(name, value): (&NameKey, &TlsTarget)| MapOp::PutName(*name, *value);
    names.into_iter().map(op)
}

/// Entries of `new` that are missing or different in `old`.
fn changed<'a, K: Ord, V: PartialEq>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    new.iter()
        .filter(|(key, value)| old.get(key) != Some(value))
}

/// Keys of `old` that `new` lacks.
fn gone<'a, K: Ord, V>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = &'a K> {
    old.keys().filter(|key| !new.contains_key(key))
}

#[cfg(test)]
mod tests;
