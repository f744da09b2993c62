//! Tests of the order of steps.

use std::net::{Ipv4Addr, SocketAddr};

use gateway_core::{
    endpoints::{Conditions, Endpoint},
    name::ObjectName,
    plan::{
        BackendId, Frontend, FrontendId, HttpFrontend, L4Service, Target, Transport,
        WeightedBackend,
    },
};

use super::*;

const GATEWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

fn backend() -> BackendId {
    BackendId {
        service: ObjectName::new("infra", "echo"),
        port: 7,
        transport: Transport::Tcp,
    }
}

fn plan() -> Plan {
    let id = |port| FrontendId {
        address: SocketAddr::new(GATEWAY, port),
        transport: Transport::Tcp,
    };
    let gateway = ObjectName::new("infra", "web");
    let l4 = L4Service {
        gateway: gateway.clone(),
        listener: "tcp".into(),
        route: None,
        backends: vec![WeightedBackend {
            target: Target::Backend(backend()),
            weight: 1,
        }],
    };
    let http = HttpFrontend {
        gateway,
        listeners: Vec::new(),
    };
    let frontends = [(id(7), Frontend::L4(l4)), (id(80), Frontend::Http(http))];
    Plan {
        frontends: frontends.into(),
    }
}

fn endpoints(last: u8) -> Endpoints {
    let address = SocketAddr::from(([10, 0, 1, last], 7));
    let conditions = Conditions {
        ready: true,
        serving: true,
        terminating: false,
    };
    Endpoints(
        [(
            backend(),
            vec![Endpoint {
                address,
                conditions,
            }],
        )]
        .into(),
    )
}

fn names(steps: &[Step]) -> Vec<&'static str> {
    let name = |step: &Step| match step {
        Step::AddAddresses(_) => "add",
        Step::Http(_) => "http",
        Step::Kernel(_) => "kernel",
        Step::KeepAddresses(_) => "keep",
    };
    steps.iter().map(name).collect()
}

fn after(tables: &Tables, steps: &[Step]) -> Tables {
    let mut tables = tables.clone();
    for step in steps {
        if let Step::Kernel(ops) = step {
            ops.iter().for_each(|op| tables.apply(op));
        }
    }
    tables
}

#[test]
fn addresses_and_routes_come_before_frontends_and_removals_last() {
    let wanted = [GATEWAY].into();
    let empty = Tables::default();
    let steps = steps(&plan(), &endpoints(1), 2, &empty, Some(&wanted)).unwrap();
    assert_eq!(names(&steps), ["add", "http", "kernel", "keep"]);
    let tables = after(&empty, &steps);
    assert_eq!((tables.frontends.len(), tables.backends.len()), (2, 1));
}

#[test]
fn what_is_in_force_is_left_alone() {
    let wanted = [GATEWAY].into();
    let empty = Tables::default();
    let first = steps(&plan(), &endpoints(1), 2, &empty, Some(&wanted)).unwrap();
    let tables = after(&empty, &first);
    let again = steps(&plan(), &endpoints(1), 2, &tables, None).unwrap();
    assert_eq!(names(&again), ["http"]);
    let moved = steps(&plan(), &endpoints(2), 2, &tables, None).unwrap();
    assert_eq!(names(&moved), ["http", "kernel"]);
}
