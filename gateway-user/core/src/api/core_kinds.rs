//! Core kinds, reduced to what routing needs; read through the types of k8s-openapi.

mod config;
mod service;
mod slice;

use k8s_openapi::api::core::v1 as core;

pub use self::{
    config::{AUTHORITIES, ConfigMap, ConfigMapData, Secret, SecretData},
    service::{Family, Service, ServicePort, ServiceSpec, TargetPort},
    slice::{EndpointSlice, SERVICE_NAME, SliceEndpoint, SlicePort, SliceSpec},
};
use super::{Object, Unread};

/// A Namespace; its labels are in `meta`.
pub type Namespace = Object<()>;

impl From<core::Namespace> for Namespace {
    fn from(raw: core::Namespace) -> Self {
        Self {
            meta: raw.metadata.into(),
            status: Unread,
            spec: (),
        }
    }
}
