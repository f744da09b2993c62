//! Routes of every kind: what they attach to, and what they ask for.

use std::sync::Arc;

use super::{
    Scope,
    attach::{self, ListenerId, ParentState},
    gateway::Gateways,
    grpc, http,
    l4::{self, L4Rule},
};
use crate::{
    api::{Kind, Meta, Object, ParentRef, RouteSpec},
    plan::{HttpRule, RouteKind},
    verdict::{ConditionType, RouteVerdict, Truth, Verdict, hint},
};

/// What all kinds of routes have in common.
pub(super) struct RouteSource<'a> {
    pub kind: Kind,
    pub meta: &'a Meta,
    pub parents: &'a [ParentRef],
    pub hostnames: &'a [Arc<str>],
}

pub(super) struct RouteState<'a> {
    pub source: RouteSource<'a>,
    pub rules: Rules,
    /// What holds whatever the parent.
    pub verdicts: Vec<RouteVerdict>,
    pub parents: Vec<ParentState<'a>>,
}

/// What a route asks for.
pub(super) enum Rules {
    Http(RouteKind, Vec<HttpRule>),
    L4(L4Rule),
}

impl RouteSource<'_> {
    /// Protocols of listeners that take this kind of route.
    pub(super) fn protocols(&self) -> &'static str {
        match self.kind {
            Kind::TlsRoute => "TLS",
            Kind::TcpRoute => "TCP",
            Kind::UdpRoute => "UDP",
            _ => "HTTP or HTTPS",
        }
    }
}

impl RouteState<'_> {
    /// Whether nothing in the route itself keeps it from being accepted.
    pub(super) fn is_acceptable(&self) -> bool {
        let refuses = |v: &RouteVerdict| v.decides(ConditionType::Accepted, Truth::False);
        !self.verdicts.iter().any(refuses)
    }

    /// Listeners that the route is accepted at, each once or more.
    pub(super) fn listeners(&self) -> impl Iterator<Item = ListenerId> {
        let parents = self.parents.iter().filter(|_| self.is_acceptable());
        parents.flat_map(|parent| parent.attached.keys().copied())
    }
}

pub(super) fn judge<'a>(scope: Scope<'a>, gateways: &Gateways) -> Vec<RouteState<'a>> {
    let world = scope.world;
    let http = world.http_routes.values().map(|route| {
        let (rules, verdicts) = http::judge(scope, route);
        state(
            scope,
            gateways,
            source(Kind::HttpRoute, route),
            Rules::Http(RouteKind::Http, rules),
            verdicts,
        )
    });
    let grpc = world.grpc_routes.values().map(|route| {
        let (rules, verdicts) = grpc::judge(scope, route);
        state(
            scope,
            gateways,
            source(Kind::GrpcRoute, route),
            Rules::Http(RouteKind::Grpc, rules),
            verdicts,
        )
    });
    let tls = world
        .tls_routes
        .values()
        .map(|route| (Kind::TlsRoute, route));
    let tcp = world
        .tcp_routes
        .values()
        .map(|route| (Kind::TcpRoute, route));
    let udp = world
        .udp_routes
        .values()
        .map(|route| (Kind::UdpRoute, route));
    let l4 = tls.chain(tcp).chain(udp).map(|(kind, route)| {
        let (rule, verdicts) = l4::judge(scope, kind, route);
        state(
            scope,
            gateways,
            source(kind, route),
            Rules::L4(rule),
            verdicts,
        )
    });
    http.chain(grpc).chain(l4).collect()
}

fn source<R>(kind: Kind, route: &Object<RouteSpec<R>>) -> RouteSource<'_> {
    RouteSource {
        kind,
        meta: &route.meta,
        parents: &route.spec.parent_refs,
        hostnames: &route.spec.hostnames,
    }
}

fn state<'a>(
    scope: Scope,
    gateways: &Gateways,
    source: RouteSource<'a>,
    rules: Rules,
    verdicts: Vec<RouteVerdict>,
) -> RouteState<'a> {
    let mut parents = attach::judge(scope, gateways, &source);
    for parent in &mut parents {
        let idle = |&(gateway, listener): &ListenerId| {
            let listener = &gateways.served[gateway].listeners[listener];
            (!listener.is_programmed()).then(|| listener.label.to_string())
        };
        let names: Option<Vec<String>> = parent.attached.keys().map(idle).collect();
        if let Some(names) = names.filter(|names| !names.is_empty()) {
            let listeners = hint::list(&names);
            parent.verdicts.push(RouteVerdict::NotServed { listeners });
        }
    }
    RouteState {
        source,
        rules,
        verdicts,
        parents,
    }
}
