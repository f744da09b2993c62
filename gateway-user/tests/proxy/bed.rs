//! A proxy with one worker whose own socket is the frontend, and plans written in few words.

use std::{
    collections::BTreeMap, io, net::SocketAddr, num::NonZeroUsize, sync::Arc, time::Duration,
};

use arc_swap::ArcSwap;
use gateway_core::{
    endpoints::{Endpoint, Endpoints},
    http::Table,
    name::ObjectName,
    plan::{
        BackendId, BackendProtocol, BackendTls, Frontend, FrontendId, HostPattern, HttpBackend,
        HttpFilter, HttpFrontend, HttpListener, HttpMatch, HttpRoute, HttpRule, Parameters,
        PathMatch, Plan, RouteKind, Target, TlsListener, Transport,
    },
};
use gateway_user::proxy::{Limits, Proxy, ProxyOptions};

pub(crate) struct Bed {
    pub(crate) proxy: Proxy,
    pub(crate) address: SocketAddr,
    pub(crate) table: Arc<ArcSwap<Table>>,
}

/// A rule for a path prefix; `to` are (endpoints, weight) of its backends.
#[derive(Clone)]
pub(crate) struct Rule {
    pub(crate) prefix: &'static str,
    pub(crate) filters: Vec<HttpFilter>,
    pub(crate) to: Vec<To>,
}

#[derive(Clone)]
pub(crate) enum To {
    Invalid(u32),
    Service(u32, Vec<SocketAddr>),
    /// As `Service`, spoken to in HTTP/2.
    Http2(u32, Vec<SocketAddr>),
    /// As `Service`, over TLS.
    Tls(BackendProtocol, Arc<BackendTls>, Vec<SocketAddr>),
}

impl Bed {
    /// Starts a proxy that serves `rules` for every host.
    pub(crate) fn start(rules: &[Rule]) -> Self {
        Self::with_limits(rules, Limits::default())
    }

    /// As [`Bed::start`]; `edit` changes the rules as they are planned, and their endpoints.
    pub(crate) fn edited(
        rules: &[Rule],
        edit: impl FnOnce(&mut [HttpRule], &mut Endpoints),
    ) -> Self {
        Self::edited_with(rules, Limits::default(), edit)
    }

    pub(crate) fn edited_with(
        rules: &[Rule],
        limits: Limits,
        edit: impl FnOnce(&mut [HttpRule], &mut Endpoints),
    ) -> Self {
        let bed = Self::new(limits, Box::new(io::stdout()));
        let (mut listener, mut endpoints) = listener(RouteKind::Http, rules);
        edit(&mut listener.routes[0].rules, &mut endpoints);
        let table = table(bed.address, vec![listener], &endpoints);
        bed.table.store(Arc::new(table));
        bed
    }

    pub(crate) fn with_limits(rules: &[Rule], limits: Limits) -> Self {
        let bed = Self::new(limits, Box::new(io::stdout()));
        bed.reload(rules);
        bed
    }

    /// As [`Bed::with_limits`], with a GRPCRoute.
    pub(crate) fn of_calls(rules: &[Rule], limits: Limits) -> Self {
        let bed = Self::new(limits, Box::new(io::stdout()));
        let (listener, endpoints) = listener(RouteKind::Grpc, rules);
        let table = table(bed.address, vec![listener], &endpoints);
        bed.table.store(Arc::new(table));
        bed
    }

    /// Serves a Gateway with parameters of its own, which logs to `log`.
    pub(crate) fn with_parameters(
        rules: &[Rule],
        parameters: Parameters,
        log: Box<dyn io::Write + Send>,
    ) -> Self {
        let bed = Self::new(Limits::default(), log);
        bed.set_parameters(rules, parameters);
        bed
    }

    pub(crate) fn new(limits: Limits, log: Box<dyn io::Write + Send>) -> Self {
        let table = Arc::new(ArcSwap::from_pointee(Table::default()));
        let workers = NonZeroUsize::MIN;
        let options = ProxyOptions { workers, limits };
        let proxy = Proxy::start_logging(&options, table.clone(), log).unwrap();
        let address = proxy.local_addresses().unwrap()[0];
        Self {
            proxy,
            address,
            table,
        }
    }

    pub(crate) fn set_parameters(&self, rules: &[Rule], parameters: Parameters) {
        self.serve(RouteKind::Http, rules, parameters, |_, _| {});
    }

    /// From now on serves a route of these rules, which `edit` changes as they are planned.
    pub(crate) fn serve(
        &self,
        kind: RouteKind,
        rules: &[Rule],
        parameters: Parameters,
        edit: impl FnOnce(&mut [HttpRule], &mut Endpoints),
    ) {
        let (mut listener, mut endpoints) = listener(kind, rules);
        edit(&mut listener.routes[0].rules, &mut endpoints);
        self.store(vec![listener], &endpoints, parameters);
    }

