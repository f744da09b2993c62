//! Joins backends with their EndpointSlices.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use super::World;
use crate::{
    api::core_kinds::{EndpointSlice, Family, ServicePort, ServiceSpec, SlicePort, TargetPort},
    endpoints::{Endpoint, Endpoints, Nodes},
    name::ObjectName,
    plan::{BackendId, Transport},
};

impl World {
    /// Endpoints of `ids`. A backend whose Service, port or slices do not exist has none.
    ///
    /// A slice belongs to the Service that its label `kubernetes.io/service-name` names, and its
    /// ports to those of the Service with the same name and protocol (as for kube-proxy), so
    /// that headless Services and those without a selector work alike.
    pub fn endpoints(&self, ids: impl Iterator<Item = BackendId>) -> Endpoints {
        let slices = self.slices_by_service();
        let found = ids.map(|id| {
            let slices = slices
                .get(&id.service)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let service = self.services.get(&id.service);
            let endpoints = service
                .map(|s| join(&s.spec, &id, slices))
                .unwrap_or_default();
            (id, endpoints)
        });
        Endpoints(found.collect())
    }

    /// Nodes of all endpoints that say theirs, and Services that care.
    pub fn endpoint_nodes(&self) -> Nodes {
        let all = self.slices.values().flat_map(|slice| &slice.spec.endpoints);
        let named = all.filter_map(|e| Some((e, e.node.as_ref()?)));
        let pairs = named.flat_map(|(e, node)| e.addresses.iter().map(|ip| (*ip, node.clone())));
        let services = self.services.iter();
        let kept = services.filter(|(_, service)| service.spec.same_node);
        Nodes {
            of: pairs.collect(),
            kept: kept.map(|(name, _)| name.clone()).collect(),
        }
    }

    fn slices_by_service(&self) -> BTreeMap<ObjectName, Vec<&EndpointSlice>> {
        let mut slices: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for slice in self.slices.values() {
            if let Some(service) = &slice.spec.service {
                let service = ObjectName::new(slice.meta.namespace.clone(), service.clone());
                slices.entry(service).or_default().push(slice);
            }
        }
        slices
    }
}

/// Endpoints of a port in the order of their addresses. An address that several slices list is
/// taken once, as ready if one of them says so: a pod may move between slices (KEP-752).
fn join(service: &ServiceSpec, id: &BackendId, slices: &[&EndpointSlice]) -> Vec<Endpoint> {
    let mut found: BTreeMap<SocketAddr, Endpoint> = BTreeMap::new();
    for endpoint in slices.iter().flat_map(|slice| of_slice(service, id, slice)) {
        let known = found.entry(endpoint.address).or_insert(endpoint);
        if endpoint.conditions.ready && !known.conditions.ready {
            *known = endpoint;
        }
    }
    found.into_values().collect()
}

fn of_slice(service: &ServiceSpec, id: &BackendId, slice: &EndpointSlice) -> Vec<Endpoint> {
    let wanted = |family| service.families.is_empty() || service.families.contains(&family);
    let Some(family) = slice.spec.family.filter(|family| wanted(*family)) else {
        return Vec::new();
    };
    let protocol = match id.transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
    };
    let wanted = |p: &&ServicePort| p.port == id.port && &*p.protocol == protocol;
    let ports = service.ports.iter().filter(wanted);
    let targets: BTreeSet<u16> = ports
        .flat_map(|p| slice.spec.ports.iter().filter_map(|s| target(p, s)))
        .collect();
    let addresses = slice.spec.endpoints.iter().flat_map(|e| {
        let of_family = e.addresses.iter().filter(|a| Family::of(**a) == family);
        of_family.map(|address| (*address, e.conditions))
    });
    addresses
        .flat_map(|(ip, conditions)| {
            targets.iter().map(move |port| Endpoint {
                conditions,
                ..Endpoint::new(SocketAddr::new(ip, *port))
            })
        })
        .collect()
}

/// Port of the pods, where `slice` stands for `service`.
fn target(service: &ServicePort, slice: &SlicePort) -> Option<u16> {
    if service.name != slice.name || service.protocol != slice.protocol {
        return None;
    }
    match (slice.port, &service.target) {
        (Some(port), _) => Some(port),
        (None, TargetPort::Number(port)) => Some(*port),
        (None, TargetPort::Name(_)) => None,
    }
}

#[cfg(test)]
mod tests;
