//! Tests of `check` on files as a user writes them.

use std::{fs, path::PathBuf};

use super::*;
use crate::testing::documents;

/// It has no address of its own.
fn class_and_gateway() -> String {
    let text = documents(&["GatewayClass", "Gateway"]);
    text.replace("  addresses: [{type: IPAddress, value: 10.0.0.1}]\n", "")
}

fn route() -> String {
    documents(&["TCPRoute"])
}

fn service() -> String {
    documents(&["Service"])
}

fn checked(files: &[(&str, String)], addresses: &[&str]) -> Checked {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut source = Source::new(vec![dir.path().to_owned()]);
    assert_eq!(source.refresh().unwrap().changed, files.len());
    let options = cli::Check {
        paths: Vec::new(),
        addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
        output: Format::Table,
    };
    Checked::of(&source, &options)
}

fn unwished(checked: &Checked) -> Vec<[&str; 3]> {
    let rows = checked.conditions.iter().filter(|row| !row.as_wished);
    rows.map(|row| [row.name.as_str(), &row.condition, &row.reason])
        .collect()
}

#[test]
fn whole_files_pass_without_endpoints() {
    let files = [
        ("a.yaml", class_and_gateway()),
        ("b.yaml", route()),
        ("c.yaml", service()),
    ];
    let checked = checked(&files, &["10.0.0.1"]);
    assert!(checked.passed, "{}", checked.render());
    let text = checked.render();
    assert!(text.ends_with("\naccepted\n"), "{text}");
    assert!(!text.contains("Programmed"), "nothing runs: {text}");
    // What depends on what runs is shown, and does not fail the check.
    let advice = [
        "infra/echo",
        "xdp-gateway.dev/BackendsReady",
        "NoReadyEndpoints",
    ];
    assert_eq!(unwished(&checked), [advice]);
}

#[test]
fn a_gateway_without_an_address_fails() {
    let checked = checked(&[("a.yaml", class_and_gateway())], &[]);
    assert!(!checked.passed);
    let rows = unwished(&checked);
    assert!(
        rows.iter()
            .any(|row| row[..2] == ["infra/web", "Programmed"]),
        "{rows:?}"
    );
    assert!(
        checked.render().contains("--address"),
        "{}",
        checked.render()
    );
}

#[test]
fn a_missing_service_fails_and_the_message_names_it() {
    let files = [("a.yaml", class_and_gateway()), ("b.yaml", route())];
    let checked = checked(&files, &["10.0.0.1"]);
    assert!(!checked.passed);
    assert!(unwished(&checked).contains(&["infra/echo", "ResolvedRefs", "BackendNotFound"]));
    assert!(checked.render().ends_with("\nnot accepted\n"));
}

#[test]
fn a_dropped_rule_fails() {
    let rules = "rules:\n  - filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: Limit, name: l}}]\n";
    let route = documents(&["HTTPRoute"]).replace("rules:\n", rules);
    let files = [
        ("a.yaml", class_and_gateway()),
        ("b.yaml", route),
        ("c.yaml", service()),
    ];
    let checked = checked(&files, &["10.0.0.1"]);
    assert!(!checked.passed);
    assert!(unwished(&checked).contains(&["infra/shop", "PartiallyInvalid", "UnsupportedValue"]));
}

#[test]
fn a_broken_file_fails_with_its_place() {
    let broken = class_and_gateway().replace("port: 80", "port: 800000");
    let checked = checked(&[("a.yaml", broken)], &["10.0.0.1"]);
    assert!(!checked.passed);
    let text = checked.render();
    for part in ["a.yaml", "document 2", "spec.listeners[0].port"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn an_unknown_kind_is_named_and_does_not_fail() {
    let other = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n";
    let checked = checked(
        &[
            ("a.yaml", class_and_gateway()),
            ("b.yaml", other.to_owned()),
        ],
        &["10.0.0.1"],
    );
    assert!(checked.passed, "{}", checked.render());
    assert!(
        checked.render().contains("Deployment"),
        "{}",
        checked.render()
    );
}

#[test]
fn a_route_without_parents_fails() {
    let orphan = route().replace("  parentRefs: [{name: web, sectionName: echo}]\n", "");
    let files = [
        ("a.yaml", class_and_gateway()),
        ("b.yaml", orphan),
        ("c.yaml", service()),
    ];
    let checked = checked(&files, &["10.0.0.1"]);
    assert!(!checked.passed);
    assert!(
        checked.render().contains("parentRefs"),
        "{}",
        checked.render()
    );
}

#[test]
fn single_files_are_read_whatever_their_name() {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("manifest.txt");
    fs::write(&path, class_and_gateway()).unwrap();
    let mut source = Source::new(vec![path]);
    assert_eq!(source.refresh().unwrap().changed, 1);
    assert_eq!(source.world().gateways.len(), 1);
}
