//! EndpointSlice: some of the addresses of a Service, all of one family.

use std::{net::IpAddr, sync::Arc};

use k8s_openapi::api::discovery::v1 as discovery;

use super::Family;
use crate::{
    api::{Object, Unread},
    endpoints::Conditions,
};

pub type EndpointSlice = Object<SliceSpec>;

/// Label that names the Service of a slice.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SliceSpec {
    /// Name of its Service, in the same namespace.
    pub service: Option<Arc<str>>,
    /// `None` for `addressType: FQDN`, which has no IP addresses.
    pub family: Option<Family>,
    pub endpoints: Vec<SliceEndpoint>,
    pub ports: Vec<SlicePort>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceEndpoint {
    pub addresses: Vec<IpAddr>,
    pub conditions: Conditions,
    pub node: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlicePort {
    /// Name of the port of the Service; empty where that has none.
    pub name: Arc<str>,
    /// `None`: every port.
    pub port: Option<u16>,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Arc<str>,
}

impl From<discovery::EndpointSlice> for EndpointSlice {
    fn from(raw: discovery::EndpointSlice) -> Self {
        let labels = raw.metadata.labels.as_ref();
        let service = labels.and_then(|labels| labels.get(SERVICE_NAME));
        let spec = SliceSpec {
            service: service.map(|name| name.as_str().into()),
            family: Family::parse(&raw.address_type),
            endpoints: raw
                .endpoints
                .unwrap_or_default()
                .iter()
                .map(endpoint)
                .collect(),
            ports: raw.ports.unwrap_or_default().iter().map(port).collect(),
        };
        Self {
            meta: raw.metadata.into(),
            status: Unread,
            spec,
        }
    }
}

/// Addresses that cannot be parsed are left out: the reader of files reports them.
fn endpoint(raw: &discovery::Endpoint) -> SliceEndpoint {
    let conditions = raw.conditions.clone().unwrap_or_default();
    let default = Conditions::default();
    SliceEndpoint {
        addresses: raw
            .addresses
            .iter()
            .filter_map(|a| a.parse().ok())
            .collect(),
        conditions: Conditions {
            ready: conditions.ready.unwrap_or(default.ready),
            serving: conditions.serving.unwrap_or(default.serving),
            terminating: conditions.terminating.unwrap_or(default.terminating),
        },
        node: raw.node_name.as_deref().map(Into::into),
    }
}

fn port(raw: &discovery::EndpointPort) -> SlicePort {
    SlicePort {
        name: raw.name.as_deref().unwrap_or_default().into(),
        port: raw.port.and_then(|port| u16::try_from(port).ok()),
        protocol: raw.protocol.as_deref().unwrap_or("TCP").into(),
    }
}
