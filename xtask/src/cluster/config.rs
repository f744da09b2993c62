//! The configuration files of a node, as text.
//!
//! Paths are those that the node sees: its own /var and /run, and the programs below /run/tools.

use serde_json::{Value, json};

use super::plan::{DNS_SERVICE, Node, PODS, Plan};

/// Configuration, certificates and start scripts, in the node's /var.
pub(super) const HOME: &str = "/var/lib/kubernetes";
pub(super) const TOOLS: &str = "/run/tools";
const CNI: &str = "/var/lib/kubernetes/cni";
/// Debian's package containernetworking-plugins.
const CNI_PLUGINS: &str = "/usr/lib/cni";
pub(super) const PAUSE_IMAGE: &str = "xdp-gateway.dev/pause:1";

/// (path below [`HOME`], content)
pub(super) fn files(plan: &Plan, node: &Node) -> Vec<(String, String)> {
    let mut users = vec!["admin", "kubelet", "kube-proxy"];
    if node.control_plane {
        users.extend(["kube-controller-manager", "kube-scheduler"]);
    }
    let kubeconfigs = users.into_iter().map(|user| {
        let text = kubeconfig(plan, &format!("{HOME}/pki"), user);
        (format!("{user}.kubeconfig"), text)
    });
    let mut all: Vec<_> = kubeconfigs.collect();
    all.extend([
        ("containerd.toml".into(), containerd()),
        ("kubelet.json".into(), pretty(&kubelet(node))),
        ("kube-proxy.json".into(), pretty(&kube_proxy(node))),
        ("cni/10-pods.conflist".into(), pretty(&network(node))),
    ]);
    all
}

/// For a user whose certificate lies in the directory `pki`.
pub(super) fn kubeconfig(plan: &Plan, pki: &str, user: &str) -> String {
    pretty(&json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": {
            "server": plan.api_server(),
            "certificate-authority": format!("{pki}/ca.crt"),
        }}],
        "users": [{"name": user, "user": {
            "client-certificate": format!("{pki}/{user}.crt"),
            "client-key": format!("{pki}/{user}.key"),
        }}],
        "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": user}}],
        "current-context": "cluster",
    }))
}

fn containerd() -> String {
    format!(
        r#"version = 3

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "{PAUSE_IMAGE}"

[plugins.'io.containerd.cri.v1.runtime']
# Root in a container may not make a process less likely to be killed.
restrict_oom_score_adj = true
disable_apparmor = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["{CNI_PLUGINS}"]
conf_dir = "{CNI}"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
"#
    )
}

fn kubelet(node: &Node) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": format!("{HOME}/pki/ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        // Of its own: a kubelet removes control groups of pods that it does not know.
        "cgroupRoot": format!("/{}", node.namespace),
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        // The machine's memory and disk are not the cluster's to judge.
        "evictionHard": {"memory.available": "1Mi"},
        "failCgroupV1": false,
        "failSwapOn": false,
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": false,
        "makeIPTablesUtilChains": false,
        "maxPods": 250,
        "oomScoreAdj": 0,
        // The names that the machine asks for are not reachable from here.
        "resolvConf": "/dev/null",
    })
}

fn kube_proxy(node: &Node) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": format!("{HOME}/kube-proxy.kubeconfig")},
        "clusterCIDR": PODS,
        // Left as it is: the limits are the machine's.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "hostnameOverride": node.name,
        "mode": "iptables",
        "oomScoreAdj": 0,
    })
}

fn network(node: &Node) -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [{
            "type": "ptp",
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": node.pods}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }, {
            "type": "portmap",
            "capabilities": {"portMappings": true},
        }],
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_has_its_own_control_groups_name_and_pods() {
        let plan = Plan::new(2).expect("a plan");
        let node = &plan.nodes[1];
        assert_eq!(kubelet(node)["cgroupRoot"], "/xdpgw-node1");
        assert_eq!(kube_proxy(node)["hostnameOverride"], "node1");
        let range = &network(node)["plugins"][0]["ipam"]["ranges"][0][0];
        assert_eq!(range["subnet"], "10.244.1.0/24");
    }

    #[test]
    fn kubeconfigs_lead_to_the_first_node() {
        let plan = Plan::new(2).expect("a plan");
        let text = kubeconfig(&plan, "/pki", "kubelet");
        let config: Value = serde_json::from_str(&text).expect("JSON");
        let server = &config["clusters"][0]["cluster"]["server"];
        assert_eq!(*server, "https://172.29.0.10:6443");
        assert_eq!(config["users"][0]["user"]["client-key"], "/pki/kubelet.key");
    }
}
