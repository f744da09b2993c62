//! One LAN: a bridge, and a namespace for the client and for each node. Nothing reaches beyond it.

use std::{path::Path, time::Duration};

use anyhow::Result;

use super::plan::{CLIENT, CLIENT_ADDRESS, CLIENT_ADDRESS6, LAN, Plan};
use crate::process::Job;

const SHORT: Duration = Duration::from_secs(20);

pub(super) fn make(plan: &Plan, log: &Path) -> Result<()> {
    for command in commands(plan) {
        let mut words = command.split(' ');
        let program = words.next().unwrap_or_default();
        Job::new(format!("`{command}`"), program, SHORT)
            .args(words)
            .log(log)?;
    }
    Ok(())
}

fn commands(plan: &Plan) -> Vec<String> {
    let mut all = switch();
    // The gateway of everything: without a default route the nodes cannot reach Services.
    all.extend(member(CLIENT, "client", [&client4(), &client6()]));
    for node in &plan.nodes {
        let v4 = format!("{}/24", node.address);
        let v6 = format!("{}/64", node.address6);
        all.extend(member(&node.namespace, &node.name, [&v4, &v6]));
    }
    for node in &plan.nodes {
        let namespace = &node.namespace;
        for sysctl in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] {
            all.push(format!("{} sysctl -qw {sysctl}", inside(namespace)));
        }
        all.push(format!(
            "ip -n {namespace} route add default via {CLIENT_ADDRESS}"
        ));
        all.push(format!(
            "ip -n {namespace} -6 route add default via {CLIENT_ADDRESS6}"
        ));
    }
    for node in &plan.nodes {
        let others = plan.nodes.iter().filter(|other| other.name != node.name);
        let others = others.map(|other| other.namespace.as_str());
        for namespace in others.chain([CLIENT]) {
            all.push(format!(
                "ip -n {namespace} route add {} via {}",
                node.pods, node.address
            ));
        }
    }
    all
}

/// Multicast goes to every port: the LAN has no querier whose absence would starve neighbours.
fn switch() -> Vec<String> {
    vec![
        format!("ip netns add {LAN}"),
        format!("ip -n {LAN} link add br0 type bridge mcast_snooping 0"),
        format!("ip -n {LAN} link set br0 up"),
    ]
}

/// A namespace whose eth0 is connected to a port of the switch.
fn member(namespace: &str, port: &str, addresses: [&str; 2]) -> Vec<String> {
    let mut all = vec![
        format!("ip netns add {namespace}"),
        format!("ip -n {namespace} link set lo up"),
        format!("ip -n {LAN} link add {port} type veth peer name eth0 netns {namespace}"),
        format!("ip -n {LAN} link set {port} master br0 up"),
        // A veth pair takes frames that XDP sends back only where the other end polls.
        format!("{} ethtool -K {port} gro on", inside(LAN)),
        // Checksums are in the packet, as on a wire, when XDP changes it.
        format!("{} ethtool -K eth0 tx off", inside(namespace)),
    ];
    for address in addresses {
        // Known to be free: the address is usable at once.
        let nodad = if address.contains(':') { " nodad" } else { "" };
        all.push(format!(
            "ip -n {namespace} address add {address} dev eth0{nodad}"
        ));
    }
    all.push(format!("ip -n {namespace} link set eth0 up"));
    all
}

fn client4() -> String {
    format!("{CLIENT_ADDRESS}/24")
}

fn client6() -> String {
    format!("{CLIENT_ADDRESS6}/64")
}

fn inside(namespace: &str) -> String {
    format!("nsenter --net=/run/netns/{namespace}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The machine's own network must never notice.
    #[test]
    fn every_command_is_confined_to_a_namespace_of_ours() {
        let commands = commands(&Plan::new(2).expect("a plan"));
        for command in &commands {
            let confined = ["ip netns add xdpgw-", "ip -n xdpgw-"]
                .iter()
                .any(|begin| command.starts_with(begin))
                || command.starts_with("nsenter --net=/run/netns/xdpgw-");
            assert!(confined, "{command}");
            assert!(!command.contains("  "), "{command}");
        }
    }

    #[test]
    fn pods_of_each_node_are_routed_from_everywhere_else() {
        let commands = commands(&Plan::new(2).expect("a plan"));
        let routes: Vec<_> = commands
            .iter()
            .filter(|command| command.contains("10.244."))
            .map(String::as_str)
            .collect();
        assert_eq!(
            routes,
            [
                "ip -n xdpgw-node1 route add 10.244.0.0/24 via 172.29.0.10",
                "ip -n xdpgw-client route add 10.244.0.0/24 via 172.29.0.10",
                "ip -n xdpgw-node0 route add 10.244.1.0/24 via 172.29.0.11",
                "ip -n xdpgw-client route add 10.244.1.0/24 via 172.29.0.11",
            ]
        );
    }
}
