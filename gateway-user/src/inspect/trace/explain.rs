//! The steps of a trace in words.

mod tls;

use std::net::{IpAddr, SocketAddr};

use gateway_common::{
    abi::{
        BY_DSR, BY_SNAT, Backend, FORWARD, Flow, FlowKey, Frontend, FrontendKey, KIND_L4,
        KIND_PROXY, KIND_TLS, Origin,
    },
    steer::Steer,
};
use gateway_core::l4::{
    flows::{Far, Row},
    trace::{Clock, Step, Trace},
};
use serde::Serialize;

use crate::inspect::names::{FrontendNames, Names, transport};

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Explanation {
    pub protocol: &'static str,
    pub source: SocketAddr,
    pub destination: SocketAddr,
    /// What was looked up, what was found, what followed.
    pub steps: Vec<String>,
    /// Counter that a real packet would be counted under.
    pub counter: &'static str,
    /// What that counter means.
    pub meaning: &'static str,
    /// Destination that XDP writes, or source that is written to a reply.
    pub rewritten: Option<SocketAddr>,
    pub gateway: Option<String>,
    pub listeners: Vec<String>,
    pub routes: Vec<String>,
    /// What happens next, and where.
    pub notes: Vec<String>,
}

pub(super) fn explain(trace: &Trace, clock: Clock, names: &Names) -> Explanation {
    let named = frontend_of(trace).and_then(|key| names.frontend(&key));
    let described = trace.outcome.describe();
    let words = Words {
        clock,
        named,
        names,
    };
    let steps = trace.steps.iter().filter_map(|s| words.step(s));
    let service = trace.tls.as_ref().and_then(tls::service);
    let passed = service.and_then(|id| names.service(id));
    let rewritten = trace.rewritten.map(
        |(source, destination)| {
            if trace.reply { source } else { destination }
        },
    );
    Explanation {
        protocol: trace.tuple.transport.as_str(),
        source: trace.tuple.source,
        destination: trace.tuple.destination,
        steps: steps.collect(),
        counter: described.name,
        meaning: described.help,
        rewritten,
        gateway: named.map(|n| n.gateway.clone()),
        listeners: match passed {
            Some(passed) => passed.listeners.clone(),
            None => named.map(|n| n.listeners.clone()).unwrap_or_default(),
        },
        routes: match passed {
            Some(passed) => vec![passed.route.clone()],
            None => named.map(|n| n.routes.clone()).unwrap_or_default(),
        },
        notes: notes(trace, named),
    }
}

/// What the client addresses: of a reply, the source that it gets.
fn frontend_of(trace: &Trace) -> Option<FrontendKey> {
    let address = match trace.rewritten {
        Some((source, _)) if trace.reply => source,
        _ if trace.reply => return None,
        _ => trace.tuple.destination,
    };
    Some(FrontendKey {
        address: address.ip().into(),
        port: address.port().into(),
        protocol: trace.tuple.transport.protocol(),
    })
}

/// What steps are told with.
struct Words<'a> {
    clock: Clock,
    /// Of the frontend.
    named: Option<&'a FrontendNames>,
    names: &'a Names,
}

