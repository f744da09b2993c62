//! Breaks every rule of the official CRD schemas once, and demands that reading reports it.
//!
//! For each property of the kinds we read: a value of a wrong type, a missing required field, a
//! number out of range, a text too long, an item too many. What we do not read or check is listed
//! in `exceptions.rs`, with the reason. CEL rules have their cases in `tests/read`.

use std::collections::BTreeSet;

use gateway_core::{
    api::{Finding, Kind},
    world::object::read,
};
use serde_json::{Value as Json, json};

use crate::{
    exceptions::{NOT_CHECKED, NOT_READ},
    module,
    mutate::{Mutation, example, mutations},
};

const KINDS: &[(&str, &str)] = &[
    ("GatewayClass", "gatewayclasses"),
    ("Gateway", "gateways"),
    ("ListenerSet", "listenersets"),
    ("HTTPRoute", "httproutes"),
    ("GRPCRoute", "grpcroutes"),
    ("TLSRoute", "tlsroutes"),
    ("TCPRoute", "tcproutes"),
    ("UDPRoute", "udproutes"),
    ("BackendTLSPolicy", "backendtlspolicies"),
    ("ReferenceGrant", "referencegrants"),
];

#[test]
fn every_rule_of_the_schemas_is_enforced() {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    let mut broken = 0;
    for (kind, plural) in KINDS {
        for (version, schema) in module::schemas(plural) {
            if !is_read(kind, &version) {
                continue;
            }
            let spec = &schema["properties"]["spec"];
            let base = object(kind, &version, &example(spec));
            let before = read(base.clone()).findings;
            for mutation in mutations(spec) {
                broken += 1;
                if reported(&before, &base, &mutation) {
                    continue;
                }
                match exception(kind, &mutation) {
                    Some(index) => drop(used.insert(index)),
                    None => wrong.push(format!("{kind} {version} {mutation}")),
                }
            }
        }
    }
    let stale = (0..NOT_READ.len() + NOT_CHECKED.len()).filter(|index| !used.contains(index));
    wrong.extend(stale.map(|index| format!("stale exception, number {index}")));
    assert!(
        broken > 1000,
        "only {broken} rules found: are these the official schemas?"
    );
    assert!(wrong.is_empty(), "not reported:\n{}", wrong.join("\n"));
}

fn is_read(kind: &str, version: &str) -> bool {
    let found = Kind::ALL.into_iter().find(|k| k.as_str() == kind);
    found.is_some_and(|kind| kind.versions().1.contains(&version))
}

fn object(kind: &str, version: &str, spec: &Json) -> Json {
    json!({
        "apiVersion": format!("gateway.networking.k8s.io/{version}"),
        "kind": kind,
        "metadata": {"name": "x"},
        "spec": spec,
    })
}

/// Whether reading the mutated object finds an error in the mutated field that was not there.
fn reported(before: &[Finding], base: &Json, mutation: &Mutation) -> bool {
    let mut json = base.clone();
    mutation.apply(&mut json);
    let field = mutation.field.to_string();
    let fits = |f: &Finding| !f.warning && f.field.to_string().starts_with(&field);
    read(json)
        .findings
        .iter()
        .any(|f| fits(f) && !before.contains(f))
}

/// Index of the exception that covers it, over both lists.
fn exception(kind: &str, mutation: &Mutation) -> Option<usize> {
    let field = mutation.field.to_string().replace("[0]", "[]");
    let within = |path: &str| {
        let rest = field.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let of_kind = |kinds: &str| kinds.split(' ').any(|k| k == kind);
    let unread = NOT_READ
        .iter()
        .position(|(kinds, path, _)| of_kind(kinds) && within(path));
    unread.or_else(|| {
        let unchecked = NOT_CHECKED.iter().position(|(kinds, path, rule, _)| {
            of_kind(kinds) && field.ends_with(path) && mutation.rule == *rule
        });
        unchecked.map(|index| NOT_READ.len() + index)
    })
}
