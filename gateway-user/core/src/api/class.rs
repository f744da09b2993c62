//! GatewayClass: which controller serves the Gateways of a class.

use std::sync::Arc;

use serde::Deserialize;

use super::{Object, refs::ParametersRef};

pub type GatewayClass = Object<GatewayClassSpec>;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayClassSpec {
    /// Domain and path, such as `xdp-gateway.dev/controller`.
    pub controller_name: Arc<str>,
    pub parameters_ref: Option<ParametersRef>,
    pub description: Option<String>,
}
