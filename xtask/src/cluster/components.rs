//! The programs of a node: their arguments, and the scripts that start them.

use super::{
    config::{HOME, TOOLS},
    plan::{Node, PODS, Plan, SERVICES},
};

/// A long-running program of a node.
pub(super) struct Component {
    pub(super) name: &'static str,
    pub(super) arguments: Vec<String>,
}

/// In the order of their start.
pub(super) fn components(plan: &Plan, node: &Node) -> Vec<Component> {
    let mut all = Vec::new();
    if node.control_plane {
        all.push(component("etcd", ETCD));
        all.push(api_server(plan));
    }
    let config = format!("--config={HOME}/containerd.toml");
    all.push(component("containerd", &[&config]));
    if node.control_plane {
        all.push(controller_manager());
        let kubeconfig = format!("--kubeconfig={HOME}/kube-scheduler.kubeconfig");
        let scheduler = [kubeconfig.as_str(), "--leader-elect=false"];
        all.push(component("kube-scheduler", &scheduler));
    }
    all.push(component(
        "kubelet",
        &[
            &format!("--config={HOME}/kubelet.json"),
            &format!("--kubeconfig={HOME}/kubelet.kubeconfig"),
            &format!("--hostname-override={}", node.name),
            &format!("--node-ip={}", node.address),
        ],
    ));
    let config = format!("--config={HOME}/kube-proxy.json");
    all.push(component("kube-proxy", &[&config]));
    all
}

/// Nothing in it must outlive the machine.
const ETCD: &[&str] = &["--data-dir=/var/lib/etcd", "--unsafe-no-fsync"];

fn api_server(plan: &Plan) -> Component {
    let pki = |flag: &str, file: &str| format!("--{flag}={HOME}/pki/{file}");
    let mut all = component(
        "kube-apiserver",
        &[
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--etcd-servers=http://127.0.0.1:2379",
            // Names of nodes are not resolved.
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
        ],
    );
    all.arguments.extend([
        format!("--advertise-address={}", plan.nodes[0].address),
        format!("--service-cluster-ip-range={SERVICES}"),
        pki("client-ca-file", "ca.crt"),
        pki("tls-cert-file", "kube-apiserver.crt"),
        pki("tls-private-key-file", "kube-apiserver.key"),
        pki("kubelet-client-certificate", "to-kubelets.crt"),
        pki("kubelet-client-key", "to-kubelets.key"),
        pki("service-account-key-file", "sa.pub"),
        pki("service-account-signing-key-file", "sa.key"),
    ]);
    all
}

fn controller_manager() -> Component {
    component(
        "kube-controller-manager",
        &[
            &format!("--kubeconfig={HOME}/kube-controller-manager.kubeconfig"),
            &format!("--service-account-private-key-file={HOME}/pki/sa.key"),
            &format!("--root-ca-file={HOME}/pki/ca.crt"),
            &format!("--cluster-cidr={PODS}"),
            "--leader-elect=false",
            "--use-service-account-credentials=true",
        ],
    )
}

fn component(name: &'static str, arguments: &[&str]) -> Component {
    let arguments = arguments.iter().map(|&argument| argument.to_owned());
    Component {
        name,
        arguments: arguments.collect(),
    }
}

impl Component {
    /// Run inside the node it starts the component again, detached from whoever runs it.
    pub(super) fn script(&self) -> String {
        let name = self.name;
        let arguments = self.arguments.join(" \\\n  ");
        format!(
            r#"#!/bin/sh
# Starts {name}. Its process id is in /run/{name}.pid, its output in /var/log/{name}.log.
exec setsid --fork env -i HOME={HOME} PATH={TOOLS}:/usr/sbin:/usr/bin:/sbin:/bin \
  sh -c 'echo $$ >/run/{name}.pid; exec "$@" </dev/null >>/var/log/{name}.log 2>&1' \
  sh {name} \
  {arguments}
"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(plan: &Plan, node: usize) -> Vec<&'static str> {
        let all = components(plan, &plan.nodes[node]).into_iter();
        all.map(|component| component.name).collect()
    }

    #[test]
    fn the_control_plane_runs_on_the_first_node_only() {
        let plan = Plan::new(2).expect("a plan");
        assert_eq!(
            names(&plan, 0),
            [
                "etcd",
                "kube-apiserver",
                "containerd",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy"
            ]
        );
        assert_eq!(names(&plan, 1), ["containerd", "kubelet", "kube-proxy"]);
    }

    #[test]
    fn a_script_takes_its_arguments_as_they_are() {
        let plan = Plan::new(1).expect("a plan");
        for component in components(&plan, &plan.nodes[0]) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-=/.:,_".contains(c);
            for argument in &component.arguments {
                assert!(argument.chars().all(plain), "{argument}");
            }
            let script = component.script();
            assert!(script.contains(&format!("/run/{}.pid", component.name)));
            assert!(
                script
                    .trim_end()
                    .ends_with(&component.arguments[component.arguments.len() - 1])
            );
        }
    }
}
