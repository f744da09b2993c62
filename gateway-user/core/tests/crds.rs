//! The schemas of our own CRDs against our reading of objects: every property is read, and every
//! rule of a schema that is broken is reported.

#![allow(
    clippy::disallowed_methods,
    reason = "the core is pure, its tests read files"
)]

#[path = "official/mutate.rs"]
mod mutate;

use std::{fs, path::PathBuf};

use gateway_core::{api::Finding, world::object::read};
use mutate::{Mutation, example, mutations};
use serde_json::{Value as Json, json};

/// Kind, file, and those fields of `spec` whose values must be of a format.
const KINDS: [(&str, &str, &str); 2] = [
    (
        "AddressPool",
        "addresspools.yaml",
        r#"{"addresses": ["192.0.2.0/24"]}"#,
    ),
    (
        "GatewayParameters",
        "gatewayparameters.yaml",
        r#"{"limits": {"connections": 1, "requestHeaderBytes": 1024, "http2Streams": 1,
            "requestTargetBytes": 256, "requestBodyBytes": 0,
            "handshakeTimeout": "1s", "idleTimeout": "1m30s", "bodyTimeout": "24h"},
            "requestId": {"policy": "Generate", "inResponse": true},
            "accessLog": {"enabled": true, "format": "Text",
                "sample": {"numerator": 1, "denominator": 1000}},
            "l4": {"drainTimeout": "10m", "noBackend": "Drop"},
            "tls": {"passthrough": "Proxy", "unmatched": "Reset"},
            "healthCheck": {"interval": "10s", "timeout": "500ms", "unhealthyThreshold": 1,
                "healthyThreshold": 1, "tcp": {}, "udp": {"send": "cGluZw==", "expectReply": true},
                "http": {"path": "/ready", "host": "example.com", "statuses": ["200-399"]}}}"#,
    ),
];

#[test]
fn every_property_is_read() {
    for (kind, file, formats) in KINDS {
        let base = object(kind, &spec(&schema(file), formats));
        let reading = read(base);
        assert_eq!(reading.findings, [], "{kind}");
        assert!(reading.item.is_some(), "{kind}");
    }
}

#[test]
fn every_rule_of_the_schemas_is_enforced() {
    let mut missed = Vec::new();
    for (kind, file, formats) in KINDS {
        let schema = schema(file);
        let base = object(kind, &spec(&schema, formats));
        let all = mutations(&schema["properties"]["spec"]);
        assert!(all.len() > 10, "only {} rules of {kind}", all.len());
        let unreported = all.iter().filter(|mutation| !is_reported(&base, mutation));
        missed.extend(unreported.map(|mutation| format!("{kind} {mutation}")));
    }
    assert!(missed.is_empty(), "not reported:\n{}", missed.join("\n"));
}

/// Whether breaking the rule gives an error at the field.
fn is_reported(base: &Json, mutation: &Mutation) -> bool {
    let mut json = base.clone();
    mutation.apply(&mut json);
    let field = mutation.field.to_string();
    let fits = |f: &Finding| !f.warning && f.field.to_string().starts_with(&field);
    read(json).findings.iter().any(fits)
}

/// A `spec` with every property.
fn spec(schema: &Json, formats: &str) -> Json {
    let mut spec = example(&schema["properties"]["spec"]);
    let formats: Json = serde_json::from_str(formats).expect("JSON");
    for (field, value) in formats.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    spec
}

fn object(kind: &str, spec: &Json) -> Json {
    json!({
        "apiVersion": "xdp-gateway.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "x"},
        "spec": spec,
    })
}

fn schema(file: &str) -> Json {
    let crds = "../../charts/xdp-gateway/charts/crds/crds";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(crds)
        .join(file);
    let text = fs::read_to_string(&path).expect("a CRD");
    let crd: Json = serde_saphyr::from_str(&text).expect("a CRD in YAML");
    let versions = crd["spec"]["versions"].as_array().expect("spec.versions");
    assert_eq!(versions.len(), 1, "each version needs its test");
    versions[0]["schema"]["openAPIV3Schema"].clone()
}
