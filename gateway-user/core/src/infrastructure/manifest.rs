//! The objects of one Gateway, as JSON for the API server.

use std::net::IpAddr;

use serde_json::{Value as Json, json};

use super::{GATEWAY_UID, Key, names::label_value, operations::APPLIED};
use crate::{
    api::{GROUP, Gateway, Kind, core_kinds::Family, object::Labels},
    name::ObjectName,
};

pub(super) use crate::api::core_kinds::SERVICE_NAME;
/// Labels of GEP-1762.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
const CLASS_NAME: &str = "gateway.networking.k8s.io/gateway-class-name";
/// Who keeps an EndpointSlice up to date: controllers leave alone those of others.
pub(super) const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// Tells kube-proxy that an EndpointSlice is none of its business.
pub(super) const HEADLESS: &str = "service.kubernetes.io/headless";

pub(super) struct Manifest<'a> {
    pub gateway: &'a Gateway,
    /// Of the Gateway.
    pub uid: &'a str,
    pub service: ObjectName,
    /// Those that the Gateway asks for.
    pub labels: Labels,
    pub annotations: Labels,
    pub addresses: Vec<IpAddr>,
    /// Where it is served; empty while it is not.
    pub ports: &'a [Port],
}

/// A port of a Gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Port {
    pub number: u16,
    pub protocol: &'static str,
    /// What is spoken there: `http`, `https`, `tls`, `tcp` or `udp`.
    pub speaks: &'static str,
}

impl Manifest<'_> {
    pub(super) fn service(&self) -> (Key, Json) {
        let ports = self.ports.iter().map(|port| {
            let mut json = port.json();
            json["targetPort"] = port.number.into();
            json
        });
        let object = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self.metadata(&self.service.name, []),
            "spec": {
                "type": "ClusterIP",
                "clusterIP": "None",
                "ports": ports.collect::<Vec<_>>(),
                // With a selector its endpoints would be pods.
                "selector": null,
            },
        });
        ((Kind::Service, self.service.clone()), object)
    }

    /// `None`: the Gateway has no address of that family.
    pub(super) fn slice(&self, family: Family) -> Option<(Key, Json)> {
        let addresses = self.addresses.iter();
        let addresses = addresses.filter(|address| Family::of(**address) == family);
        let endpoints = addresses.map(|address| {
            json!({
                "addresses": [address.to_string()],
                "conditions": {"ready": !self.ports.is_empty()},
            })
        });
        let endpoints: Vec<Json> = endpoints.collect();
        if endpoints.is_empty() {
            return None;
        }
        let service = &self.service.name;
        let name = format!("{service}-{}", family.to_string().to_lowercase());
        let labels = [
            (SERVICE_NAME, &**service),
            (MANAGED_BY, "xdp-gateway.dev"),
            (HEADLESS, ""),
        ];
        let object = json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": self.metadata(&name, labels),
            "addressType": family.to_string(),
            "endpoints": endpoints,
            "ports": self.ports.iter().map(Port::json).collect::<Vec<_>>(),
        });
        let name = ObjectName::new(self.service.namespace.clone(), name);
        Some(((Kind::EndpointSlice, name), object))
    }

    fn metadata<const N: usize>(&self, name: &str, own: [(&str, &str); N]) -> Json {
        let meta = &self.gateway.meta;
        let mut labels = self.labels.clone();
        let class = &self.gateway.spec.gateway_class_name;
        let ours = [
            (GATEWAY_NAME, &*label_value(&meta.name)),
            (CLASS_NAME, &*label_value(class)),
            (GATEWAY_UID, self.uid),
        ];
        for (key, value) in ours.into_iter().chain(own) {
            labels.insert(key.to_owned(), value.to_owned());
        }
        let mut annotations = self.annotations.clone();
        let applied = json!({
            "labels": labels.keys().collect::<Vec<_>>(),
            "annotations": annotations.keys().collect::<Vec<_>>(),
        });
        annotations.insert(APPLIED.to_owned(), applied.to_string());
        json!({
            "name": name,
            "namespace": *self.service.namespace,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": format!("{GROUP}/v1"),
                "kind": Kind::Gateway.as_str(),
                "name": *meta.name,
                "uid": self.uid,
                "controller": true,
            }],
        })
    }
}

impl Port {
    fn json(&self) -> Json {
        json!({
            "name": format!("{}-{}", self.speaks, self.number),
            "port": self.number,
            "protocol": self.protocol,
        })
    }
}
