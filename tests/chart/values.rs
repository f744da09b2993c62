//! Values: what the schema refuses, and that each is explained.

use std::fs;

use super::{
    helm::{chart, render},
    read,
};

/// A typing error is told where it is made, not found out on a node.
#[test]
fn wrong_values_are_refused_with_their_place() {
    for (values, said) in [
        (
            "xdpMode: native",
            "at '/xdpMode': value must be one of 'auto', 'driver', 'generic'",
        ),
        (
            "xdpmode: auto",
            "additional properties 'xdpmode' not allowed",
        ),
        (
            "image: {tga: v1}",
            "at '/image': additional properties 'tga' not allowed",
        ),
        ("image: {digest: sha256:12}", "at '/image/digest'"),
        ("workers: 0", "at '/workers': minimum: got 0, want 1"),
        (
            "interfaces: eth0",
            "at '/interfaces': got string, want array",
        ),
        ("interfaces: [a/b]", "at '/interfaces/0'"),
        (
            "admin: {port: 70000}",
            "at '/admin/port': maximum: got 70,000, want 65,535",
        ),
        ("bpffs: sys/fs/bpf", "at '/bpffs'"),
        (
            "terminationGracePeriodSeconds: 5",
            "at '/terminationGracePeriodSeconds'",
        ),
        ("pools: {Office: {}}", "invalid propertyName 'Office'"),
        (
            "pools: {office: [10.0.0.1]}",
            "at '/pools/office': got array, want object",
        ),
        (
            "gatewayClass: {parametersRef: {namespace: a}}",
            "at '/gatewayClass/parametersRef'",
        ),
        (
            "securityContext: {capabilities: [cap_bpf]}",
            "at '/securityContext/capabilities/0'",
        ),
        (
            "serviceMonitor: {enabled: true}",
            "set metrics.enabled=true",
        ),
        (
            "prometheusRule: {enabled: true}",
            "set metrics.enabled=true",
        ),
    ] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("values.yaml");
        fs::write(&file, values).expect("a written file");
        let error = render(&file).expect_err(values);
        assert!(
            error.contains(said),
            "{values}: {said:?} is not in\n{error}"
        );
    }
}

/// Each value of the top level is explained: above, or at its parts.
#[test]
fn every_value_has_a_comment() {
    let text = read(&chart().join("values.yaml"));
    let is_comment = |line: &&str| line.trim_start().starts_with('#');
    let mut explained = 0;
    for paragraph in text.split("\n\n") {
        let lines: Vec<_> = paragraph.lines().collect();
        for (at, key) in lines.iter().enumerate() {
            if !key.starts_with(|c: char| c.is_ascii_lowercase()) {
                continue;
            }
            let parts = lines[at + 1..]
                .iter()
                .take_while(|line| line.starts_with(' '));
            let above = lines[..at].last().is_some_and(is_comment);
            assert!(
                above || parts.copied().any(|line| is_comment(&line)),
                "explain {key}"
            );
            explained += 1;
        }
    }
    assert!(explained > 20, "only {explained} values were found");
}
