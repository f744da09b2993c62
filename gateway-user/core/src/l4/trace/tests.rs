//! Traces over tables in memory.

mod tls;

use std::{collections::BTreeMap, convert::Infallible};

use gateway_common::abi::{BY_DSR, ESTABLISHED, KIND_L4, KIND_PROXY, KIND_TLS, NEAR, TCP};

use gateway_common::splice::tie_of;

use super::*;
use crate::l4::names::{NameTable, matching};

const CLOCK: Clock = Clock {
    now: 1_000_000,
    hz: 100,
};
const CLIENT: &str = "198.51.100.7:40000";
const SERVED: &str = "203.0.113.1:9000";
const BACKEND: &str = "10.0.0.1:9000";
const NODE: &str = "192.0.2.9:0";

/// Maps of a gateway with a TCP listener on port 9000, an HTTP listener on port 80, and one for TLS
/// passthrough on port 443.
struct Maps {
    backends: u32,
    far: u32,
    flows: BTreeMap<FlowKey, Flow>,
    snat: Option<Snat>,
    names: NameTable,
    splices: BTreeMap<FlowKey, Splice>,
    /// As of the frontend for TLS.
    resets: u32,
}

impl Source for Maps {
    type Error = Infallible;

    fn frontend(&self, key: &FrontendKey) -> Result<Option<Frontend>, Infallible> {
        let (kind, service, workers) = match (key.port, key.protocol) {
            (9000, TCP) => (KIND_L4, 1, 0),
            (80, TCP) => (KIND_PROXY, 0, 4),
            (443, TCP) => (KIND_TLS, tls::GROUP.into(), 4),
            _ => return Ok(None),
        };
        let served = key.address == at(SERVED).ip().into();
        Ok(served.then_some(Frontend {
            kind,
            service,
            workers,
            resets: self.resets,
            ..Frontend::default()
        }))
    }

    fn service(&self, id: u32) -> Result<Option<Service>, Infallible> {
        Ok((id == 1).then_some(Service {
            maglev_offset: 7,
            maglev_size: self.backends,
            backends: self.backends,
            affinity: 0,
        }))
    }

    fn slot(&self, slot: u32) -> Result<Option<u32>, Infallible> {
        Ok(Some(if slot == 7 { 3 } else { 0 }))
    }

    fn origin(&self, _endpoint: &FrontendKey) -> Result<Option<Origin>, Infallible> {
        Ok(None)
    }

    fn snat(&self, _slot: u32) -> Result<Option<Snat>, Infallible> {
        Ok(self.snat)
    }

    fn backend(&self, id: u32) -> Result<Option<Backend>, Infallible> {
        Ok((id == 3).then_some(Backend {
            address: at(BACKEND).ip().into(),
            port: 9000,
            service: 1,
            weight: 1,
            far: self.far,
            node: at(NODE).ip().into(),
            tag: 4711,
            ..Backend::default()
        }))
    }

    fn address(&self, address: &Addr) -> Result<Option<Address>, Infallible> {
        let ours = *address == at(SERVED).ip().into();
        Ok(ours.then_some(Address::new(false)))
    }

    fn uplink(&self, _: u32) -> Result<Option<LinkAddress>, Infallible> {
        Ok(None)
    }

    fn flow(&self, key: &FlowKey) -> Result<Option<Flow>, Infallible> {
        let flow = self.flows.get(key).copied();
        Ok(flow.filter(Flow::is_established))
    }

    fn fresh(&self, key: &FlowKey) -> Result<Option<Flow>, Infallible> {
        let flow = self.flows.get(key).copied();
        Ok(flow.filter(|flow| !flow.is_established()))
    }

    fn splice(&self, client: &FlowKey) -> Result<Option<Splice>, Infallible> {
        Ok(self.splices.get(client).copied())
    }

    fn tie(&self, backend: &FlowKey) -> Result<Option<FlowKey>, Infallible> {
        let mut all = self.splices.iter();
        let tied = all.find(|(_, splice)| tie_of(splice) == *backend);
        Ok(tied.map(|(client, _)| *client))
    }

    fn name(&self, asked: &NameKey) -> Result<Option<(NameKey, TlsTarget)>, Infallible> {
        let found = matching(&self.names, *asked);
        Ok(found.map(|(name, target)| (*name, *target)))
    }
}

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address and port")
}

fn tuple(source: &str, destination: &str) -> Tuple {
    Tuple {
        transport: Transport::Tcp,
        source: at(source),
        destination: at(destination),
    }
}

fn run(maps: &Maps, source: &str, destination: &str) -> Trace {
    run_for(maps, source, destination, None)
}

fn run_for(maps: &Maps, source: &str, destination: &str, name: Option<&str>) -> Trace {
    match trace(maps, tuple(source, destination), name, CLOCK) {
        Ok(trace) => trace,
        Err(never) => match never {},
    }
}

