//! What is watched, and where the API server has it.

use gateway_core::api::Kind;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind},
    runtime::watcher,
};

/// Labels of our pods, as the chart sets them.
const OUR_PODS: &str = "app.kubernetes.io/name=xdp-gateway,app.kubernetes.io/component=gateway";

/// Kind of our pods.
pub(super) const PODS: &str = "Pod";

const DEFINITION: &str = "CustomResourceDefinition";
const CLASSES: &str = "metadata.name=gatewayclasses.gateway.networking.k8s.io";

/// What a watch is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Kind(Kind),
    /// Our own pods, in this namespace.
    Peers(String),
    /// The CRD of GatewayClass, which tells the version of Gateway API.
    Definition,
}

impl Target {
    /// Everything to watch, for one whose pods are in `namespace`.
    pub(super) fn all(namespace: &str) -> Vec<Self> {
        let kinds = kinds().map(Self::Kind);
        let others = [Self::Peers(namespace.to_owned()), Self::Definition];
        kinds.chain(others).collect()
    }

    /// Versions of its API group, the preferred one first.
    pub(super) fn versions(&self) -> &'static [&'static str] {
        match self {
            Self::Kind(kind) => kind.versions().1,
            Self::Peers(_) | Self::Definition => &["v1"],
        }
    }

    pub(super) fn api(&self, client: Client, version: &str) -> Api<DynamicObject> {
        match self {
            Self::Kind(kind) => {
                let (group, _) = kind.versions();
                Api::all_with(
                    client,
                    &resource(group, version, kind.as_str(), kind.plural()),
                )
            }
            Self::Peers(namespace) => {
                let pods = resource("", version, PODS, "pods");
                Api::namespaced_with(client, namespace, &pods)
            }
            Self::Definition => {
                let plural = "customresourcedefinitions";
                let crds = resource("apiextensions.k8s.io", version, DEFINITION, plural);
                Api::all_with(client, &crds)
            }
        }
    }

    /// Which of its objects matter.
    pub(super) fn config(&self) -> watcher::Config {
        let config = watcher::Config::default();
        match self {
            // Most Secrets of a cluster are none of our business.
            Self::Kind(Kind::Secret) => config.fields("type=kubernetes.io/tls"),
            Self::Kind(_) => config,
            Self::Peers(_) => config.labels(OUR_PODS),
            Self::Definition => config.fields(CLASSES),
        }
    }

    /// The name of its kind.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Kind(kind) => kind.as_str(),
            Self::Peers(_) => PODS,
            Self::Definition => DEFINITION,
        }
    }
}

/// The kinds that are watched.
pub(super) fn kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter()
}

pub(super) fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}
