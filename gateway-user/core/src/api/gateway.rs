//! Gateway: addresses and listeners.

use std::sync::Arc;

use serde::Deserialize;

use super::{Listener, Object, Opaque, Open, object::Labels, open::api_enum, refs::ParametersRef};

pub type Gateway = Object<GatewaySpec>;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewaySpec {
    pub gateway_class_name: Arc<str>,
    #[serde(default)]
    pub addresses: Vec<GatewayAddress>,
    pub listeners: Vec<Listener>,
    pub infrastructure: Option<Infrastructure>,
    /// Which ListenerSets may add listeners.
    pub allowed_listeners: Option<Opaque>,
    /// Whether routes without a parent attach to this Gateway.
    pub default_scope: Option<Opaque>,
    /// Client certificates towards backends, and validation of those of clients.
    pub tls: Option<Opaque>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GatewayAddress {
    #[serde(rename = "type", default)]
    pub kind: Open<AddressType>,
    /// `None`: an address of that type is to be assigned.
    pub value: Option<Arc<str>>,
}

impl GatewaySpec {
    /// Whether `spec.tls` has that part, `frontend` or `backend`.
    pub fn has_tls(&self, part: &str) -> bool {
        let tls = self.tls.as_ref();
        tls.is_some_and(|tls| tls.0.get(part).is_some())
    }
}

api_enum! { pub AddressType {
    IpAddress = "IPAddress",
    Hostname = "Hostname",
    NamedAddress = "NamedAddress",
} }

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Infrastructure {
    #[serde(default)]
    pub labels: Labels,
    #[serde(default)]
    pub annotations: Labels,
    pub parameters_ref: Option<ParametersRef>,
}
