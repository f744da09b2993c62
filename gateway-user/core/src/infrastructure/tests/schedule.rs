//! The order of writes, and what waits for them.

use std::time::Duration;

use serde_json::json;

use super::{CLASS, Server, class, gateway, wanted};
use crate::{
    infrastructure::{Operation, Schedule},
    name::ObjectName,
    pace::{ECHO, PAUSE, RETRY, Written},
};

const START: Duration = Duration::ZERO;

fn web() -> ObjectName {
    ObjectName::new("shop", "web")
}

fn plan(schedule: &mut Schedule, server: &Server, now: Duration) {
    schedule.plan(&wanted(server), server.store.made(), now);
}

fn begin_all(schedule: &mut Schedule, now: Duration) -> Vec<Operation> {
    std::iter::from_fn(|| schedule.begin(now)).collect()
}

/// The server takes it, and the watch tells.
fn done(schedule: &mut Schedule, server: &mut Server, operation: &Operation, now: Duration) {
    server.take(operation);
    let key = operation.key();
    let made = &server.store.made()[&key];
    let version = made.resource_version.clone();
    schedule.end(operation, &Written::Done(version), now);
}

fn with_web() -> (Server, Schedule) {
    let mut server = Server::default();
    server.put(class(CLASS));
    server.put(gateway("web", "u1", &json!({})));
    (server, Schedule::default())
}

#[test]
fn a_gateway_is_waited_for_until_everything_of_it_was_written_once() {
    let (mut server, mut schedule) = with_web();
    server.put(gateway("other", "u2", &json!({})));
    plan(&mut schedule, &server, START);
    assert!(schedule.is_at(&web()), "not begun");
    let operations = begin_all(&mut schedule, START);
    assert_eq!(operations.len(), 6);
    let of_web = operations.iter().filter(|o| o.gateway == Some(web()));
    for (written, operation) in of_web.enumerate() {
        assert!(schedule.is_at(&web()), "{written} of 3");
        done(&mut schedule, &mut server, operation, START);
    }
    assert!(!schedule.is_at(&web()));
    assert!(schedule.is_at(&ObjectName::new("shop", "other")));

    // Seen: nothing more to do.
    plan(&mut schedule, &server, START);
    assert!(!schedule.is_at(&web()));
    assert!(
        schedule.is_at(&ObjectName::new("shop", "other")),
        "still under way"
    );
    assert_eq!(begin_all(&mut schedule, PAUSE), []);
}

#[test]
fn a_change_is_waited_for_as_the_first_write_is() {
    let (mut server, mut schedule) = with_web();
    plan(&mut schedule, &server, START);
    for operation in begin_all(&mut schedule, START) {
        done(&mut schedule, &mut server, &operation, START);
    }
    server.put(gateway("web", "u1", &json!({"labels": {"a": "1"}})));
    plan(&mut schedule, &server, PAUSE);
    assert!(schedule.is_at(&web()));
    assert_eq!(begin_all(&mut schedule, PAUSE).len(), 3);
}

#[test]
fn what_fails_is_not_waited_for_and_tried_again() {
    let (server, mut schedule) = with_web();
    plan(&mut schedule, &server, START);
    for operation in begin_all(&mut schedule, START) {
        schedule.end(&operation, &Written::Failed, START);
    }
    assert!(!schedule.is_at(&web()));
    plan(&mut schedule, &server, START);
    assert!(!schedule.is_at(&web()));
    assert_eq!(begin_all(&mut schedule, START), []);
    assert_eq!(schedule.next(START), Some(RETRY));
    plan(&mut schedule, &server, RETRY);
    assert_eq!(begin_all(&mut schedule, RETRY).len(), 3);
}

#[test]
fn what_was_made_and_is_deleted_at_once_is_made_again_soon() {
    let (mut server, mut schedule) = with_web();
    plan(&mut schedule, &server, START);
    for operation in begin_all(&mut schedule, START) {
        done(&mut schedule, &mut server, &operation, START);
    }
    plan(&mut schedule, &server, START);
    server.delete("Service shop/web-c");
    assert!(PAUSE < ECHO);
    plan(&mut schedule, &server, PAUSE);
    assert_eq!(begin_all(&mut schedule, PAUSE).len(), 1);
}

#[test]
fn who_does_not_lead_writes_nothing_and_keeps_nobody_waiting() {
    let (server, mut schedule) = with_web();
    plan(&mut schedule, &server, START);
    schedule.clear();
    assert_eq!(begin_all(&mut schedule, START), []);
    assert!(!schedule.is_at(&web()));
}