impl Words<'_> {
    fn step(&self, step: &Step) -> Option<String> {
        let named = self.named;
        Some(match step {
            Step::Flow(key, Some(flow)) => flow_found(key, flow, self.clock),
            Step::Flow(key, None) if key.direction == FORWARD => {
                format!("flows: no entry {}: not an established flow", ends(key))
            }
            Step::Flow(key, None) => format!("flows: nobody else gets replies {}", ends(key)),
            Step::Frontend(key, found) => frontend(key, found.as_ref(), named),
            Step::Service(id, Some(service)) if service.maglev_size == 1 => {
                format!("services: service {id} has one backend, in one slot")
            }
            Step::Service(id, Some(service)) => format!(
                "services: service {id} has {} backends in {} slots",
                service.backends, service.maglev_size
            ),
            Step::Service(id, None) => format!("services: there is no service {id}"),
            Step::Slot(slot, Some(0)) => {
                format!("maglev: slot {slot} refuses: the share of a backend that leads nowhere")
            }
            Step::Slot(slot, Some(id)) => format!("maglev: slot {slot} holds backend {id}"),
            Step::Slot(slot, None) => format!("maglev: there is no slot {slot}"),
            Step::Backend(id, Some(backend)) => backend_found(*id, backend, named),
            Step::Backend(id, None) => format!("backends: there is no backend {id}"),
            Step::Origin(endpoint, origin) => leads(endpoint, origin),
            Step::Address(address, Some(_)) => {
                format!("addresses: {} is one of a Gateway", IpAddr::from(*address))
            }
            Step::Address(address, None) => format!(
                "addresses: {} is none that this data path answers for",
                IpAddr::from(*address)
            ),
            Step::Open(key, flow) if key.direction == FORWARD => format!(
                "flows: a real packet would enter {} to backend {}",
                ends(key),
                flow.backend
            ),
            // Its other half says it all.
            Step::Open(..) => return None,
            Step::Splice(key, splice) => tls::known(key, splice.as_ref(), self.clock),
            Step::Tie(backend, client) => tls::tie(backend, client),
            Step::Name(asked, found) => tls::name(asked, found.as_ref(), self.names),
        })
    }
}

fn backend_found(id: u32, backend: &Backend, named: Option<&FrontendNames>) -> String {
    let address = SocketAddr::new(backend.address.into(), backend.port as u16);
    let name = named.and_then(|n| n.service(address));
    let name = name
        .map(|n| format!(", of Service {n}"))
        .unwrap_or_default();
    let far = match backend.far {
        BY_SNAT => ", on another node, by SNAT".to_owned(),
        BY_DSR => format!(", by DSR to its node {}", IpAddr::from(backend.node)),
        _ => String::new(),
    };
    format!(
        "backends: backend {id} is {address}, weight {}{name}{far}",
        backend.weight
    )
}

fn flow_found(key: &FlowKey, flow: &Flow, clock: Clock) -> String {
    let forward = FlowKey {
        direction: FORWARD,
        ..*key
    };
    let row = Row::new(&forward, flow, clock);
    let (state, idle) = row
        .map(|row| (row.state.as_str(), row.idle))
        .unwrap_or_default();
    let far = match row.map(|row| row.far) {
        None | Some(Far::No) => String::new(),
        Some(far) => format!(", {far}"),
    };
    let what = if key.direction == FORWARD {
        "flow"
    } else {
        "replies"
    };
    format!(
        "flows: {what} {} to backend {}{far}, {state}, idle for {idle}s",
        ends(key),
        flow.backend
    )
}

fn leads(endpoint: &FrontendKey, origin: &Origin) -> String {
    let to = SocketAddr::new(endpoint.address.into(), endpoint.port as u16);
    let from = SocketAddr::new(origin.address.into(), origin.port as u16);
    match origin.shared {
        0 => format!("origins: only {from} leads to {to}, so that replies tell their flow"),
        _ => format!("origins: {from} and others lead to {to}"),
    }
}

fn ends(key: &FlowKey) -> String {
    let source = SocketAddr::new(key.source.into(), key.source_port);
    let destination = SocketAddr::new(key.destination.into(), key.destination_port);
    format!("{source} -> {destination}")
}

fn frontend(key: &FrontendKey, found: Option<&Frontend>, named: Option<&FrontendNames>) -> String {
    let protocol = transport(key.protocol).as_str();
    let at = SocketAddr::new(key.address.into(), key.port as u16);
    let by = match found {
        Some(f) if f.kind == KIND_L4 => format!("served by XDP, service {}", f.service),
        Some(f) if f.kind == KIND_PROXY => format!("served by the proxy, {} workers", f.workers),
        Some(f) if f.kind == KIND_TLS => format!(
            "served by the server name of TLS, group {}: by XDP, or by the proxy, {} workers{}",
            f.service,
            f.workers,
            match f.resets {
                0 => "",
                _ => "; what nobody has is reset",
            }
        ),
        _ => return format!("frontends: nothing is served at {at}/{protocol}"),
    };
    let name = named.map(|n| {
        let routes = match n.routes.as_slice() {
            [] => "without a route".to_owned(),
            routes => format!("route {}", routes.join(", ")),
        };
        let listeners = n.listeners.join(", ");
        format!(": Gateway {}, listener {listeners}, {routes}", n.gateway)
    });
    format!(
        "frontends: {at}/{protocol} is {by}{}",
        name.unwrap_or_default()
    )
}

