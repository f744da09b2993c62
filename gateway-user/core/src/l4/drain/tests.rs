//! Backends that come and go, and what becomes of their flows.

use super::*;
use crate::{
    endpoints::Endpoints,
    l4::{
        compile, diff,
        sweep::Fate,
        testing::{backend, endpoints, plan, tcp, tls_frontend, tls_listener, tls_route},
    },
    name::ObjectName,
    plan::{FrontendId, Parameters},
};
use gateway_common::{
    abi::{ESTABLISHED, TCP},
    splice::state::SPLICED,
};

const ONE: &str = "10.0.0.1:80";
const TWO: &str = "10.0.0.2:80";
const CLOCK: Clock = Clock {
    now: 1_000,
    hz: 100,
};

/// A daemon: its tables, and its memory.
struct Node {
    tables: Tables,
    drains: Drains,
    plan: Plan,
}

impl Node {
    fn new(weight: u32) -> Self {
        Self {
            tables: Tables::default(),
            drains: Drains::new(Duration::ZERO),
            plan: plan(&[(tcp(80), &[("a", weight)])]),
        }
    }

    fn reconcile(&mut self, endpoints: &Endpoints, now: u64) {
        let desired =
            compile(&self.plan, endpoints, crate::l4::Node::new(1), &self.tables).expect("it fits");
        let ops = diff(&self.tables, &desired);
        ops.iter().for_each(|op| self.tables.apply(op));
        self.drains.observe(&self.plan, &self.tables, at(now));
    }

    /// Of an established connection to the backend that had this id.
    fn fate(&self, id: u32, address: &str, now: u64) -> Fate {
        let to: std::net::SocketAddr = address.parse().expect("an address and port");
        let key = FlowKey {
            protocol: TCP as u16,
            ..FlowKey::default()
        };
        let flow = Flow {
            address: to.ip().into(),
            port: to.port().into(),
            backend: id,
            last_seen: CLOCK.now,
            state: ESTABLISHED,
            ..Flow::default()
        };
        self.drains.sweep(CLOCK, at(now)).judge(&key, &flow)
    }

    /// Of a connection of TLS passthrough to the backend that had this name.
    fn splice_fate(&self, backend: Name, now: u64) -> Fate {
        let splice = Splice {
            backend_address: backend.address,
            backend_port: backend.port,
            service: 1,
            backend: backend.id,
            phase: SPLICED,
            last_seen: CLOCK.now,
            ..Splice::default()
        };
        self.drains.sweep(CLOCK, at(now)).judge_splice(&splice)
    }

    fn id(&self, address: &str) -> u32 {
        let to: std::net::SocketAddr = address.parse().expect("an address and port");
        let is = |b: &&Backend| b.address == to.ip().into();
        let found = self.tables.backends.iter().find(|(_, b)| is(b));
        *found.expect("a backend").0
    }

    /// The one backend of the route at a listener.
    fn backend_at(&self, listener: &FrontendId) -> Name {
        let services = self.tables.services_of(&frontend_key(listener));
        let all = services.iter().flat_map(|id| self.tables.backends_of(*id));
        let names: Vec<_> = all.map(|(id, b)| Name::of_backend(id, b)).collect();
        assert_eq!(names.len(), 1, "{names:?}");
        names[0]
    }
}

/// A route for `a.x` to the backend `a`, at a listener of the Gateway with this name.
fn passthrough(gateway: &str) -> Frontend {
    let route = tls_route("a", &["a.x"], &[("a", 1)]);
    let mut frontend = tls_frontend(vec![tls_listener("*", vec![route])]);
    if let Frontend::Http(http) = &mut frontend {
        http.gateway = ObjectName::new("default", gateway);
    }
    frontend
}