    pub(crate) fn store(
        &self,
        listeners: Vec<HttpListener>,
        endpoints: &Endpoints,
        parameters: Parameters,
    ) {
        let mut plan = plan(self.address, listeners, Vec::new());
        plan.parameters.insert(gateway(), Arc::new(parameters));
        self.table.store(Arc::new(Table::compile(&plan, endpoints)));
    }

    /// One rule: everything goes to one backend.
    pub(crate) fn to(backend: SocketAddr) -> Self {
        Self::start(&[rule("/", backend)])
    }

    pub(crate) fn reload(&self, rules: &[Rule]) {
        let (listener, endpoints) = listener(RouteKind::Http, rules);
        let table = table(self.address, vec![listener], &endpoints);
        self.table.store(Arc::new(table));
    }

    pub(crate) async fn stop(self) {
        self.proxy.shutdown(Duration::from_secs(5)).await;
    }
}

pub(crate) fn rule(prefix: &'static str, backend: SocketAddr) -> Rule {
    Rule {
        prefix,
        filters: Vec::new(),
        to: vec![To::Service(1, vec![backend])],
    }
}

fn listener(kind: RouteKind, rules: &[Rule]) -> (HttpListener, Endpoints) {
    let mut endpoints = Endpoints::default();
    let rules = rules.iter().enumerate().map(|(index, rule)| HttpRule {
        name: None,
        matches: vec![HttpMatch {
            path: PathMatch::Prefix(rule.prefix.into()),
            method: None,
            headers: Vec::new(),
            query: Vec::new(),
        }],
        filters: rule.filters.clone(),
        backends: backends(index, &rule.to, &mut endpoints.0),
        ..HttpRule::default()
    });
    let route = HttpRoute {
        kind,
        name: ObjectName::new("default", "route"),
        created: None,
        hostnames: vec![HostPattern::Any],
        rules: rules.collect(),
    };
    let listener = HttpListener {
        name: "web".into(),
        hostname: HostPattern::Any,
        tls: None,
        routes: vec![route],
    };
    (listener, endpoints)
}

pub(crate) fn table(
    address: SocketAddr,
    listeners: Vec<HttpListener>,
    endpoints: &Endpoints,
) -> Table {
    table_with(address, listeners, Vec::new(), endpoints)
}

pub(crate) fn table_with(
    address: SocketAddr,
    listeners: Vec<HttpListener>,
    tls: Vec<TlsListener>,
    endpoints: &Endpoints,
) -> Table {
    Table::compile(&plan(address, listeners, tls), endpoints)
}

/// Of a Gateway with these parameters.
pub(crate) fn plan_for_tls(
    address: SocketAddr,
    tls: Vec<TlsListener>,
    parameters: Parameters,
) -> Plan {
    let mut plan = plan(address, Vec::new(), tls);
    plan.parameters.insert(gateway(), parameters.into());
    plan
}

fn plan(address: SocketAddr, listeners: Vec<HttpListener>, tls: Vec<TlsListener>) -> Plan {
    let gateway = gateway();
    let frontend = Frontend::Http(HttpFrontend {
        gateway,
        listeners,
        tls,
    });
    let transport = Transport::Tcp;
    let id = FrontendId { address, transport };
    Plan {
        frontends: [(id, frontend)].into(),
        ..Plan::default()
    }
}

fn gateway() -> ObjectName {
    ObjectName::new("default", "gateway")
}

fn backends(
    rule: usize,
    to: &[To],
    endpoints: &mut BTreeMap<BackendId, Vec<Endpoint>>,
) -> Vec<HttpBackend> {
    let one = |(index, to): (usize, &To)| {
        let (weight, target) = match to {
            To::Invalid(weight) => (*weight, Target::Invalid),
            To::Service(_, addresses) | To::Http2(_, addresses) | To::Tls(_, _, addresses) => {
                let weight = match to {
                    To::Service(weight, _) | To::Http2(weight, _) => *weight,
                    _ => 1,
                };
                let id = BackendId {
                    service: ObjectName::new("default", format!("service-{rule}-{index}")),
                    port: 80,
                    transport: Transport::Tcp,
                };
                let all = addresses.iter().map(|a| Endpoint::new(*a));
                endpoints.insert(id.clone(), all.collect());
                (weight, Target::Backend(id))
            }
        };
        let filters = Vec::new();
        let protocol = match to {
            To::Http2(..) => BackendProtocol::Http2,
            To::Tls(protocol, ..) => *protocol,
            To::Invalid(_) | To::Service(..) => BackendProtocol::Http1,
        };
        let tls = match to {
            To::Tls(_, tls, _) => Some(tls.clone()),
            _ => None,
        };
        HttpBackend {
            target,
            protocol,
            tls,
            weight,
            filters,
        }
    };
    to.iter().enumerate().map(one).collect()
}
