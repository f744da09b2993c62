//! The configuration in force as JSON: the plan, the endpoints, the kernel's tables.

use std::{net::IpAddr, sync::Arc};

use gateway_common::{
    abi::{KIND_PROXY, KIND_TLS, TCP},
    addr::Addr,
};
use gateway_core::{
    endpoints::Endpoints,
    l4::Tables,
    plan::{
        BackendProtocol, Frontend, HttpBackend, HttpListener, HttpRoute, HttpRule, Plan, Target,
        TlsListener,
    },
    translate::Translation,
};
use serde_json::{Value, json};

/// What the data path was last brought to.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    pub translation: Arc<Translation>,
    pub endpoints: Arc<Endpoints>,
    pub tables: Arc<Tables>,
}

/// In a stable order; keys of certificates are not in it.
pub(super) fn render(in_force: &InForce) -> Value {
    json!({
        "frontends": frontends(&in_force.translation.plan),
        "endpoints": endpoints(&in_force.endpoints),
        "tables": tables(&in_force.tables),
    })
}

fn frontends(plan: &Plan) -> Vec<Value> {
    let frontends = plan.frontends.iter().map(|(id, frontend)| {
        let mut value = match frontend {
            Frontend::L4(service) => json!({
                "servedBy": "kernel",
                "gateway": service.gateway.to_string(),
                "listener": service.listener,
                "route": service.route.as_ref().map(ToString::to_string),
                "backends": service.backends.iter().map(|b| backend(&b.target, b.weight)).collect::<Vec<_>>(),
            }),
            Frontend::Http(http) => json!({
                "servedBy": "proxy",
                "gateway": http.gateway.to_string(),
                "listeners": http.listeners.iter().map(listener).collect::<Vec<_>>(),
                "tlsListeners": http.tls.iter().map(tls_listener).collect::<Vec<_>>(),
            }),
        };
        value["address"] = id.address.to_string().into();
        value["transport"] = format!("{:?}", id.transport).to_lowercase().into();
        value
    });
    frontends.collect()
}

fn listener(listener: &HttpListener) -> Value {
    json!({
        "name": listener.name,
        "hostname": listener.hostname.to_string(),
        "certificates": listener.tls.as_ref().map_or(0, |tls| tls.certificates.len()),
        "routes": listener.routes.iter().map(route).collect::<Vec<_>>(),
    })
}

fn route(route: &HttpRoute) -> Value {
    json!({
        "kind": route.kind.kind().as_str(),
        "name": route.name.to_string(),
        "hostnames": route.hostnames.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "rules": route.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

fn tls_listener(listener: &TlsListener) -> Value {
    let routes = listener.routes.iter().map(|route| {
        json!({
            "name": route.name.to_string(),
            "hostnames": route.hostnames.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "backends": route.backends.iter().map(|b| backend(&b.target, b.weight)).collect::<Vec<_>>(),
        })
    });
    let mode = listener.tls.as_ref().map_or("Passthrough", |_| "Terminate");
    json!({
        "name": listener.name,
        "hostname": listener.hostname.to_string(),
        "mode": mode,
        "certificates": listener.tls.as_ref().map_or(0, |tls| tls.certificates.len()),
        "routes": routes.collect::<Vec<_>>(),
    })
}

/// Matches and filters have no form of their own in JSON: they are shown as the plan prints them.
fn rule(rule: &HttpRule) -> Value {
    json!({
        "name": rule.name,
        "matches": rule.matches.iter().map(|m| format!("{m:?}")).collect::<Vec<_>>(),
        "filters": rule.filters.iter().map(|f| format!("{f:?}")).collect::<Vec<_>>(),
        "backends": rule.backends.iter().map(http_backend).collect::<Vec<_>>(),
        "session": rule.session.as_ref().map(|session| &session.name),
        "retry": rule.retry.as_ref().map(|retry| format!("{retry:?}")),
        "timeouts": {
            "request": rule.timeouts.request.map(|limit| format!("{limit:?}")),
            "backendRequest": rule.timeouts.backend.map(|limit| format!("{limit:?}")),
        },
    })
}

fn http_backend(of: &HttpBackend) -> Value {
    let mut value = backend(&of.target, of.weight);
    if of.target.id().is_some() {
        value["protocol"] = match of.protocol {
            BackendProtocol::Http1 => "http/1.1".into(),
            BackendProtocol::Http2 => "h2c".into(),
        };
    }
    value
}

fn backend(target: &Target, weight: u32) -> Value {
    let name = match target {
        Target::Backend(id) => Value::from(id.to_string()),
        Target::Invalid => Value::Null,
    };
    json!({ "backend": name, "weight": weight })
}

fn endpoints(endpoints: &Endpoints) -> Value {
    let all = endpoints.0.iter();
    all.map(|(id, list)| (id.to_string(), json!(list)))
        .collect()
}

fn tables(tables: &Tables) -> Value {
    let address = |address: Addr, port: u32| format!("{} port {port}", IpAddr::from(address));
    let frontends = tables.frontends.iter().map(|(key, value)| {
        json!({
            "address": address(key.address, key.port),
            "transport": if key.protocol == TCP { "tcp" } else { "udp" },
            "kind": match value.kind {
                KIND_PROXY => "proxy",
                KIND_TLS => "tls",
                _ => "l4",
            },
            "service": value.service,
            "workers": value.workers,
        })
    });
    let services = tables.services.iter().map(|(id, service)| {
        json!({ "id": id, "backends": service.backends, "slots": service.maglev_size })
    });
    let backends = tables.backends.iter().map(|(id, backend)| {
        json!({
            "id": id,
            "service": backend.service,
            "address": address(backend.address, backend.port),
            "weight": backend.weight,
        })
    });
    json!({
        "frontends": frontends.collect::<Vec<_>>(),
        "services": services.collect::<Vec<_>>(),
        "backends": backends.collect::<Vec<_>>(),
        "usage": tables.usage(),
    })
}

#[cfg(test)]
mod tests;
