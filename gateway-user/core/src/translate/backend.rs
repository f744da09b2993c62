//! backendRefs: from a reference to a Service port.

use std::sync::Arc;

use super::{Scope, grant::Reference, nearby, policy::PolicyState};
use crate::{
    api::{BackendRef, Kind, Meta, Service, core_kinds::ServicePort},
    name::ObjectName,
    plan::{
        BackendId, BackendProtocol, BackendTls, HttpBackend, Target, Transport, WeightedBackend,
    },
    verdict::{RouteVerdict, hint},
};

/// Who refers.
#[derive(Clone, Copy)]
pub(super) struct Referrer<'a> {
    pub kind: Kind,
    pub meta: &'a Meta,
}

/// Resolves the reference at field path `at` of a route that forwards connections: for those that
/// pass as they are, and for those whose TLS was terminated, where its policy says how to speak to it.
/// One that cannot be resolved keeps its share of the traffic, as [`Target::Invalid`].
pub(super) fn of_connections(
    scope: Scope,
    referrer: Referrer,
    at: &str,
    reference: &BackendRef,
    verdicts: &mut Vec<RouteVerdict>,
) -> (WeightedBackend, WeightedBackend) {
    let resolved = resolve(scope, referrer, at.to_owned(), reference);
    let (passed, terminated) = match resolved {
        Ok((id, port)) => {
            let policy = scope.policies.of_port(&id.service, &port.name);
            ((Target::Backend(id.clone()), None), secure(id, policy))
        }
        Err(verdict) => {
            verdicts.push(verdict);
            ((Target::Invalid, None), (Target::Invalid, None))
        }
    };
    let weighted = |(target, tls)| WeightedBackend {
        target,
        tls,
        weight: reference.weight,
    };
    (weighted(passed), weighted(terminated))
}

/// What is said to a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    Requests,
    /// Of gRPC, which need HTTP/2.
    Calls,
}

/// As [`of_connections`], for requests. Its own filters are for the caller to judge.
pub(super) fn http_backend(
    scope: Scope,
    referrer: Referrer,
    at: &str,
    reference: &BackendRef,
    verdicts: &mut Vec<RouteVerdict>,
) -> HttpBackend {
    let speech = match referrer.kind {
        Kind::GrpcRoute => Speech::Calls,
        _ => Speech::Requests,
    };
    spoken_backend(scope, referrer, speech, at, reference, verdicts)
}

/// As [`http_backend`], for what a filter says whatever the kind of its route.
pub(super) fn spoken_backend(
    scope: Scope,
    referrer: Referrer,
    speech: Speech,
    at: &str,
    reference: &BackendRef,
    verdicts: &mut Vec<RouteVerdict>,
) -> HttpBackend {
    let resolved = resolve(scope, referrer, at.to_owned(), reference).and_then(|(id, port)| {
        let policy = scope.policies.of_port(&id.service, &port.name);
        let secured = policy.is_some();
        let protocol = protocol(speech, port.app_protocol.as_deref(), secured);
        let protocol = protocol.map_err(|protocol| RouteVerdict::BackendProtocol {
            at: at.to_owned(),
            service: id.service.clone(),
            protocol,
            purpose: match (speech, referrer.kind) {
                (Speech::Requests, _) => "HTTPRoutes",
                (Speech::Calls, Kind::GrpcRoute) => "GRPCRoutes",
                (Speech::Calls, _) => "authorization by gRPC",
            },
        })?;
        let (target, tls) = secure(id, policy);
        Ok((target, protocol, tls))
    });
    let (target, protocol, tls) = resolved.unwrap_or_else(|verdict| {
        verdicts.push(verdict);
        (Target::Invalid, BackendProtocol::default(), None)
    });
    HttpBackend {
        target,
        protocol,
        tls,
        weight: reference.weight,
        filters: Vec::new(),
    }
}

/// A backend under a policy that cannot be honoured gets nothing, least of all without TLS. What
/// is wrong is said at the policy.
fn secure(id: BackendId, policy: Option<&PolicyState>) -> (Target, Option<Arc<BackendTls>>) {
    match policy.map(|policy| &policy.tls) {
        None => (Target::Backend(id), None),
        Some(Some(tls)) => (Target::Backend(id), Some(tls.clone())),
        Some(None) => (Target::Invalid, None),
    }
}