/// Gateways whose backends may take so many seconds to leave.
fn drain_times(of: &[(&str, u64)]) -> BTreeMap<ObjectName, std::sync::Arc<Parameters>> {
    let parameters = |seconds: u64| Parameters {
        drain: Some(at(seconds)),
        ..Parameters::default()
    };
    of.iter()
        .map(|(name, seconds)| {
            let name = ObjectName::new("default", *name);
            (name, parameters(*seconds).into())
        })
        .collect()
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn both() -> Endpoints {
    endpoints(&[("a", &[ONE, TWO])])
}

#[test]
fn flows_of_a_terminating_endpoint_have_until_the_deadline() {
    let mut node = Node::new(1);
    node.reconcile(&both(), 0);
    let id = node.id(TWO);
    assert_eq!(node.fate(id, TWO, 5_000), Fate::Keep(Standing::Serving));
    let mut leaving = both();
    let list = leaving.0.get_mut(&backend("a")).expect("endpoints");
    list[1].conditions.ready = false;
    list[1].conditions.terminating = true;
    node.reconcile(&leaving, 5_000);
    assert_eq!(node.tables.backends[&id].draining, 1);
    assert_eq!(node.fate(id, TWO, 5_001), Fate::Keep(Standing::Leaving));
    // The pod is gone for good: the time runs since it began to leave.
    node.reconcile(&endpoints(&[("a", &[ONE])]), 6_000);
    assert!(!node.tables.backends.contains_key(&id));
    assert_eq!(node.fate(id, TWO, 8_599), Fate::Keep(Standing::Gone));
    assert_eq!(node.fate(id, TWO, 8_600), Fate::Drained);
    let other = node.id(ONE);
    assert_eq!(node.fate(other, ONE, 8_600), Fate::Keep(Standing::Serving));
}

#[test]
fn weight_zero_drains_and_may_be_taken_back() {
    let mut node = Node::new(1);
    node.reconcile(&both(), 0);
    let id = node.id(ONE);
    node.plan = plan(&[(tcp(80), &[("a", 0)])]);
    node.reconcile(&both(), 100);
    let (_, service) = node.tables.services.first_key_value().expect("a service");
    assert_eq!(service.maglev_size, 0, "nothing new");
    assert_eq!(node.fate(id, ONE, 3_699), Fate::Keep(Standing::Leaving));
    assert_eq!(node.fate(id, ONE, 3_700), Fate::Drained);
    node.plan = plan(&[(tcp(80), &[("a", 1)])]);
    node.reconcile(&both(), 3_000);
    assert_eq!(node.id(ONE), id, "it is still the same backend");
    assert_eq!(node.fate(id, ONE, 9_000), Fate::Keep(Standing::Serving));
}

#[test]
fn the_deadline_is_the_gateways_and_may_change_meanwhile() {
    let mut node = Node::new(1);
    node.reconcile(&both(), 0);
    let id = node.id(TWO);
    let short = |node: &mut Node, seconds| {
        for frontend in node.plan.frontends.values_mut() {
            if let Frontend::L4(service) = frontend {
                service.options.drain = at(seconds);
            }
        }
    };
    short(&mut node, 60);
    node.reconcile(&endpoints(&[("a", &[ONE])]), 10);
    assert_eq!(node.fate(id, TWO, 69), Fate::Keep(Standing::Gone));
    assert_eq!(node.fate(id, TWO, 70), Fate::Drained);
    short(&mut node, 100);
    node.reconcile(&endpoints(&[("a", &[ONE])]), 65);
    assert_eq!(node.fate(id, TWO, 109), Fate::Keep(Standing::Gone));
    // A listener that is removed takes its deadline with it.
    node.plan = Plan::default();
    node.reconcile(&Endpoints::default(), 100);
    assert_eq!(node.fate(id, TWO, 110), Fate::Drained);
    let last = Name {
        id,
        ..*node.drains.leaving.keys().next().expect("those that left")
    };
    assert!(node.drains.leaving.len() == 2, "{last:?}");
    node.reconcile(&Endpoints::default(), 10_000);
    assert!(node.drains.leaving.is_empty(), "all had their time");
}

/// It may come back: its connections are not cut however long that takes.
#[test]
fn an_endpoint_that_is_not_ready_keeps_its_connections() {
    let mut node = Node::new(1);
    node.reconcile(&both(), 0);
    let id = node.id(TWO);
    let mut unready = both();
    let list = unready.0.get_mut(&backend("a")).expect("endpoints");
    list[1].conditions.ready = false;
    node.reconcile(&unready, 10);
    let backend = node.tables.backends[&id];
    assert_eq!((backend.weight, backend.draining), (0, 0));
    assert_eq!(node.fate(id, TWO, 90_000), Fate::Keep(Standing::Serving));
}

/// Flows of backends that were removed before this daemon started: nobody knows when.
#[test]
fn flows_of_an_earlier_daemons_backends_have_the_longest_deadline() {
    let mut node = Node::new(1);
    node.reconcile(&both(), 0);
    assert_eq!(node.fate(99, ONE, 3_599), Fate::Keep(Standing::Gone));
    assert_eq!(node.fate(99, ONE, 3_600), Fate::Drained);
}

/// One route at two Gateways: each has its own deadline, and none the other's.
#[test]
fn connections_of_tls_passthrough_have_the_deadline_of_their_gateway() {
    let mut node = Node::new(1);
    let (short, long, usual) = (tcp(443), tcp(444), tcp(445));
    node.plan = Plan {
        frontends: [(short, "short"), (long, "long"), (usual, "usual")]
            .map(|(id, gateway)| (id, passthrough(gateway)))
            .into(),
        parameters: drain_times(&[("short", 10), ("long", 7_200)]),
        ..Plan::default()
    };
    node.reconcile(&endpoints(&[("a", &[ONE])]), 0);
    let backends = [short, long, usual].map(|id| node.backend_at(&id));
    let fates = |node: &Node, now| backends.map(|name| node.splice_fate(name, now));
    assert_eq!(fates(&node, 9_000), [Fate::Keep(Standing::Serving); 3]);
    node.reconcile(&endpoints(&[("a", &[TWO])]), 9_000);
    let gone = Fate::Keep(Standing::Gone);
    assert_eq!(fates(&node, 9_009), [gone; 3]);
    assert_eq!(fates(&node, 9_010), [Fate::Drained, gone, gone]);
    assert_eq!(fates(&node, 12_600), [Fate::Drained, gone, Fate::Drained]);
    // It may be moved while it runs.
    node.plan.parameters = drain_times(&[("short", 10), ("long", 3_700)]);
    node.reconcile(&endpoints(&[("a", &[TWO])]), 12_600);
    assert_eq!(fates(&node, 12_699)[1], gone);
    assert_eq!(fates(&node, 12_700), [Fate::Drained; 3]);
}

/// The id of a service that is gone is given out again: what is left of it keeps its own deadline.
#[test]
fn the_next_service_with_an_id_says_nothing_about_those_that_left_it() {
    let mut node = Node::new(1);
    let times = drain_times(&[("short", 10), ("long", 7_200)]);
    let only = |id, gateway| Plan {
        frontends: BTreeMap::from([(id, passthrough(gateway))]),
        parameters: times.clone(),
        ..Plan::default()
    };
    node.plan = only(tcp(443), "long");
    node.reconcile(&both(), 0);
    let (before, left) = (node.tables.clone(), node.id(ONE));
    node.plan = Plan::default();
    node.reconcile(&both(), 0);
    node.plan = only(tcp(444), "short");
    node.tables.cursors.service = before.cursors.service - 1;
    node.reconcile(&both(), 0);
    assert!(node.tables.services.keys().eq(before.services.keys()));
    let left = Name::of_backend(left, &before.backends[&left]);
    assert_eq!(node.splice_fate(left, 7_199), Fate::Keep(Standing::Gone));
    assert_eq!(node.splice_fate(left, 7_200), Fate::Drained);
}
