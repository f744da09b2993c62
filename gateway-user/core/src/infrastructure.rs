//! What stands for a Gateway inside its cluster: a headless Service, and EndpointSlices with the
//! Gateway's addresses and ports.
//!
//! No pods are made for a Gateway: every node serves all of them. These objects let others find
//! it by name and by label (GEP-1762), and carry `spec.infrastructure.labels` and `annotations`
//! (GEP-1867).

mod made;
mod manifest;
mod names;
mod operations;
mod schedule;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use serde_json::Value as Json;

pub use self::{
    made::{GATEWAY_UID, Made, MadeObjects},
    operations::{Change, Operation, operations},
    schedule::Schedule,
};
use self::{
    manifest::{Manifest, Port},
    names::Names,
};
use crate::{
    api::{Gateway, Kind, core_kinds::Family, object::Labels},
    name::ObjectName,
    plan::{Frontend, FrontendId, Plan, Transport},
    status::{GatewayStatus, Reported, Statuses},
    translate::age::age,
    verdict::GatewayVerdict,
    world::World,
};

/// An object by kind and name.
pub type Key = (Kind, ObjectName);

/// Prefixes of labels and annotations that are not a user's to set.
const RESERVED_PREFIXES: [&str; 2] = ["gateway.networking.k8s.io/", "xdp-gateway.dev/"];
/// Keys that would make other objects of ours, or that we cannot read back.
const RESERVED: [&str; 4] = [
    manifest::SERVICE_NAME,
    manifest::MANAGED_BY,
    manifest::HEADLESS,
    "kubectl.kubernetes.io/last-applied-configuration",
];

/// The objects of all Gateways.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Infrastructure {
    pub objects: BTreeMap<Key, Wanted>,
    /// Whether what we made and is not among them may be deleted.
    pub removals: bool,
    /// What Gateways ask for and do not get.
    pub verdicts: Vec<(ObjectName, Vec<GatewayVerdict>)>,
}

/// An object that shall be.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub gateway: ObjectName,
    /// Of the Gateway.
    pub uid: Arc<str>,
    /// As for the API server.
    pub object: Json,
}

/// What the Gateways of ours should have. `statuses` are those of the translation of `world` that
/// `plan` is of; `made`: what we made earlier.
pub fn infrastructure(
    world: &World,
    plan: &Plan,
    statuses: &Statuses,
    made: &MadeObjects,
) -> Infrastructure {
    let ours = statuses.gateways.iter().filter(|reported| reported.ours);
    let mut gateways: Vec<_> = ours.filter_map(|reported| known(world, reported)).collect();
    gateways.sort_by_cached_key(|(gateway, ..)| age(&gateway.meta));
    let ports = ports(plan);
    let mut names = Names::default();
    let mut out = Infrastructure {
        removals: true,
        ..Infrastructure::default()
    };
    for (gateway, uid, status) in gateways {
        let name = gateway.name();
        let mut verdicts = Vec::new();
        let (labels, annotations) = metadata(gateway, &mut verdicts);
        let manifest = Manifest {
            service: names.service(&name, &gateway.spec.gateway_class_name),
            gateway,
            uid: &uid,
            labels,
            annotations,
            addresses: addresses(status),
            ports: ports.get(&name).map(Vec::as_slice).unwrap_or_default(),
        };
        let taken = |key: &Key| exists(world, key) && !made.contains_key(key);
        for (key, object) in free(&manifest, taken, &mut verdicts) {
            let (gateway, uid) = (name.clone(), uid.clone());
            let wanted = Wanted {
                gateway,
                uid,
                object,
            };
            out.objects.insert(key, wanted);
        }
        if !verdicts.is_empty() {
            out.verdicts.push((name, verdicts));
        }
    }
    out
}

/// The Gateway that a status is of. Without an API server it has no uid, and gets no objects.
fn known<'a>(
    world: &'a World,
    reported: &'a Reported<GatewayStatus>,
) -> Option<(&'a Gateway, Arc<str>, &'a GatewayStatus)> {
    let gateway = world.gateways.get(&reported.object_name())?;
    let uid = gateway.meta.uid.clone()?;
    Some((gateway, uid, &reported.status))
}

