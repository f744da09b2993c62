//! Parameters of Gateways: those of the class, overridden by the Gateway's own, field by field.

use std::{num::NonZeroU32, sync::Arc};

use super::{Scope, class, nearby};
use crate::{
    api::{
        Gateway, GatewayClass, GatewayParameters, Kind, OWN_GROUP,
        filter::Fraction,
        health_check::{HealthCheckSpec, StatusRange},
        parameters::{
            self, AccessLogSpec, L4Spec, LimitsSpec, NoBackend, ParametersSpec, RequestIdSpec,
            TlsSpec,
        },
        refs::ParametersRef,
    },
    balance::Share,
    name::ObjectName,
    plan::{
        AccessLog, HealthCheck, HttpCheck, L4Mode, LogFormat, NodeWish, Pace, Parameters,
        RequestId, RequestIdPolicy, TlsPassthrough, TlsUnmatched, UdpCheck,
    },
    verdict::{ParametersFault, hint},
};

type Found<'a> = Result<Option<&'a GatewayParameters>, ParametersFault>;

/// What `spec.parametersRef` of a class leads to.
pub(super) fn of_class<'a>(scope: Scope<'a>, class: &GatewayClass) -> Found<'a> {
    find(scope, class.spec.parameters_ref.as_ref(), None)
}

/// What `spec.infrastructure.parametersRef` of a Gateway leads to, in its own namespace.
pub(super) fn of_gateway<'a>(scope: Scope<'a>, gateway: &Gateway) -> Found<'a> {
    let infrastructure = gateway.spec.infrastructure.as_ref();
    let reference = infrastructure.and_then(|i| i.parameters_ref.as_ref());
    let found = find(scope, reference, Some(&gateway.meta.namespace))?;
    match found.and_then(|object| Some((object, of_the_node(&object.spec)?))) {
        Some((object, fields)) => Err(ParametersFault::OfTheNode {
            name: object.name(),
            fields,
        }),
        None => Ok(found),
    }
}

/// Fields that only a class may set.
fn of_the_node(spec: &ParametersSpec) -> Option<String> {
    let flows = spec.l4.as_ref().and_then(|l4| l4.flows);
    let fields = [
        ("interfaces", !spec.interfaces.is_empty()),
        ("workers", spec.workers.is_some()),
        ("l4.flows", flows.is_some()),
    ];
    let set = fields.into_iter().filter(|(_, is_set)| *is_set);
    let names: Vec<_> = set.map(|(name, _)| name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What the accepted classes ask of the process of each node: all interfaces, the most workers, the
/// largest flow table.
pub(super) fn of_node(scope: Scope) -> NodeWish {
    let mut wish = NodeWish::default();
    let classes = scope.world.classes.values();
    for class in classes.filter(|class| class::is_ours(scope, class)) {
        let Some(found) = of_class(scope, class).ok().flatten() else {
            continue;
        };
        for pattern in &found.spec.interfaces {
            let asking = wish.interfaces.entry(pattern.clone()).or_default();
            asking.insert(class.meta.name.clone());
        }
        // 0 leaves it to the node.
        let workers = number(found.spec.workers).and_then(NonZeroU32::new);
        wish.workers = wish.workers.max(workers);
        let flows = found.spec.l4.as_ref().and_then(|l4| l4.flows);
        wish.flows = wish.flows.max(number(flows).and_then(NonZeroU32::new));
    }
    wish
}

/// How a Gateway is served. What is wrong with its references speaks against it elsewhere.
pub(super) fn resolve(scope: Scope, gateway: &Gateway) -> Parameters {
    let class = scope.world.classes.get(&gateway.spec.gateway_class_name);
    let of_class = class.and_then(|class| of_class(scope, class).ok().flatten());
    let own = of_gateway(scope, gateway).ok().flatten();
    let specs = [of_class, own].map(|found| found.map(|object| &object.spec));
    merge(specs[0], specs[1])
}

fn find<'a>(
    scope: Scope<'a>,
    reference: Option<&ParametersRef>,
    own_namespace: Option<&Arc<str>>,
) -> Found<'a> {
    let Some(reference) = reference else {
        return Ok(None);
    };
    if *reference.group != *OWN_GROUP || *reference.kind != *Kind::GatewayParameters.as_str() {
        return Err(ParametersFault::Kind {
            group: reference.group.clone(),
            kind: reference.kind.clone(),
        });
    }
    let namespace = own_namespace.or(reference.namespace.as_ref());
    let namespace = namespace.ok_or(ParametersFault::NoNamespace)?;
    let name = ObjectName::new(namespace.clone(), reference.name.clone());
    let all = &scope.world.parameters;
    let found = all.get(&name).map(Some);
    found.ok_or_else(|| {
        let there = nearby::in_namespace(all, &name);
        let hint = hint::instead_in(&name.namespace, &name.name, there);
        ParametersFault::Missing { name, hint }
    })
}

