//! Rules for core kinds that the API server enforces and that routing relies on.

use std::net::IpAddr;

use k8s_openapi::{
    api::{core::v1 as core, discovery::v1 as discovery},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::Problems;
use crate::api::{
    core_kinds::{Family, SERVICE_NAME},
    path::Path,
};

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

pub(crate) fn service(service: &core::Service, out: &mut Problems) {
    let Some(spec) = &service.spec else { return };
    let ports = spec.ports.as_deref().unwrap_or_default();
    let at = Path::spec().field("ports");
    let headless = spec.cluster_ip.as_deref() == Some("None");
    if ports.is_empty() && !headless && spec.type_.as_deref() != Some("ExternalName") {
        out.error(at.clone(), "must have at least one item");
    }
    for (i, port) in ports.iter().enumerate() {
        let at = at.index(i);
        number(at.field("port"), port.port, out);
        if let Some(IntOrString::Int(target)) = port.target_port {
            number(at.field("targetPort"), target, out);
        }
        let protocol = protocol(&at, port.protocol.as_deref(), out);
        if ports.len() > 1 && port.name.as_deref().unwrap_or_default().is_empty() {
            out.error(
                at.field("name"),
                "is required where a Service has several ports",
            );
        }
        let twin = |p: &core::ServicePort| {
            p.port == port.port && p.protocol.as_deref().unwrap_or("TCP") == protocol
        };
        if ports[..i].iter().any(twin) {
            out.error(
                at.field("port"),
                format!("{} is used twice: remove one", port.port),
            );
        }
        if port.name.is_some() && ports[..i].iter().any(|p| p.name == port.name) {
            out.error(
                at.field("name"),
                "is used twice: names of ports must differ",
            );
        }
    }
}

pub(crate) fn endpoint_slice(slice: &discovery::EndpointSlice, out: &mut Problems) {
    let types = ["IPv4", "IPv6", "FQDN"];
    out.one_of(
        Path::default().field("addressType"),
        &slice.address_type,
        &types,
    );
    if !slice
        .metadata
        .labels
        .iter()
        .any(|labels| labels.contains_key(SERVICE_NAME))
    {
        let message = format!("no Service uses this slice: add the label {SERVICE_NAME}");
        out.warn(Path::default().field("metadata").field("labels"), message);
    }
    for (i, port) in slice.ports.iter().flatten().enumerate() {
        let at = Path::default().field("ports").index(i);
        port.port
            .into_iter()
            .for_each(|p| number(at.field("port"), p, out));
        protocol(&at, port.protocol.as_deref(), out);
    }
    let Some(family) = Family::parse(&slice.address_type) else {
        return;
    };
    for (i, endpoint) in slice.endpoints.iter().flatten().enumerate() {
        let at = Path::default()
            .field("endpoints")
            .index(i)
            .field("addresses");
        out.count(at.clone(), endpoint.addresses.len(), 1..=100);
        for (i, text) in endpoint.addresses.iter().enumerate() {
            let parsed = text.parse::<IpAddr>().ok().map(Family::of);
            if parsed != Some(family) {
                let message = format!("{text:?} is not an address of type {}", slice.address_type);
                out.error(at.index(i), message);
            }
        }
    }
}

/// A Secret of type `kubernetes.io/tls` has both parts.
pub(crate) fn secret(secret: &core::Secret, out: &mut Problems) {
    if secret.type_.as_deref() != Some("kubernetes.io/tls") {
        return;
    }
    for key in ["tls.crt", "tls.key"] {
        let binary = secret
            .data
            .as_ref()
            .is_some_and(|data| data.contains_key(key));
        let text = secret
            .string_data
            .as_ref()
            .is_some_and(|data| data.contains_key(key));
        if !binary && !text {
            let message = "is required in a Secret of type kubernetes.io/tls";
            out.error(Path::default().field("data").field(key), message);
        }
    }
}

fn number(at: Path, port: i32, out: &mut Problems) {
    if !(1..=65_535).contains(&port) {
        out.error(at, format!("{port} is out of range: use 1 to 65535"));
    }
}

fn protocol<'a>(at: &Path, given: Option<&'a str>, out: &mut Problems) -> &'a str {
    let protocol = given.unwrap_or("TCP");
    out.one_of(at.field("protocol"), protocol, &PROTOCOLS);
    protocol
}
