//! One frontend with its backends, into the kernel as a daemon would do it.

use gateway_core::{
    endpoints::{Endpoint, Endpoints},
    l4::{Node, compile, diff},
    name::ObjectName,
    plan::{BackendId, Frontend, FrontendId, L4Service, Plan, Target, Transport, WeightedBackend},
};
use gateway_user::bpf::Datapath;

/// A route of `frontend` to a Service with these ready endpoints.
pub(crate) fn plan(frontend: &str, transport: Transport, backends: &[&str]) -> (Plan, Endpoints) {
    let id = BackendId {
        service: ObjectName::new("default", "echo"),
        port: 80,
        transport,
    };
    let service = L4Service {
        gateway: ObjectName::new("default", "gateway"),
        listener: "l4".into(),
        route: None,
        options: gateway_core::plan::L4Options::default(),
        backends: vec![WeightedBackend {
            target: Target::Backend(id.clone()),
            weight: 1,
            tls: None,
        }],
    };
    let frontend = FrontendId {
        address: frontend.parse().expect("an address"),
        transport,
    };
    let endpoint = |address: &&str| Endpoint::new(address.parse().expect("an address"));
    let endpoints = [(id, backends.iter().map(endpoint).collect())];
    let frontends = [(frontend, Frontend::L4(service))];
    (
        Plan {
            frontends: frontends.into(),
            ..Plan::default()
        },
        Endpoints(endpoints.into()),
    )
}

pub(crate) fn put(
    datapath: &mut Datapath,
    frontend: &str,
    transport: Transport,
    backends: &[&str],
) {
    let (plan, endpoints) = plan(frontend, transport, backends);
    let desired = compile(&plan, &endpoints, Node::new(1), datapath.tables()).expect("it fits");
    let ops = diff(datapath.tables(), &desired);
    datapath.apply(&ops).expect("the kernel takes the tables");
    assert_eq!(datapath.tables(), &desired);
}