/// What serves an `appProtocol` (KEP-3726), or its name if nothing here does. WebSocket begins as
/// HTTP/1.1; calls of gRPC need HTTP/2 whatever is said. Names of protocols that are not about
/// HTTP say nothing against it. `secured`: a policy says how to use TLS, which the names of
/// protocols do not: whose certificate it shall be.
fn protocol(
    speech: Speech,
    app_protocol: Option<&str>,
    secured: bool,
) -> Result<BackendProtocol, String> {
    // Names of services have no case (RFC 6335 section 5.1).
    let lower = app_protocol.map(str::to_ascii_lowercase);
    match (lower.as_deref(), speech) {
        (Some("kubernetes.io/wss" | "https"), _) if !secured => {
            Err(app_protocol.unwrap_or_default().to_owned())
        }
        (Some(socket @ ("kubernetes.io/ws" | "kubernetes.io/wss")), Speech::Calls) => {
            Err(socket.to_owned())
        }
        (Some("kubernetes.io/h2c" | "grpc"), _) | (_, Speech::Calls) => Ok(BackendProtocol::Http2),
        _ => Ok(BackendProtocol::Http1),
    }
}

fn resolve<'a>(
    scope: Scope<'a>,
    referrer: Referrer,
    at: String,
    reference: &BackendRef,
) -> Result<(BackendId, &'a ServicePort), RouteVerdict> {
    if !reference.is_service() {
        let kind = match &*reference.group {
            "" => reference.kind.to_string(),
            group => format!("{} of group \"{group}\"", reference.kind),
        };
        return Err(RouteVerdict::BackendKind { at, kind });
    }
    let namespace = &referrer.meta.namespace;
    let service = reference.target(namespace);
    let crossing = Reference {
        from_kind: referrer.kind.as_str(),
        from_namespace: namespace,
        to_kind: "Service",
        to: &service,
    };
    if !crossing.is_allowed(scope.world) {
        let remedy = hint::grant(referrer.kind.as_str(), namespace, "Service", &service);
        return Err(RouteVerdict::BackendNotPermitted {
            at,
            service,
            remedy,
        });
    }
    let Some(found) = scope.world.services.get(&service) else {
        let hint = missing(scope, &crossing);
        return Err(RouteVerdict::BackendMissing { at, service, hint });
    };
    port(referrer.kind, at, service, found, reference.port)
}

/// Names near the one of a Service that does not exist, or where one of that name lives. Of other
/// namespaces only what the referrer may use is told.
fn missing(scope: Scope, wanted: &Reference) -> String {
    let namesakes = scope.nearby.services(&wanted.to.name).iter();
    let allowed = namesakes.filter(|&&to| Reference { to, ..*wanted }.is_allowed(scope.world));
    let namesakes: Vec<_> = allowed.map(|s| &*s.namespace).collect();
    if let Some(first) = namesakes.first() {
        let list = hint::list(&namesakes);
        return format!("one of that name is in namespace {list}: set namespace: {first}");
    }
    let here = nearby::services(scope.world, wanted.to);
    hint::instead_in(&wanted.to.namespace, &wanted.to.name, here)
}

fn port(
    kind: Kind,
    at: String,
    service: ObjectName,
    found: &Service,
    port: Option<u16>,
) -> Result<(BackendId, &ServicePort), RouteVerdict> {
    if found.spec.external_name.is_some() {
        return Err(RouteVerdict::ExternalName { at, service });
    }
    let (transport, protocol) = match kind {
        Kind::UdpRoute => (Transport::Udp, "UDP"),
        _ => (Transport::Tcp, "TCP"),
    };
    let Some(port) = port else {
        let ports = ports(found);
        return Err(RouteVerdict::BackendPortNotGiven { at, service, ports });
    };
    let fits = |p: &&ServicePort| p.port == port && &*p.protocol == protocol;
    let Some(target) = found.spec.ports.iter().find(fits) else {
        let ports = ports(found);
        return Err(RouteVerdict::BackendPortMissing {
            at,
            service,
            port,
            protocol,
            ports,
        });
    };
    let id = BackendId {
        service,
        port,
        transport,
    };
    Ok((id, target))
}

fn ports(service: &Service) -> String {
    let ports = service.spec.ports.iter();
    let ports: Vec<String> = ports
        .map(|p| format!("{} ({})", p.port, p.protocol))
        .collect();
    match ports.is_empty() {
        true => "none".to_owned(),
        false => ports.join(", "),
    }
}
