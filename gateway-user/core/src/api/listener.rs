//! Listeners of a Gateway or a ListenerSet, and which routes may attach to them.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use super::{GROUP, Open, Selector, number, open::api_enum, refs::SecretRef};

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    pub name: Arc<str>,
    /// `None` matches every host.
    pub hostname: Option<Arc<str>>,
    #[serde(deserialize_with = "number::port")]
    pub port: u16,
    pub protocol: Open<Protocol>,
    pub tls: Option<ListenerTls>,
    #[serde(default)]
    pub allowed_routes: AllowedRoutes,
}

api_enum! { pub Protocol {
    Http = "HTTP",
    Https = "HTTPS",
    Tls = "TLS",
    Tcp = "TCP",
    Udp = "UDP",
} }

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerTls {
    #[serde(default)]
    pub mode: Open<TlsMode>,
    #[serde(default)]
    pub certificate_refs: Vec<SecretRef>,
    /// Implementation specific; we know none.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

api_enum! { pub TlsMode { Terminate = "Terminate", Passthrough = "Passthrough" } }

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct AllowedRoutes {
    #[serde(default)]
    pub namespaces: RouteNamespaces,
    /// Empty: those that fit the protocol.
    #[serde(default)]
    pub kinds: Vec<RouteKind>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct RouteNamespaces {
    #[serde(default)]
    pub from: Open<NamespacesFrom>,
    /// Required with `from: Selector`, otherwise ignored.
    pub selector: Option<Selector>,
}

api_enum! { pub NamespacesFrom { Same = "Same", All = "All", Selector = "Selector" } }

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
pub struct RouteKind {
    #[serde(default = "gateway_group")]
    pub group: Arc<str>,
    pub kind: Arc<str>,
}

fn gateway_group() -> Arc<str> {
    GROUP.into()
}