/// `own` wins, field by field.
fn merge(class: Option<&ParametersSpec>, own: Option<&ParametersSpec>) -> Parameters {
    let l4 = |spec: Option<&ParametersSpec>| spec.and_then(|s| s.l4.clone());
    let class_l4 = l4(class).unwrap_or_default();
    let L4Spec {
        drain_timeout,
        no_backend,
        mode,
        // Of the node.
        flows: _,
    } = l4(own).unwrap_or_default();
    let no_backend = no_backend.or(class_l4.no_backend);
    let check = |spec: Option<&ParametersSpec>| spec.and_then(|s| s.health_check.clone());
    let mode = mode
        .or(class_l4.mode)
        .and_then(|mode| mode.known().copied());
    Parameters {
        drain: drain_timeout.or(class_l4.drain_timeout).map(|d| d.0),
        silent: no_backend.is_some_and(|value| value.is(NoBackend::Drop)),
        access_log: merge_log(class, own),
        request_id: merge_request_id(class, own),
        l4_mode: match mode {
            Some(parameters::L4Mode::Dsr) => L4Mode::Dsr,
            Some(parameters::L4Mode::Snat) | None => L4Mode::Snat,
        },
        health_check: check(own)
            .or_else(|| check(class))
            .map(|spec| Arc::new(health_check(*spec))),
        ..merge_tls(class, own, merge_limits(class, own))
    }
}

/// What concerns TLS listeners; the rest is `others`.
fn merge_tls(
    class: Option<&ParametersSpec>,
    own: Option<&ParametersSpec>,
    others: Parameters,
) -> Parameters {
    let tls = |spec: Option<&ParametersSpec>| spec.and_then(|s| s.tls.as_deref().cloned());
    let class = tls(class).unwrap_or_default();
    let TlsSpec {
        passthrough,
        unmatched,
    } = tls(own).unwrap_or_default();
    let passthrough = passthrough.or(class.passthrough);
    let unmatched = unmatched.or(class.unmatched);
    Parameters {
        tls_passthrough: match passthrough.and_then(|value| value.known().copied()) {
            Some(parameters::TlsPassthrough::Proxy) => TlsPassthrough::Proxy,
            Some(parameters::TlsPassthrough::Kernel) | None => TlsPassthrough::Kernel,
        },
        tls_unmatched: match unmatched.and_then(|value| value.known().copied()) {
            Some(parameters::TlsUnmatched::Reset) => TlsUnmatched::Reset,
            Some(parameters::TlsUnmatched::Proxy) | None => TlsUnmatched::Proxy,
        },
        ..others
    }
}

fn merge_log(class: Option<&ParametersSpec>, own: Option<&ParametersSpec>) -> Option<AccessLog> {
    let log = |spec: Option<&ParametersSpec>| spec.and_then(|s| s.access_log.clone());
    let class = log(class).unwrap_or_default();
    let AccessLogSpec {
        enabled,
        format,
        sample,
    } = log(own).unwrap_or_default();
    let format = format.or(class.format).unwrap_or_default();
    let log = AccessLog {
        format: match format.known() {
            Some(parameters::LogFormat::Text) => LogFormat::Text,
            Some(parameters::LogFormat::Json) | None => LogFormat::Json,
        },
        sample: sample.or(class.sample).map_or(Share::ALL, share),
    };
    enabled.or(class.enabled).unwrap_or(false).then_some(log)
}

