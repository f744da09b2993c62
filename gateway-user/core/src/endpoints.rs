//! Where backends are right now; joined with a [`crate::plan::Plan`] after translation, so that
//! a rollout of pods never re-translates routes.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use serde::Serialize;

use crate::{name::ObjectName, plan::BackendId};

/// One address of a backend (EndpointSlice `endpoints[].addresses[]` with a port).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub conditions: Conditions,
    /// On another node, so that its replies do not pass this one.
    pub far: bool,
    /// It is ready, and others of its Service are nearer: no new traffic.
    pub spare: bool,
    /// Where that node takes packets for it in an outer header; of the same address family.
    pub via: Option<IpAddr>,
}

/// Nodes that take packets for their pods in an outer header (DSR), and at which addresses.
pub type Tunnels = BTreeMap<Arc<str>, BTreeSet<IpAddr>>;

/// What EndpointSlices and Services say of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// Of the addresses that EndpointSlices list (`endpoints[].nodeName`).
    pub of: BTreeMap<IpAddr, Arc<str>>,
    /// Services whose traffic shall stay on the node (`trafficDistribution: PreferSameNode`).
    pub kept: BTreeSet<ObjectName>,
}

/// EndpointSlice conditions, defaults applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Conditions {
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
}

impl Default for Conditions {
    /// Of an endpoint that says none.
    fn default() -> Self {
        Self {
            ready: true,
            serving: true,
            terminating: false,
        }
    }
}

impl Endpoint {
    /// A ready one, as far as its node is not known.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            conditions: Conditions::default(),
            far: false,
            spare: false,
            via: None,
        }
    }
}

/// Endpoints of every backend that the plan names. A backend without an entry has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints(pub BTreeMap<BackendId, Vec<Endpoint>>);

impl Endpoints {
    /// Addresses that new traffic may go to: the ready ones, in a stable order.
    pub fn ready<'a>(&'a self, id: &BackendId) -> impl Iterator<Item = SocketAddr> + 'a {
        let all = self.0.get(id).map(Vec::as_slice).unwrap_or_default();
        let ready = all.iter().filter(|e| e.conditions.ready && !e.spare);
        ready.map(|e| e.address)
    }

    /// All that are listed.
    pub fn all<'a>(&'a self, id: &BackendId) -> impl Iterator<Item = &'a Endpoint> + 'a {
        let all = self.0.get(id).map(Vec::as_slice).unwrap_or_default();
        all.iter()
    }

    /// Of these, the ones on other nodes.
    pub fn far<'a>(&'a self, id: &BackendId) -> impl Iterator<Item = &'a Endpoint> + 'a {
        let all = self.0.get(id).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|e| e.far)
    }

    /// Which of them are on another node than `me` (those of unknown nodes are not), where that
    /// takes outer headers, and which are passed over for that.
    pub fn seen_from(&mut self, me: &str, nodes: &Nodes, tunnels: &Tunnels) {
        for (id, endpoints) in &mut self.0 {
            for endpoint in &mut *endpoints {
                let ip = endpoint.address.ip();
                let node = nodes.of.get(&ip).filter(|node| &***node != me);
                let node = node.filter(|_| !me.is_empty());
                let at = node.and_then(|node| tunnels.get(node));
                let mut at = at.into_iter().flatten();
                endpoint.far = node.is_some();
                endpoint.via = at.find(|at| at.is_ipv4() == ip.is_ipv4()).copied();
                endpoint.spare = false;
            }
            if nodes.kept.contains(&id.service) {
                pass_over_far(endpoints, me, nodes);
            }
        }
    }
}

/// Of each address family, far endpoints where there are ready ones on the node.
fn pass_over_far(endpoints: &mut [Endpoint], me: &str, nodes: &Nodes) {
    let is_here = |e: &Endpoint| nodes.of.get(&e.address.ip()).is_some_and(|n| &**n == me);
    for v4 in [true, false] {
        let of_family = |e: &Endpoint| e.conditions.ready && e.address.is_ipv4() == v4;
        if endpoints.iter().any(|e| of_family(e) && is_here(e)) {
            let far = endpoints.iter_mut().filter(|e| e.far && of_family(e));
            far.for_each(|e| e.spare = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::l4::testing::{backend, endpoints};

    fn seen(kept: bool) -> Endpoints {
        let mut all = endpoints(&[("a", &["10.0.1.1:80", "10.0.2.1:80", "[fd00:2::1]:80"])]);
        let service = ObjectName::new("default", "a");
        let on = |ip: &str, node: &str| (ip.parse().expect("an address"), node.into());
        let nodes = Nodes {
            of: [
                on("10.0.1.1", "here"),
                on("10.0.2.1", "there"),
                on("fd00:2::1", "there"),
            ]
            .into(),
            kept: kept.then_some(service).into_iter().collect(),
        };
        all.seen_from("here", &nodes, &Tunnels::new());
        all
    }

    fn ready(endpoints: &Endpoints) -> Vec<String> {
        let ready = endpoints.ready(&backend("a"));
        ready
            .map(|address: SocketAddr| address.to_string())
            .collect()
    }

    #[test]
    fn traffic_stays_on_the_node_where_it_can_and_its_service_says_so() {
        let everywhere = ["10.0.1.1:80", "10.0.2.1:80", "[fd00:2::1]:80"];
        assert_eq!(ready(&seen(false)), everywhere);
        assert_eq!(ready(&seen(true)), ["10.0.1.1:80", "[fd00:2::1]:80"]);
    }

    #[test]
    fn a_node_without_a_ready_endpoint_uses_the_others() {
        let mut all = seen(true);
        let (id, _) = all.0.first_key_value().expect("a backend");
        let (id, mut nodes) = (id.clone(), Nodes::default());
        nodes.kept.insert(id.service.clone());
        nodes.of = [("10.0.1.1", "here"), ("10.0.2.1", "there")]
            .map(|(ip, node)| (ip.parse().expect("an address"), node.into()))
            .into();
        let list = all.0.get_mut(&id).expect("its endpoints");
        list[0].conditions.ready = false;
        all.seen_from("here", &nodes, &Tunnels::new());
        assert_eq!(ready(&all), ["10.0.2.1:80", "[fd00:2::1]:80"]);
    }
}
