//! Random orders of changes, writes, their ends and watch events, against a model of an API server.

use serde_json::json;

use super::*;
use crate::{
    balance::Rng,
    status::{
        Author, GatewayStatus, ListenerStatus, ParentStatus, Reported, RouteStatus, StatusAddress,
        writes,
    },
};

const OURS: &str = "xdp-gateway.dev/controller";
const ROUNDS: u64 = 50;
const STEPS: u64 = 120;
/// Steps without changes, 50 ms each: enough for every retry.
const QUIET: u64 = 1000;

/// An API server with one watch, and requests that take their time.
#[derive(Default)]
struct Server {
    objects: LiveStatuses,
    /// Versions that the watch has not delivered yet.
    events: Vec<(Key, Arc<Live>)>,
    version: u64,
    requests: Vec<Write>,
}

impl Server {
    fn put(&mut self, key: &Key, status: Json) -> String {
        self.version += 1;
        let version = self.version.to_string();
        let live = Live {
            uid: format!("uid-{}", key.1.name),
            resource_version: version.clone(),
            generation: 1,
            status,
            ..Live::default()
        };
        let live = Arc::new(live);
        self.objects.insert(key.clone(), live.clone());
        self.events.push((key.clone(), live));
        version
    }

    fn patch(&mut self, write: &Write) -> Written {
        let live = self.objects[&write.key()].clone();
        if live.resource_version != write.resource_version {
            return Written::Outdated;
        }
        let mut status = live.status.clone();
        for (field, value) in write.status.as_object().expect("fields") {
            status[field] = value.clone();
        }
        if status == live.status {
            return Written::Done(live.resource_version.clone());
        }
        Written::Done(self.put(&write.key(), status))
    }
}

fn keys() -> [Key; 3] {
    let name = |name: &str| ObjectName::new("default", name);
    [
        (Kind::Gateway, name("g")),
        (Kind::HttpRoute, name("a")),
        (Kind::HttpRoute, name("b")),
    ]
}

fn reported<S>((kind, name): &Key, status: S) -> Reported<S> {
    Reported {
        kind: kind.as_str().into(),
        namespace: name.namespace.clone(),
        name: name.name.clone(),
        ours: true,
        status,
    }
}

/// What we want, which changes with `seed`.
fn wanted(seed: u64) -> Statuses {
    let [gateway, a, b] = keys();
    let address = StatusAddress {
        kind: "IPAddress".into(),
        value: format!("10.0.0.{}", seed % 3),
    };
    let listener = ListenerStatus {
        name: "http".into(),
        supported_kinds: Vec::new(),
        attached_routes: (seed % 5) as usize,
        conditions: Vec::new(),
    };
    let parent = |n: u64| ParentStatus {
        parent_ref: serde_json::from_value(json!({"name": format!("p{}", n % 2)}))
            .expect("a parentRef"),
        controller_name: OURS.into(),
        conditions: Vec::new(),
        ours: true,
    };
    Statuses {
        gateways: vec![reported(
            &gateway,
            GatewayStatus {
                attached_listener_sets: None,
                addresses: vec![address],
                conditions: Vec::new(),
                listeners: vec![listener],
            },
        )],
        routes: vec![
            reported(
                &a,
                RouteStatus {
                    parents: vec![parent(seed)],
                },
            ),
            reported(
                &b,
                RouteStatus {
                    parents: Vec::new(),
                },
            ),
        ],
        ..Statuses::default()
    }
}

fn needed(ledger: &mut Ledger, statuses: &Statuses, live: &LiveStatuses) -> Vec<Write> {
    let author = Author {
        controller: OURS,
        now: "2030-01-01T00:00:00Z",
    };
    let writes = writes(statuses, live, author, |live| ledger.is_former(live));
    ledger.note(statuses, live, &writes);
    writes
}

/// One run; numbers of writes and of changes by others or of what we want.
fn run(rng: &mut Rng) -> (usize, usize) {
    let (mut server, mut ledger) = (Server::default(), Ledger::default());
    let (mut seen, mut statuses) = (LiveStatuses::new(), wanted(0));
    let (mut now, mut sent, mut changes) = (Duration::ZERO, 0, 3);
    let keys = keys();
    for key in &keys {
        server.put(key, Json::Null);
    }
    for step in 0..STEPS + QUIET {
        let quiet = step >= STEPS;
        now += Duration::from_millis(rng.draw() % 100);
        match rng.draw() % 6 {
            0 if !quiet => {
                statuses = wanted(rng.draw());
                changes += 3;
            }
            1 if !quiet => {
                let key = &keys[(rng.draw() % 3) as usize];
                let mut status = server.objects[key].status.clone();
                status["theirs"] = json!(rng.draw());
                server.put(key, status);
                changes += 1;
            }
            2 if !server.events.is_empty() => {
                let (key, live) = server.events.remove(0);
                seen.insert(key, live);
            }
            3 | 4 if !server.requests.is_empty() => {
                let at = rng.draw() as usize % server.requests.len();
                let write = server.requests.swap_remove(at);
                let written = match rng.draw() % 8 {
                    0 if !quiet => Written::Failed,
                    _ => server.patch(&write),
                };
                ledger.end(&write.key(), &written, now);
            }
            _ => {
                let due = needed(&mut ledger, &statuses, &seen);
                let due = due.into_iter().filter(|write| ledger.begin(write, now));
                let due: Vec<_> = due.collect();
                sent += due.len();
                server.requests.extend(due);
            }
        }
        for write in &server.requests {
            let same = server.requests.iter().filter(|w| w.key() == write.key());
            assert_eq!(same.count(), 1, "two writes of one object at once");
        }
    }
    assert!(server.events.is_empty() && server.requests.is_empty());
    assert_eq!(seen, server.objects);
    assert_eq!(needed(&mut ledger, &statuses, &seen), [], "not as wanted");
    (sent, changes)
}

#[test]
fn any_order_ends_as_wanted_with_few_writes() {
    let (mut sent, mut changes) = (0, 0);
    for round in 0..ROUNDS {
        let mut rng = Rng::new(round);
        let (s, c) = run(&mut rng);
        assert!(s <= 2 * c, "round {round}: {s} writes for {c} changes");
        (sent, changes) = (sent + s, changes + c);
    }
    assert!(
        sent > 0 && sent <= changes,
        "{sent} writes for {changes} changes"
    );
}