/// As a packet of a flow.
fn sent_on(trace: &Trace) -> Vec<String> {
    let (source, destination) = match trace.rewritten {
        None => return Vec::new(),
        Some(ends) => ends,
    };
    vec![match trace.reply {
        false => {
            format!("it goes on as {source} -> {destination}, where the node's routes lead")
        }
        true => format!("it is a backend's reply, and leaves as {source} -> {destination}"),
    }]
}

fn notes(trace: &Trace, named: Option<&FrontendNames>) -> Vec<String> {
    let mut notes = match &trace.tls {
        Some(tls) => tls::notes(trace, tls),
        None => sent_on(trace),
    };
    if let Some(node) = trace.node {
        notes.push(format!(
            "it goes to the node {node} as it is, in an outer header; replies go from there to the \
             client directly"
        ));
    }
    let at = trace.tuple.destination;
    match trace.steer {
        Some(Steer::Worker(worker)) => notes.push(format!(
            "worker {worker} of the proxy takes the connection, by sk_lookup"
        )),
        Some(Steer::Refuse) => notes.push(
            "the node refuses it: a reset, or \"port unreachable\"; no socket of the node may \
             take it"
                .to_owned(),
        ),
        Some(Steer::Node) => notes.push(format!(
            "the node itself handles it, as without a gateway: {at} is none of ours"
        )),
        None => {}
    }
    match trace.owned {
        Some(true) => {}
        Some(false) => notes.push(format!(
            "another node answers for {}: packets of clients arrive there, not here",
            at.ip()
        )),
        None if named.is_some() && !trace.reply => notes.push(format!(
            "{} is on an interface of this node, whose stack answers for it",
            at.ip()
        )),
        None => {}
    }
    notes
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use gateway_common::abi::{Counter, TCP};
    use gateway_core::{l4::trace::Tuple, plan::Transport};

    use super::*;

    fn trace() -> Trace {
        let key = FrontendKey {
            address: Ipv4Addr::new(203, 0, 113, 1).into(),
            port: 80,
            protocol: TCP,
        };
        Trace {
            tuple: Tuple {
                transport: Transport::Tcp,
                source: ([198, 51, 100, 7], 40_000).into(),
                destination: ([203, 0, 113, 1], 80).into(),
            },
            steps: vec![Step::Frontend(
                key,
                Some(Frontend {
                    kind: KIND_PROXY,
                    workers: 4,
                    ..Frontend::default()
                }),
            )],
            reply: false,
            outcome: Counter::PassProxy,
            tls: None,
            hello: None,
            rewritten: None,
            node: None,
            steer: Some(Steer::Worker(2)),
            owned: Some(false),
        }
    }

    #[test]
    fn the_proxy_and_another_owner_are_told() {
        let clock = Clock { now: 0, hz: 100 };
        let names = Names {
            frontends: vec![FrontendNames {
                address: ([203, 0, 113, 1], 80).into(),
                protocol: Transport::Tcp,
                gateway: "shop/web".into(),
                listeners: vec!["http".into()],
                routes: Vec::new(),
                backends: Vec::new(),
            }],
            ..Names::default()
        };
        let explained = explain(&trace(), clock, &names);
        assert_eq!(
            explained.steps,
            [
                "frontends: 203.0.113.1:80/tcp is served by the proxy, 4 workers: \
              Gateway shop/web, listener http, without a route"
            ]
        );
        assert_eq!(explained.counter, "pass_proxy");
        assert_eq!(
            explained.notes,
            [
                "worker 2 of the proxy takes the connection, by sk_lookup",
                "another node answers for 203.0.113.1: packets of clients arrive there, not here",
            ]
        );
        let bare = explain(&trace(), clock, &Names::default());
        assert_eq!(
            bare.steps,
            ["frontends: 203.0.113.1:80/tcp is served by the proxy, 4 workers"]
        );
    }
}
