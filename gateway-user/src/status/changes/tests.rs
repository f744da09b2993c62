//! Tests of the lines that follow from two reports.

use gateway_core::world::Problem;

use super::*;
use crate::status::report::{GatewayRow, ListenerRow};

fn gateway(programmed: bool) -> GatewayRow {
    GatewayRow {
        name: "infra/web".into(),
        class: "xdp".into(),
        addresses: vec!["10.0.0.1".into()],
        programmed,
        listeners: vec![ListenerRow {
            name: "http".into(),
            protocol: "HTTP".into(),
            port: 80,
            hostname: String::new(),
            attached_routes: 1,
            programmed,
        }],
    }
}

fn condition(as_wished: bool, message: &str) -> ConditionRow {
    ConditionRow {
        kind: "HTTPRoute".into(),
        name: "infra/shop".into(),
        part: "parent infra/web".into(),
        condition: "Accepted".into(),
        status: if as_wished { "True" } else { "False" }.into(),
        reason: if as_wished {
            "Accepted"
        } else {
            "NoMatchingParent"
        }
        .into(),
        message: message.into(),
        as_wished,
    }
}

fn good(text: &str) -> Line {
    Line::Good(text.into())
}

fn bad(text: &str) -> Line {
    Line::Bad(text.into())
}

#[test]
fn nothing_new_nothing_said() {
    let report = Report {
        gateways: vec![gateway(true)],
        conditions: vec![condition(false, "fix it")],
        problems: vec![Problem::of_file("a.yaml".into(), "broken")],
        failure: Some("no".into()),
        ..Report::default()
    };
    assert_eq!(changes(&report, &report), []);
}

#[test]
fn listeners_come_and_go() {
    let down = Report {
        gateways: vec![gateway(false)],
        ..Report::default()
    };
    let up = Report {
        gateways: vec![gateway(true)],
        ..Report::default()
    };
    let name = "infra/web http (HTTP 10.0.0.1 port 80)";
    assert_eq!(changes(&down, &up), [good(&format!("listener up: {name}"))]);
    assert_eq!(
        changes(&up, &Report::default()),
        [good(&format!("listener down: {name}"))]
    );
}

#[test]
fn conditions_are_told_when_they_turn_and_when_their_message_changes() {
    let report = |row| Report {
        conditions: vec![row],
        ..Report::default()
    };
    let [ok, wrong] = [
        report(condition(true, "")),
        report(condition(false, "no such Gateway")),
    ];
    let object = "HTTPRoute infra/shop (parent infra/web)";
    let told = bad(&format!(
        "{object}: Accepted False (NoMatchingParent): no such Gateway"
    ));
    assert_eq!(changes(&Report::default(), &ok), []);
    assert_eq!(
        changes(&Report::default(), &wrong),
        std::slice::from_ref(&told)
    );
    assert_eq!(changes(&ok, &wrong), [told]);
    assert_eq!(
        changes(&wrong, &ok),
        [good(&format!("{object}: Accepted True (Accepted)"))]
    );
    let other = report(condition(false, "other"));
    assert_eq!(changes(&wrong, &other).len(), 1);
}

#[test]
fn broken_files_and_failures_are_told_once_and_when_mended() {
    let broken = Report {
        problems: vec![Problem::of_file("a.yaml".into(), "not YAML")],
        failure: Some("map full".into()),
        ..Report::default()
    };
    let told = changes(&Report::default(), &broken);
    assert_eq!(
        told,
        [
            bad("error: a.yaml: not YAML"),
            bad("the data path is behind, trying again: map full")
        ]
    );
    assert_eq!(
        changes(&broken, &Report::default()),
        [
            good("a.yaml: no problem any more"),
            good("the data path is up to date again")
        ]
    );
}

#[test]
fn removals_that_wait_are_told_once() {
    let waits = Report {
        removals_held_back: true,
        ..Report::default()
    };
    assert_eq!(changes(&Report::default(), &waits), [bad(HELD_BACK)]);
    assert_eq!(changes(&waits, &waits), []);
}
