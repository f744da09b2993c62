//! From what nodes find to what is written about the Gateways.

use super::*;
use crate::{
    status::{find, rows::Row},
    translate::{Settings, Translation, translate},
    world::FileSet,
};

const OBJECTS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: xdp-gateway.dev/controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: ours
  addresses: [{value: 10.0.0.1}, {value: 10.0.0.2}]
  listeners: [{name: tcp, port: 90, protocol: TCP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shop}
spec:
  gatewayClassName: ours
  addresses: [{value: 10.0.0.3}]
  listeners: [{name: tcp, port: 90, protocol: TCP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: broken}
spec:
  gatewayClassName: ours
  addresses: [{type: Hostname, value: x.example.com}]
  listeners: [{name: tcp, port: 90, protocol: TCP}]
";

fn translated() -> Translation {
    let mut files = FileSet::default();
    assert_eq!(files.update("objects.yaml", Some(OBJECTS)), []);
    translate(&files.world(), &Settings::default())
}

fn name(gateway: &str) -> ObjectName {
    ObjectName::new("default", gateway)
}

fn mac(last: u8) -> MacAddress {
    MacAddress([2, 0, 0, 0, 0, last])
}

/// What a node reports that lacks these Gateways.
fn lacking(gateways: &[&str], why: &str) -> NodeReport {
    let wanted = translated().statuses;
    let mut here = wanted.clone();
    for gateway in gateways {
        here.not_programmed(&name(gateway), why);
    }
    NodeReport::new(&wanted, &here, std::iter::empty())
}

fn reports<const N: usize>(reports: [(&str, NodeReport); N]) -> NodeReports {
    reports.map(|(node, report)| (node.into(), report)).into()
}

/// Status and message of a condition of a Gateway.
fn said(statuses: &Statuses, gateway: &str, kind: ConditionType) -> Option<(Truth, String)> {
    let mut gateways = statuses.gateways.iter();
    let gateway = gateways.find(|g| g.is("Gateway", &name(gateway)));
    let condition = find(&gateway.expect("it exists").status.conditions, kind)?;
    Some((condition.status, condition.message.clone()))
}

fn programmed(statuses: &Statuses, gateway: &str) -> (Truth, String) {
    said(statuses, gateway, ConditionType::Programmed).expect("it is always set")
}

#[test]
fn a_node_reports_what_it_lacks_of_what_is_asked_for() {
    assert_eq!(lacking(&[], "full"), NodeReport::default());
    let report = lacking(&["web", "shop", "broken"], "a map is full");
    let concerned = ["default/shop", "default/web"].map(String::from).into();
    let expected = [("a map is full".to_owned(), concerned)].into();
    assert_eq!(report.not_programmed, expected, "nobody can have the third");
}

#[test]
fn a_report_survives_the_pod_that_carries_it() {
    let mut report = lacking(&["web"], "a \"map\" is full");
    report.conflicts = [("2001:db8::1".parse().unwrap(), mac(9))].into();
    let patch = report.patch("2030-01-01T00:00:00Z");
    let condition = &patch["status"]["conditions"][0];
    let message = r#"{"notProgrammed":{"a \"map\" is full":["default/web"]},"conflicts":{"2001:db8::1":"02:00:00:00:00:09"}}"#;
    assert_eq!(condition["message"], message);
    assert_eq!(condition["type"], "xdp-gateway.dev/DataPath");
    assert_eq!(
        (&condition["status"], &condition["reason"]),
        (&"False".into(), &"NotApplied".into())
    );
    assert_eq!(NodeReport::of_pod(&patch), report);

    report.not_programmed.clear();
    let patch = report.patch("2030-01-01T00:00:00Z");
    assert_eq!(
        patch["status"]["conditions"][0]["reason"],
        "AddressConflict"
    );
    let well = NodeReport::default().patch("2030-01-01T00:00:00Z");
    let condition = &well["status"]["conditions"][0];
    assert_eq!(
        (&condition["status"], &condition["message"]),
        (&"True".into(), &"{}".into())
    );
    assert_eq!(NodeReport::of_pod(&well), NodeReport::default());
}

#[test]
fn reports_of_other_versions_are_read_as_far_as_they_are_known() {
    let pod = |message: &str| {
        json!({"status": {"conditions": [
            {"type": "Ready", "status": "True", "message": "x"},
            {"type": "xdp-gateway.dev/DataPath", "status": "False", "message": message},
        ]}})
    };
    let newer = r#"{"notProgrammed":{"full":["*"]},"temperature":{"a":1}}"#;
    let read = NodeReport::of_pod(&pod(newer));
    assert_eq!(read.not_programmed.len(), 1);
    for nothing in ["", "not JSON", r#"{"conflicts":{"10.0.0.1":"x"}}"#] {
        assert_eq!(NodeReport::of_pod(&pod(nothing)), NodeReport::default());
    }
    assert_eq!(NodeReport::of_pod(&json!({})), NodeReport::default());
}

#[test]
fn a_gateway_is_programmed_only_where_every_node_has_it() {
    let Translation { plan, statuses } = translated();
    let mut told = statuses.clone();
    let well = NodeReport::default;
    told.take_reports(&reports([("n1", well()), ("n2", well())]), &plan);
    assert_eq!(told, statuses);

    let full = || lacking(&["web"], "a map is full");
    told.take_reports(
        &reports([("n1", well()), ("n2", full()), ("n3", full())]),
        &plan,
    );
    let expected =
        r#"the data path does not hold it yet: on 2 of 3 nodes, "n2", "n3": a map is full"#;
    assert_eq!(programmed(&told, "web"), (Truth::False, expected.into()));
    assert_eq!(programmed(&told, "shop").0, Truth::True);
    assert_eq!(programmed(&told, "broken"), programmed(&statuses, "broken"));
    let listeners: Vec<Row> = told
        .rows()
        .filter(|row| row.name == "default/web")
        .collect();
    assert!(listeners.iter().all(|row| row.unwished().next().is_some()));
}

#[test]
fn the_node_that_writes_is_one_of_those_that_are_told_of() {
    let Translation { plan, mut statuses } = translated();
    statuses.not_programmed(&name("web"), "a map is full");
    let own = lacking(&["web"], "a map is full");
    let other = lacking(&["web"], "no interface");
    statuses.take_reports(&reports([("n1", own), ("n2", other)]), &plan);
    let expected = r#"the data path does not hold it yet: on 2 of 2 nodes, "n1": a map is full; "n2": no interface"#;
    assert_eq!(programmed(&statuses, "web").1, expected);
}

#[test]
fn a_report_about_all_concerns_every_gateway_and_messages_stay_short() {
    let Translation { plan, mut statuses } = translated();
    let all = |why: String| NodeReport {
        not_programmed: [(why, [ALL.to_owned()].into())].into(),
        ..NodeReport::default()
    };
    let broken = |statuses: &Statuses| {
        let mut gateways = statuses.gateways.iter();
        gateways.find(|g| g.is("Gateway", &name("broken"))).cloned()
    };
    let before = broken(&statuses);
    let many = (0..9).map(|n| (format!("n{n}").into(), all(format!("reason {n}"))));
    statuses.take_reports(&many.collect(), &plan);
    let expected = r#"the data path does not hold it yet: on 9 of 9 nodes, "n0": reason 0; "n1": reason 1; "n2": reason 2; and 6 other reasons"#;
    for gateway in ["web", "shop"] {
        assert_eq!(programmed(&statuses, gateway).1, expected);
    }
    assert_eq!(broken(&statuses), before, "no node was asked for it");
}

#[test]
fn conflicts_of_all_nodes_are_in_the_conditions_of_the_gateways_concerned() {
    let Translation { plan, mut statuses } = translated();
    let claims = |claims: &[(&str, u8)]| {
        let claims = claims.iter();
        let conflicts = claims.map(|(address, last)| (address.parse().unwrap(), mac(*last)));
        NodeReport {
            conflicts: conflicts.collect(),
            ..NodeReport::default()
        }
    };
    let all = reports([
        ("n1", claims(&[("10.0.0.1", 7)])),
        ("n2", claims(&[("10.0.0.2", 8), ("10.9.9.9", 9)])),
    ]);
    statuses.take_reports(&all, &plan);
    let (status, message) = said(&statuses, "web", ConditionType::AddressConflict).unwrap();
    assert_eq!(status, Truth::True);
    for words in [
        "02:00:00:00:00:07, answers for 10.0.0.1",
        "02:00:00:00:00:08, answers for 10.0.0.2",
    ] {
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(
        said(&statuses, "shop", ConditionType::AddressConflict),
        None
    );
}
