//! The plan, from listeners that are served and the routes at each.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use super::{
    age::age,
    attach::ListenerId,
    client_certificate::Shown,
    gateway::GatewayState,
    l4::L4Rule,
    listener::ListenerState,
    route::{RouteState, Rules},
};
use crate::api::Kind;
use crate::plan::{
    Certificate, DRAIN, Frontend, FrontendId, HostPattern, HttpFrontend, HttpListener, HttpRoute,
    L4Options, L4Service, Parameters, Plan, TlsListener, TlsRoute, UsedFor,
};

/// Accepted routes of each listener with the hosts they take there, the oldest first.
type Attached<'a> = BTreeMap<ListenerId, Vec<(&'a RouteState<'a>, Vec<HostPattern>)>>;

pub(super) fn plan(gateways: &[GatewayState], routes: &[RouteState]) -> Plan {
    let attached = attached(routes);
    let mut plan = Plan::default();
    for (position, gateway) in gateways.iter().enumerate() {
        let listeners = gateway.listeners.iter().enumerate();
        let mut shown = Shown::new(gateway.certificate.as_ref().map(|one| &one.key));
        for (index, listener) in listeners.filter(|(_, l)| l.is_programmed()) {
            let routes = attached.get(&(position, index)).map(Vec::as_slice);
            serve(
                &mut plan,
                gateway,
                listener,
                routes.unwrap_or_default(),
                &mut shown,
            );
        }
        plan.certificates.extend(certificates(gateway));
        let served = gateway.listeners.iter().any(ListenerState::is_programmed);
        if served && gateway.parameters != Parameters::default() {
            let parameters = Arc::new(gateway.parameters.clone());
            plan.parameters.insert(gateway.name.clone(), parameters);
        }
    }
    plan
}

/// That are shown to somebody.
fn certificates(gateway: &GatewayState) -> Vec<Certificate> {
    let served: Vec<_> = gateway
        .listeners
        .iter()
        .filter(|l| l.is_programmed())
        .collect();
    let own = gateway.certificate.iter().filter(|_| !served.is_empty());
    let own = own.filter_map(|one| one.in_use(&gateway.name, UsedFor::Backends));
    let listeners = served.iter().flat_map(|listener| {
        let credentials = listener.credentials.iter();
        credentials.filter_map(|one| {
            let used_for = UsedFor::Listener(listener.label.clone());
            one.in_use(&gateway.name, used_for)
        })
    });
    own.chain(listeners).collect()
}

fn attached<'a>(routes: &'a [RouteState<'a>]) -> Attached<'a> {
    let mut sorted: Vec<_> = routes
        .iter()
        .filter(|route| route.is_acceptable())
        .collect();
    sorted.sort_by_cached_key(|route| age(route.source.meta));
    let mut attached = Attached::new();
    for route in sorted {
        // Several parentRefs may lead to one listener.
        let mut own: BTreeMap<ListenerId, &Vec<HostPattern>> = BTreeMap::new();
        own.extend(
            route
                .parents
                .iter()
                .flat_map(|p| p.attached.iter().map(|(id, h)| (*id, h))),
        );
        for (id, hosts) in own {
            attached.entry(id).or_default().push((route, hosts.clone()));
        }
    }
    attached
}

fn serve(
    plan: &mut Plan,
    gateway: &GatewayState,
    listener: &ListenerState,
    routes: &[(&RouteState, Vec<HostPattern>)],
    shown: &mut Shown,
) {
    for address in &gateway.addresses {
        let id = FrontendId {
            address: SocketAddr::new(*address, listener.spec.port),
            transport: listener.transport(),
        };
        if listener.is_l4() {
            let service = l4(gateway, listener, routes);
            plan.frontends.insert(id, Frontend::L4(service));
            continue;
        }
        let empty = || {
            Frontend::Http(HttpFrontend {
                gateway: gateway.name.clone(),
                listeners: Vec::new(),
                tls: Vec::new(),
            })
        };
        if let Frontend::Http(frontend) = plan.frontends.entry(id).or_insert_with(empty) {
            match listener.kinds.contains(&Kind::TlsRoute) {
                true => frontend.tls.push(tls(listener, routes, shown)),
                false => frontend.listeners.push(http(listener, routes, shown)),
            }
        }
    }
}

fn l4(
    gateway: &GatewayState,
    listener: &ListenerState,
    routes: &[(&RouteState, Vec<HostPattern>)],
) -> L4Service {
    let first = routes.iter().find_map(|(route, _)| match &route.rules {
        Rules::L4(rule) => Some((route.source.meta.object_name(), rule.clone())),
        Rules::Http(..) => None,
    });
    let (route, rule) = first.unzip();
    let L4Rule {
        backends,
        by_client,
        ..
    } = rule.unwrap_or_default();
    L4Service {
        gateway: gateway.name.clone(),
        listener: listener.label.clone(),
        route,
        backends,
        options: L4Options {
            drain: gateway.parameters.drain.unwrap_or(DRAIN),
            silent: gateway.parameters.silent,
            by_client,
        },
    }
}

fn http(
    listener: &ListenerState,
    routes: &[(&RouteState, Vec<HostPattern>)],
    shown: &mut Shown,
) -> HttpListener {
    let routes = routes
        .iter()
        .filter_map(|(route, hostnames)| match &route.rules {
            Rules::Http(kind, rules) => Some(HttpRoute {
                kind: *kind,
                name: route.source.meta.object_name(),
                created: route.source.meta.created,
                hostnames: hostnames.clone(),
                rules: shown.rules(rules),
            }),
            Rules::L4(_) => None,
        });
    HttpListener {
        name: listener.label.clone(),
        hostname: listener.hostname.clone(),
        tls: listener.tls.clone(),
        routes: routes.collect(),
    }
}

fn tls(
    listener: &ListenerState,
    routes: &[(&RouteState, Vec<HostPattern>)],
    shown: &mut Shown,
) -> TlsListener {
    let routes = routes
        .iter()
        .filter_map(|(route, hostnames)| match &route.rules {
            Rules::L4(rule) => Some(TlsRoute {
                name: route.source.meta.object_name(),
                hostnames: hostnames.clone(),
                backends: match listener.tls {
                    None => rule.backends.clone(),
                    Some(_) => shown.connections(&rule.terminated),
                },
            }),
            Rules::Http(..) => None,
        });
    TlsListener {
        name: listener.label.clone(),
        hostname: listener.hostname.clone(),
        tls: listener.tls.clone(),
        routes: routes.collect(),
    }
}
