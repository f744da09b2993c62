//! Service: the ports that backendRefs name.

use std::{fmt, net::IpAddr, sync::Arc};

use k8s_openapi::{api::core::v1 as core, apimachinery::pkg::util::intstr::IntOrString};

use crate::api::{Object, Unread};

pub type Service = Object<ServiceSpec>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Empty for `type: ExternalName` without ports, and for some headless Services.
    pub ports: Vec<ServicePort>,
    /// Families of its endpoints; empty: both.
    pub families: Vec<Family>,
    /// Target of a Service with `type: ExternalName`, which has no endpoints.
    pub external_name: Option<Arc<str>>,
    /// `sessionAffinity: ClientIP`.
    pub by_client: bool,
    /// `trafficDistribution: PreferSameNode`.
    pub same_node: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Empty for the only port of a Service.
    pub name: Arc<str>,
    pub port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Arc<str>,
    pub target: TargetPort,
    /// Such as `kubernetes.io/h2c`.
    pub app_protocol: Option<Arc<str>>,
}

/// Port of the pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetPort {
    Number(u16),
    /// Name of a container port; EndpointSlices hold its number.
    Name(Arc<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    /// As `ipFamilies` of a Service and `addressType` of an EndpointSlice write it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "IPv4" => Some(Self::V4),
            "IPv6" => Some(Self::V6),
            _ => None,
        }
    }

    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl From<core::Service> for Service {
    fn from(raw: core::Service) -> Self {
        let spec = raw.spec.unwrap_or_default();
        let families = spec.ip_families.unwrap_or_default();
        let external = spec.type_.as_deref() == Some("ExternalName");
        Self {
            meta: raw.metadata.into(),
            status: Unread,
            spec: ServiceSpec {
                ports: spec
                    .ports
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(port)
                    .collect(),
                families: families
                    .iter()
                    .filter_map(|text| Family::parse(text))
                    .collect(),
                external_name: spec.external_name.filter(|_| external).map(Into::into),
                by_client: spec.session_affinity.as_deref() == Some("ClientIP"),
                same_node: spec.traffic_distribution.as_deref() == Some("PreferSameNode"),
            },
        }
    }
}

/// `None` for a port number out of range, which the API server and the reader of files reject.
fn port(raw: core::ServicePort) -> Option<ServicePort> {
    let port = u16::try_from(raw.port).ok()?;
    let target = match raw.target_port {
        Some(IntOrString::Int(number)) => TargetPort::Number(u16::try_from(number).ok()?),
        Some(IntOrString::String(name)) => TargetPort::Name(name.into()),
        None => TargetPort::Number(port),
    };
    Some(ServicePort {
        name: raw.name.unwrap_or_default().into(),
        port,
        protocol: raw.protocol.as_deref().unwrap_or("TCP").into(),
        target,
        app_protocol: raw.app_protocol.map(Into::into),
    })
}
