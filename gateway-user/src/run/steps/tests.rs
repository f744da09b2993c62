//! Tests of the order of steps.

use std::net::{Ipv4Addr, SocketAddr};

use gateway_core::{
    announce::Answerer,
    endpoints::Endpoint,
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
        options: gateway_core::plan::L4Options::default(),
        backends: vec![WeightedBackend {
            target: Target::Backend(backend()),
            weight: 1,
            tls: None,
        }],
    };
    let http = HttpFrontend {
        gateway,
        listeners: Vec::new(),
        tls: Vec::new(),
    };
    let frontends = [(id(7), Frontend::L4(l4)), (id(80), Frontend::Http(http))];
    Plan {
        frontends: frontends.into(),
        ..Plan::default()
    }
}

fn endpoints(last: u8) -> Endpoints {
    let address = SocketAddr::from(([10, 0, 1, last], 7));
    Endpoints([(backend(), vec![Endpoint::new(address)])].into())
}

fn names(steps: &[Step]) -> Vec<&'static str> {
    let name = |step: &Step| match step {
        Step::Grow(_) => "grow",
        Step::Shrink(_) => "shrink",
        Step::Withdraw(_) => "withdraw",
        Step::Announce(_) => "announce",
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

fn two() -> Here {
    of_two(2)
}

fn of_two(workers: u32) -> Here {
    Here {
        wanted: Node { workers, mtu: None },
        workers: 2,
    }
}

fn answered_by(who: Answerer) -> Answerers {
    [(GATEWAY, who)].into()
}

fn changed(wanted: &Answerers) -> Addresses<'_> {
    Addresses {
        wanted,
        changed: true,
    }
}

fn same(wanted: &Answerers) -> Addresses<'_> {
    Addresses {
        wanted,
        changed: false,
    }
}

/// Whether the node answers for the Gateway's address, after each write to the kernel.
fn answers(tables: &Tables, steps: &[Step]) -> Vec<Option<bool>> {
    let mut tables = tables.clone();
    let mut seen = Vec::new();
    for step in steps {
        if let Step::Kernel(ops) = step {
            ops.iter().for_each(|op| tables.apply(op));
            let entry = tables.addresses.get(&GATEWAY.into());
            seen.push(entry.map(Address::is_owned));
        }
    }
    seen
}

#[test]
fn what_is_needed_comes_before_what_needs_it_and_removals_last() {
    let (empty, ours) = (Tables::default(), answered_by(Answerer::Us));
    let first = steps(&plan(), &endpoints(1), two(), &empty, changed(&ours)).unwrap();
    let expected = [
        "withdraw", "kernel", "add", "http", "kernel", "kernel", "announce", "keep",
    ];
    assert_eq!(names(&first), expected);
    // The kernel's stack must not answer while nothing is served yet.
    assert_eq!(
        answers(&empty, &first),
        [Some(false), Some(false), Some(true)]
    );
    let tables = after(&empty, &first);
    assert_eq!((tables.frontends.len(), tables.backends.len()), (2, 1));

    let (nothing, none) = (Plan::default(), Answerers::new());
    let last = steps(&nothing, &endpoints(1), two(), &tables, changed(&none)).unwrap();
    let expected = [
        "withdraw", "add", "http", "kernel", "announce", "keep", "kernel",
    ];
    assert_eq!(names(&last), expected);
    assert_eq!(after(&tables, &last), empty);
}

#[test]
fn an_address_changes_hands_without_a_change_of_what_is_served() {
    let (ours, theirs) = (Answerer::Us, Answerer::Other("b".into()));
    let (ours, theirs) = (answered_by(ours), answered_by(theirs));
    let empty = Tables::default();
    let first = steps(&plan(), &endpoints(1), two(), &empty, changed(&theirs)).unwrap();
    let tables = after(&empty, &first);
    let gained = steps(&plan(), &endpoints(1), two(), &tables, changed(&ours)).unwrap();
    let expected = ["withdraw", "add", "http", "kernel", "announce", "keep"];
    assert_eq!(names(&gained), expected);
    assert_eq!(answers(&tables, &gained), [Some(true)]);
    let tables = after(&tables, &gained);
    let lost = steps(&plan(), &endpoints(1), two(), &tables, changed(&theirs)).unwrap();
    let expected = ["withdraw", "kernel", "add", "http", "announce", "keep"];
    assert_eq!(names(&lost), expected);
    assert_eq!(answers(&tables, &lost), [Some(false)]);
    let announced = lost.iter().filter_map(|step| match step {
        Step::Withdraw(owned) | Step::Announce(owned) => Some(owned.len()),
        _ => None,
    });
    assert_eq!(announced.collect::<Vec<_>>(), [0, 0]);
}

#[test]
fn an_address_of_an_interface_is_left_to_the_stack() {
    let (empty, stack) = (Tables::default(), answered_by(Answerer::Interface));
    let steps = steps(&plan(), &endpoints(1), two(), &empty, changed(&stack)).unwrap();
    assert_eq!(answers(&empty, &steps), [None]);
}

#[test]
fn what_is_in_force_is_left_alone() {
    let (empty, ours) = (Tables::default(), answered_by(Answerer::Us));
    let first = steps(&plan(), &endpoints(1), two(), &empty, changed(&ours)).unwrap();
    let tables = after(&empty, &first);
    let again = steps(&plan(), &endpoints(1), two(), &tables, same(&ours)).unwrap();
    assert_eq!(names(&again), ["http"]);
    let moved = steps(&plan(), &endpoints(2), two(), &tables, same(&ours)).unwrap();
    assert_eq!(names(&moved), ["http", "kernel"]);
}

#[test]
fn workers_are_there_before_connections_and_leave_after_them() {
    let (empty, ours) = (Tables::default(), answered_by(Answerer::Us));
    let first = steps(&plan(), &endpoints(1), two(), &empty, changed(&ours)).unwrap();
    let tables = after(&empty, &first);
    let to = |wanted| steps(&plan(), &endpoints(1), of_two(wanted), &tables, same(&ours)).unwrap();
    assert_eq!(names(&to(3)), ["grow", "http", "kernel"]);
    assert_eq!(names(&to(1)), ["http", "kernel", "shrink"]);
}
