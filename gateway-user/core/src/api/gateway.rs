//! Gateway: addresses and listeners.

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::{
    Listener, Object, Opaque, Open, Selector, gateway_tls::GatewayTls, object::Labels,
    open::api_enum, refs::ParametersRef,
};
use crate::verdict::ConditionType;

pub type Gateway = Object<GatewaySpec, Observed>;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewaySpec {
    pub gateway_class_name: Arc<str>,
    #[serde(default)]
    pub addresses: Vec<GatewayAddress>,
    pub listeners: Vec<Listener>,
    pub infrastructure: Option<Infrastructure>,
    /// Which ListenerSets may add listeners.
    pub allowed_listeners: Option<AllowedListeners>,
    /// Whether routes without a parent attach to this Gateway.
    pub default_scope: Option<Opaque>,
    /// Client certificates towards backends, and validation of those of clients.
    pub tls: Option<GatewayTls>,
}

/// Nothing given: no ListenerSet may.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct AllowedListeners {
    #[serde(default)]
    pub namespaces: ListenerNamespaces,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ListenerNamespaces {
    #[serde(default)]
    pub from: Open<ListenersFrom>,
    /// Required with `from: Selector`, otherwise ignored.
    pub selector: Option<Selector>,
}

api_enum! { pub ListenersFrom {
    None = "None",
    Same = "Same",
    All = "All",
    Selector = "Selector",
} }

/// What `status` says, as far as translation goes on from there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Addresses that we gave to the Gateway. Those that another controller wrote there are not
    /// ours to use: only beside our own condition do they count.
    pub allocated: Vec<IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GatewayAddress {
    #[serde(rename = "type", default)]
    pub kind: Open<AddressType>,
    /// `None`: an address of that type is to be assigned.
    pub value: Option<Arc<str>>,
}

impl<'de> Deserialize<'de> for Observed {
    /// Whatever is in there, it is no reason to refuse the Gateway.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let status = Json::deserialize(deserializer)?;
        let list = |field: &str| status[field].as_array().into_iter().flatten();
        let assigned = ConditionType::AddressesAssigned.as_str();
        let allocated = if list("conditions").any(|c| c["type"] == assigned) {
            let values = list("addresses").filter_map(|address| address["value"].as_str());
            values.filter_map(|value| value.parse().ok()).collect()
        } else {
            Vec::new()
        };
        Ok(Self { allocated })
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

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::Gateway;

    fn allocated(status: &Json) -> Vec<String> {
        let spec = json!({"gatewayClassName": "c", "listeners": []});
        let gateway = json!({"metadata": {"name": "web"}, "spec": spec, "status": status});
        let gateway: Gateway = serde_json::from_value(gateway).expect("a Gateway");
        let allocated = gateway.status.allocated.iter();
        allocated.map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_in_status_are_ours_beside_our_condition_only() {
        let addresses = json!([
            {"type": "IPAddress", "value": "10.0.0.1"},
            {"type": "Hostname", "value": "web.example.com"},
            {"value": "2001:db8::1"},
        ]);
        let of = |kind: &str| json!({"addresses": addresses, "conditions": [{"type": kind}]});
        let ours = of("xdp-gateway.dev/AddressesAssigned");
        assert_eq!(allocated(&ours), ["10.0.0.1", "2001:db8::1"]);
        assert!(allocated(&of("Programmed")).is_empty());
    }

    #[test]
    fn a_strange_status_is_no_reason_to_refuse_a_gateway() {
        for status in [
            json!(null),
            json!(7),
            json!({"addresses": 1, "conditions": {}}),
        ] {
            assert!(allocated(&status).is_empty());
        }
    }
}
