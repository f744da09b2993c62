//! AddressPool: addresses that Gateways may have.

use serde::Deserialize;

use super::{AddressRange, Object, Selector};

/// API group of our own kinds.
pub const OWN_GROUP: &str = "xdp-gateway.dev";

pub type AddressPool = Object<AddressPoolSpec>;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressPoolSpec {
    pub addresses: Vec<AddressRange>,
    /// Namespaces whose Gateways may have an address; `None`: all.
    pub namespace_selector: Option<Selector>,
    /// Gateways that may have an address; `None`: all.
    pub gateway_selector: Option<Selector>,
    /// Whether Gateways that ask for no particular address may get one.
    #[serde(default = "enabled")]
    pub auto_assign: bool,
}

fn enabled() -> bool {
    true
}