/// Ports at which Gateways are served, each once.
fn ports(plan: &Plan) -> BTreeMap<ObjectName, Vec<Port>> {
    let mut found: BTreeMap<ObjectName, BTreeSet<Port>> = BTreeMap::new();
    for (id, frontend) in &plan.frontends {
        let (gateway, port) = port(*id, frontend);
        found.entry(gateway.clone()).or_default().insert(port);
    }
    let lists = found
        .into_iter()
        .map(|(name, ports)| (name, ports.into_iter().collect()));
    lists.collect()
}

fn port(id: FrontendId, frontend: &Frontend) -> (&ObjectName, Port) {
    let (gateway, speaks) = match frontend {
        Frontend::L4(service) => (&service.gateway, id.transport.as_str()),
        Frontend::Http(http) => {
            let speaks = match http.listeners.first() {
                None => "tls",
                Some(listener) if listener.tls.is_some() => "https",
                Some(_) => "http",
            };
            (&http.gateway, speaks)
        }
    };
    let port = Port {
        number: id.address.port(),
        protocol: match id.transport {
            Transport::Tcp => "TCP",
            Transport::Udp => "UDP",
        },
        speaks,
    };
    (gateway, port)
}

/// Labels and annotations that the Gateway asks for and may have.
fn metadata(gateway: &Gateway, verdicts: &mut Vec<GatewayVerdict>) -> (Labels, Labels) {
    let mut keys = BTreeSet::new();
    let mut split = |all: &Labels| {
        let (reserved, free): (Labels, Labels) = all
            .clone()
            .into_iter()
            .partition(|(key, _)| is_reserved(key));
        keys.extend(reserved.into_keys());
        free
    };
    let infrastructure = gateway.spec.infrastructure.as_ref();
    let labels = infrastructure.map(|i| split(&i.labels));
    let annotations = infrastructure.map(|i| split(&i.annotations));
    if !keys.is_empty() {
        let keys = Vec::from_iter(keys).join(", ");
        verdicts.push(GatewayVerdict::KeysReserved { keys });
    }
    (labels.unwrap_or_default(), annotations.unwrap_or_default())
}

fn is_reserved(key: &str) -> bool {
    let mut prefixes = RESERVED_PREFIXES.iter();
    prefixes.any(|prefix| key.starts_with(prefix)) || RESERVED.contains(&key)
}

/// Those that an EndpointSlice may hold (`ValidateEndpointIP` of Kubernetes).
fn addresses(status: &GatewayStatus) -> Vec<IpAddr> {
    let parsed = status.addresses.iter().filter_map(|a| a.value.parse().ok());
    let usable = |address: &IpAddr| match address {
        IpAddr::V4(ip) => {
            let octets = ip.octets();
            !ip.is_unspecified()
                && !ip.is_loopback()
                && !ip.is_link_local()
                && octets[..3] != [224, 0, 0]
        }
        IpAddr::V6(ip) => {
            !ip.is_unspecified()
                && !ip.is_loopback()
                && !ip.is_unicast_link_local()
                && ip.segments()[0] & 0xff0f != 0xff02
        }
    };
    parsed.filter(usable).collect()
}

/// The objects of a Gateway whose names nobody else has. A Service of somebody else gets no
/// EndpointSlices of ours.
fn free(
    manifest: &Manifest<'_>,
    taken: impl Fn(&Key) -> bool,
    verdicts: &mut Vec<GatewayVerdict>,
) -> Vec<(Key, Json)> {
    let mut refused = |(kind, name): &Key| {
        let (kind, name) = (*kind, name.clone());
        verdicts.push(GatewayVerdict::NameTaken { kind, name });
    };
    let service = manifest.service();
    if taken(&service.0) {
        refused(&service.0);
        return Vec::new();
    }
    let mut objects = vec![service];
    for slice in [Family::V4, Family::V6].map(|family| manifest.slice(family)) {
        match slice {
            Some((key, _)) if taken(&key) => refused(&key),
            Some(slice) => objects.push(slice),
            None => (),
        }
    }
    objects
}

fn exists(world: &World, (kind, name): &Key) -> bool {
    match kind {
        Kind::Service => world.services.contains_key(name),
        _ => world.slices.contains_key(name),
    }
}

#[cfg(test)]
mod tests;