pub(super) const fn share(of: Fraction) -> Share {
    Share {
        numerator: of.numerator,
        denominator: of.denominator,
    }
}

fn merge_request_id(class: Option<&ParametersSpec>, own: Option<&ParametersSpec>) -> RequestId {
    let id = |spec: Option<&ParametersSpec>| spec.and_then(|s| s.request_id.clone());
    let class = id(class).unwrap_or_default();
    let RequestIdSpec {
        policy,
        in_response,
    } = id(own).unwrap_or_default();
    use parameters::RequestIdPolicy as Given;
    let policy = policy.or(class.policy).unwrap_or_default();
    RequestId {
        policy: match policy.known() {
            Some(Given::PreserveOrGenerate) | None => RequestIdPolicy::PreserveOrGenerate,
            Some(Given::Generate) => RequestIdPolicy::Generate,
            Some(Given::Preserve) => RequestIdPolicy::Preserve,
            Some(Given::Disable) => RequestIdPolicy::Disable,
        },
        in_response: in_response.or(class.in_response).unwrap_or(false),
    }
}

/// The limits alone. Numbers are in range: reading checks it.
fn merge_limits(class: Option<&ParametersSpec>, own: Option<&ParametersSpec>) -> Parameters {
    let limits = |spec: Option<&ParametersSpec>| spec.and_then(|s| s.limits.clone());
    let class = limits(class).unwrap_or_default();
    let LimitsSpec {
        connections,
        request_header_bytes,
        request_target_bytes,
        request_body_bytes,
        http2_streams,
        handshake_timeout,
        idle_timeout,
        body_timeout,
    } = limits(own).unwrap_or_default();
    let greeting_timeout = handshake_timeout.or(class.handshake_timeout);
    Parameters {
        connections: number(connections.or(class.connections)),
        head_bytes: number(request_header_bytes.or(class.request_header_bytes)),
        target_bytes: number(request_target_bytes.or(class.request_target_bytes)),
        body_bytes: number(request_body_bytes.or(class.request_body_bytes)),
        h2_streams: number(http2_streams.or(class.http2_streams)),
        greeting_timeout: greeting_timeout.map(|d| d.0),
        idle_timeout: idle_timeout.or(class.idle_timeout).map(|d| d.0),
        body_timeout: body_timeout.or(class.body_timeout).map(|d| d.0),
        ..Parameters::default()
    }
}

fn health_check(spec: HealthCheckSpec) -> HealthCheck {
    let default = Pace::default();
    HealthCheck {
        pace: Pace {
            interval: spec.interval.map_or(default.interval, |d| d.0),
            timeout: spec.timeout.map_or(default.timeout, |d| d.0),
            unhealthy: number(spec.unhealthy_threshold).unwrap_or(default.unhealthy),
            healthy: number(spec.healthy_threshold).unwrap_or(default.healthy),
        },
        tcp: spec.tcp.is_some(),
        udp: spec.udp.map(|udp| UdpCheck {
            send: udp.send.map_or_else(Arc::default, |send| send.0),
            expect_reply: udp.expect_reply.unwrap_or(false),
        }),
        http: spec.http.map(|http| {
            let default = HttpCheck::default();
            let statuses = |list: Vec<StatusRange>| list.into_iter().map(|one| one.0).collect();
            HttpCheck {
                path: http.path.unwrap_or(default.path),
                host: http.host,
                statuses: http.statuses.map_or(default.statuses, statuses),
            }
        }),
    }
}

fn number<N: TryFrom<i64>>(value: Option<i64>) -> Option<N> {
    value.and_then(|value| N::try_from(value).ok())
}

#[cfg(test)]
mod tests;
