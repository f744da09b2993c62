//! Parts of Envoy's configuration.

use serde_json::{Value, json};

/// What filters and routes call the backend.
pub(super) const CLUSTER: &str = "server";

/// One listener, at this address, and one backend.
pub(super) fn config(mut listener: Value, at: (&str, u16), backend: (&str, u16)) -> String {
    listener["name"] = json!("bench");
    listener["address"] = address(at);
    let endpoint = json!({"endpoint": {"address": address(backend)}});
    let config = json!({
        "static_resources": {
            "listeners": [listener],
            "clusters": [{
                "name": CLUSTER,
                "type": "STATIC",
                "load_assignment": {
                    "cluster_name": CLUSTER,
                    "endpoints": [{"lb_endpoints": [endpoint]}],
                },
            }],
        },
    });
    config.to_string()
}

/// An extension; what it is told belongs into its `typed_config`.
pub(super) fn extension(name: &str, kind: &str) -> Value {
    json!({
        "name": name,
        "typed_config": {"@type": format!("type.googleapis.com/envoy.extensions.{kind}")},
    })
}

fn address((address, port): (&str, u16)) -> Value {
    json!({"socket_address": {"address": address, "port_value": port}})
}
