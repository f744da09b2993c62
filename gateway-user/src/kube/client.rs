//! The connection to the API server.

use std::time::Duration;

use anyhow::{Context as _, Result};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use kube::{
    Client, Config,
    client::{ConfigExt as _, retry::RetryPolicy},
};
use tower::{BoxError, ServiceBuilder, retry::RetryLayer};

use crate::cli;

/// An API server that does not accept a connection by then is down, as far as we are concerned.
const CONNECT: Duration = Duration::from_secs(3);
/// A watch may be silent for minutes: probes tell whether its server is still there.
const PROBE_AFTER: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// What was sent has to be acknowledged by then; as long as the probes take.
const ACKNOWLEDGED: Duration = Duration::from_secs(25);

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
    let config = Config::infer().await.context(
        "no API server: run in a pod with a service account, or set KUBECONFIG to a kubeconfig",
    )?;
    let server = config.cluster_url.to_string();
    let server = server.trim_end_matches('/').to_owned();
    let identity = identity(options, &config.default_namespace);
    let client =
        client(&config).with_context(|| format!("no client for the API server at {server}"))?;
    Ok((client, server, identity))
}

/// As kube makes one, but it notices a server that vanished without a word (kube's own waits for
/// minutes), and leaves it to the caller what of a failure is worth a line in the log.
fn client(config: &Config) -> Result<Client, kube::Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(PROBE_AFTER));
    tcp.set_keepalive_interval(Some(PROBE_EVERY));
    tcp.set_keepalive_retries(Some(PROBES));
    tcp.set_tcp_user_timeout(Some(ACKNOWLEDGED));
    let tls = config.rustls_https_connector_with_connector(tcp)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(RetryLayer::new(RetryPolicy::server_retry()))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(legacy::Client::builder(TokioExecutor::new()).build(tls));
    Ok(Client::new(service, config.default_namespace.clone()))
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
