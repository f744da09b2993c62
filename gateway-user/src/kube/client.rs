//! The connection to the API server.

use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::{Client, Config};

use crate::cli;

/// An API server that does not accept a connection by then is down, as far as we are concerned.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest silence on a connection. Watches carry a bookmark about every minute.
const SILENCE: Duration = Duration::from_secs(90);

/// Who this process is in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub node: String,
    pub pod: String,
    /// Where our pods and the Lease are.
    pub namespace: String,
}

/// A client for the API server that `KUBECONFIG` or `~/.kube/config` names, or else for that of
/// the cluster around this pod. Nothing is sent yet.
///
/// # Errors
/// Where neither can be read.
pub async fn connect(options: &cli::Kubernetes) -> Result<(Client, String, Identity)> {
    let mut config = Config::infer().await.context(
        "no API server: run in a pod with a service account, or set KUBECONFIG to a kubeconfig",
    )?;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    let server = config.cluster_url.to_string();
    let server = server.trim_end_matches('/').to_owned();
    let identity = identity(options, &config.default_namespace);
    let client = Client::try_from(config)
        .with_context(|| format!("no client for the API server at {server}"))?;
    Ok((client, server, identity))
}

fn identity(options: &cli::Kubernetes, default_namespace: &str) -> Identity {
    let node = options.node_name.clone().unwrap_or_else(|| {
        let host = rustix::system::uname();
        host.nodename().to_string_lossy().into_owned()
    });
    let namespace = options.namespace.as_deref().unwrap_or(default_namespace);
    Identity {
        pod: options.pod_name.clone().unwrap_or_else(|| node.clone()),
        namespace: namespace.to_owned(),
        node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_has_defaults() {
        let given = cli::Kubernetes {
            node_name: Some("n1".into()),
            pod_name: None,
            namespace: None,
            daemonset: None,
        };
        let Identity {
            node,
            pod,
            namespace,
        } = identity(&given, "default");
        assert_eq!([&*node, &*pod, &*namespace], ["n1", "n1", "default"]);

        let given = cli::Kubernetes {
            node_name: None,
            pod_name: Some("gw-x".into()),
            namespace: Some("gw".into()),
            daemonset: None,
        };
        let Identity {
            node,
            pod,
            namespace,
        } = identity(&given, "default");
        assert!(!node.is_empty(), "the name of the host");
        assert_eq!([&*pod, &*namespace], ["gw-x", "gw"]);
    }
}