fn maps(backends: u32) -> Maps {
    Maps {
        backends,
        far: NEAR,
        flows: BTreeMap::new(),
        snat: None,
        names: NameTable::new(),
        splices: BTreeMap::new(),
        resets: 0,
    }
}

#[test]
fn a_new_connection_is_followed_from_frontend_to_backend() {
    let trace = run(&maps(1), CLIENT, SERVED);
    assert_eq!(trace.outcome, Counter::Forwarded);
    assert_eq!(trace.rewritten, Some((at(CLIENT), at(BACKEND))));
    assert_eq!((trace.reply, trace.owned), (false, Some(false)));
    let names = trace.steps.iter().map(|step| match step {
        Step::Flow(_, found) => {
            assert_eq!(*found, None);
            "flow"
        }
        Step::Frontend(..) => "frontend",
        Step::Service(..) => "service",
        Step::Slot(7, Some(3)) => "slot",
        Step::Backend(3, Some(_)) => "backend",
        Step::Open(..) => "open",
        other => panic!("{other:?}"),
    });
    let names: Vec<_> = names.collect();
    assert_eq!(
        names,
        [
            "flow", "frontend", "service", "slot", "backend", "flow", "open", "open"
        ],
        "{:?}",
        trace.steps
    );
}

#[test]
fn an_open_flow_is_followed_without_a_frontend() {
    let mut maps = maps(1);
    let opened = run(&maps, CLIENT, SERVED).steps;
    let entries = opened.iter().filter_map(|step| match step {
        Step::Open(key, flow) => Some((*key, *flow)),
        _ => None,
    });
    // What is not established yet is looked up after the frontend, and found all the same.
    maps.flows = entries.collect();
    let steps = |trace: &Trace, is: fn(&Step) -> bool| trace.steps.iter().any(is);
    let trace = run(&maps, CLIENT, SERVED);
    assert_eq!(trace.rewritten, Some((at(CLIENT), at(BACKEND))));
    assert!(steps(&trace, |s| matches!(s, Step::Flow(_, Some(_)))));
    assert!(!steps(&trace, |s| matches!(
        s,
        Step::Slot(..) | Step::Open(..)
    )));
    for flow in maps.flows.values_mut() {
        flow.state = ESTABLISHED;
    }
    let trace = run(&maps, CLIENT, SERVED);
    assert_eq!(trace.rewritten, Some((at(CLIENT), at(BACKEND))));
    assert!(!steps(&trace, |s| {
        matches!(s, Step::Frontend(..) | Step::Open(..))
    }));
}

#[test]
fn dsr_leads_to_a_node() {
    let mut maps = Maps {
        far: BY_DSR,
        ..maps(1)
    };
    for opens in [1, 0] {
        let trace = run(&maps, CLIENT, SERVED);
        assert_eq!(trace.outcome, Counter::Forwarded);
        assert_eq!((trace.rewritten, trace.steer), (None, None));
        assert_eq!(trace.node, Some(at(NODE).ip()));
        let mut opened = 0;
        for step in trace.steps {
            if let Step::Open(key, flow) = step {
                maps.flows.insert(key, flow);
                opened += 1;
            }
        }
        assert_eq!(opened, opens);
    }
}

#[test]
fn refusals_say_why_and_who_takes_the_packet() {
    let trace = run(&maps(0), CLIENT, SERVED);
    assert_eq!(trace.outcome, Counter::RefuseNoBackend);
    assert_eq!(trace.steer, Some(Steer::Refuse));

    let proxy = run(&maps(1), CLIENT, "203.0.113.1:80");
    assert_eq!(proxy.outcome, Counter::PassProxy);
    assert!(matches!(proxy.steer, Some(Steer::Worker(0..4))));

    let nobody = run(&maps(1), CLIENT, "203.0.113.1:81");
    assert_eq!(nobody.outcome, Counter::PassNotOurs);
    assert_eq!(
        (nobody.steer, nobody.owned),
        (Some(Steer::Refuse), Some(false))
    );

    let node = run(&maps(1), CLIENT, "192.0.2.1:22");
    assert_eq!((node.steer, node.owned), (Some(Steer::Node), None));
}

#[test]
fn frames_of_both_families_tell_their_addresses() {
    for (source, destination) in [(CLIENT, SERVED), ("[2001:db8::1]:1", "[2001:db8::2]:53")] {
        for transport in [Transport::Tcp, Transport::Udp] {
            let tuple = Tuple {
                transport,
                ..tuple(source, destination)
            };
            let frame = frame::build(&tuple);
            let both = (tuple.source, tuple.destination);
            assert_eq!(frame::addresses(&frame), Some(both));
        }
    }
}
