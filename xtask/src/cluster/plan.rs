//! Names and addresses: everything about a cluster that follows from its number of nodes.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::{Result, ensure};

/// The switch that all others are connected to.
pub(crate) const LAN: &str = "xdpgw-lan";
pub(crate) const CLIENT: &str = "xdpgw-client";
/// Begins the names of the nodes' namespaces and control groups; their number follows.
pub(crate) const NODE: &str = "xdpgw-node";
/// Both families; 172.29.0.100 to .199 and fd29::1:0/112 are left for Gateways.
pub(crate) const CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 29, 0, 1);
pub(crate) const CLIENT_ADDRESS6: Ipv6Addr = Ipv6Addr::new(0xfd29, 0, 0, 0, 0, 0, 0, 1);
pub(crate) const PODS: &str = "10.244.0.0/16";
pub(crate) const SERVICES: &str = "10.96.0.0/16";
/// The Service `kubernetes`: the first address of [`SERVICES`].
pub(crate) const API_SERVICE: &str = "10.96.0.1";
pub(crate) const DNS_SERVICE: &str = "10.96.0.10";
/// More would reach into the range of the Gateways only far later; nobody has tried more.
const MOST: usize = 16;

/// A cluster; its first node has the control plane as well.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug)]
pub(crate) struct Node {
    /// As Kubernetes knows it.
    pub(crate) name: String,
    /// Of its network namespace, its control groups and its first process.
    pub(crate) namespace: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) address6: Ipv6Addr,
    /// Addresses of its pods, `a.b.c.d/24`.
    pub(crate) pods: String,
    pub(crate) control_plane: bool,
}

impl Plan {
    /// # Errors
    /// A number of nodes that cannot be had.
    pub(crate) fn new(nodes: usize) -> Result<Self> {
        ensure!(
            (1..=MOST).contains(&nodes),
            "a cluster has 1 to {MOST} nodes, not {nodes}"
        );
        // 1 to 16: no value is cut.
        let nodes = (0..nodes as u8).map(Node::new).collect();
        Ok(Self { nodes })
    }

    /// The API server, for clients on the LAN.
    pub(crate) fn api_server(&self) -> String {
        format!("https://{}:6443", self.nodes[0].address)
    }
}

impl Node {
    fn new(index: u8) -> Self {
        Self {
            name: format!("node{index}"),
            namespace: format!("{NODE}{index}"),
            address: Ipv4Addr::new(172, 29, 0, 10 + index),
            address6: Ipv6Addr::new(0xfd29, 0, 0, 0, 0, 0, 0, 0x10 + u16::from(index)),
            pods: format!("10.244.{index}.0/24"),
            control_plane: index == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_nodes_share_anything() {
        let plan = Plan::new(MOST).expect("a plan");
        let distinct = |of: fn(&Node) -> String| {
            let values: BTreeSet<_> = plan.nodes.iter().map(of).collect();
            assert_eq!(values.len(), MOST, "{values:?}");
        };
        distinct(|n| n.name.clone());
        distinct(|n| n.namespace.clone());
        distinct(|n| n.address.to_string());
        distinct(|n| n.address6.to_string());
        distinct(|n| n.pods.clone());
        let control_planes = plan.nodes.iter().filter(|n| n.control_plane);
        assert_eq!(control_planes.count(), 1);
    }

    #[test]
    fn the_addresses_of_gateways_are_left_free() {
        let plan = Plan::new(MOST).expect("a plan");
        for node in plan.nodes {
            assert!(node.address.octets()[3] < 100, "{}", node.address);
            assert_eq!(node.address6.segments()[6], 0, "{}", node.address6);
        }
    }

    #[test]
    fn impossible_numbers_of_nodes_are_refused() {
        for nodes in [0, MOST + 1] {
            let error = Plan::new(nodes).expect_err("no such cluster").to_string();
            assert!(error.contains(&format!("not {nodes}")), "{error}");
        }
    }
}
