//! Services and EndpointSlices to endpoints.

use crate::{
    name::ObjectName,
    plan::{BackendId, Transport},
    world::FileSet,
};

const SERVICE: &str = "
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: https, port: 443, targetPort: tls}
  - {name: dns, port: 53, protocol: UDP}
";

/// Slice documents with these `addressType`, `ports` and `endpoints`.
fn slices(parts: &[(&str, &str, &str)]) -> String {
    let slice = |(i, (family, ports, endpoints)): (usize, &(&str, &str, &str))| {
        format!(
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata: {{name: web-{i}, labels: {{kubernetes.io/service-name: web}}}}\n\
             addressType: {family}\nports: {ports}\nendpoints: {endpoints}\n"
        )
    };
    parts.iter().enumerate().map(slice).collect()
}

/// Endpoints of `default/web:port`, `!` after those that are not ready. Port 53 is one of UDP.
fn join(yaml: &str, port: u16) -> Vec<String> {
    let transport = match port {
        53 => Transport::Udp,
        _ => Transport::Tcp,
    };
    join_with(yaml, port, transport)
}

fn join_with(yaml: &str, port: u16, transport: Transport) -> Vec<String> {
    let mut files = FileSet::default();
    assert_eq!(files.update("a.yaml", Some(yaml)), []);
    let id = BackendId {
        service: ObjectName::new("default", "web"),
        port,
        transport,
    };
    let endpoints = files.world().endpoints([id.clone()].into_iter());
    let shown = endpoints.0[&id]
        .iter()
        .map(|e| format!("{}{}", e.address, if e.conditions.ready { "" } else { "!" }));
    shown.collect()
}

#[test]
fn one_number_may_be_two_ports() {
    let quic = "  - {name: quic, port: 80, targetPort: 8443, protocol: UDP}\n";
    let ports = "[{name: http, port: 8080}, {name: quic, protocol: UDP, port: 8443}]";
    let slices = slices(&[("IPv4", ports, "[{addresses: [10.0.0.1]}]")]);
    let yaml = format!("{SERVICE}{quic}{slices}");
    assert_eq!(join_with(&yaml, 80, Transport::Tcp), ["10.0.0.1:8080"]);
    assert_eq!(join_with(&yaml, 80, Transport::Udp), ["10.0.0.1:8443"]);
}

#[test]
fn ports_are_joined_by_name_and_protocol() {
    let ports = "[{name: http, port: 8080}, {name: https, port: 8443}, {name: dns, port: 5353}]";
    let yaml = SERVICE.to_owned() + &slices(&[("IPv4", ports, "[{addresses: [10.0.0.1]}]")]);
    assert_eq!(join(&yaml, 80), ["10.0.0.1:8080"]);
    assert_eq!(join(&yaml, 443), ["10.0.0.1:8443"]);
    assert_eq!(
        join(&yaml, 53),
        [""; 0],
        "a TCP port does not serve a UDP one"
    );
    assert_eq!(join(&yaml, 81), [""; 0], "no such port");
    assert_eq!(
        join(
            &yaml.replace("dns, port: 5353", "dns, protocol: UDP, port: 5353"),
            53
        ),
        ["10.0.0.1:5353"]
    );
}

#[test]
fn a_slice_port_without_number_is_the_target_port() {
    let ports = "[{name: http}, {name: https}]";
    let yaml = SERVICE.to_owned() + &slices(&[("IPv4", ports, "[{addresses: [10.0.0.1]}]")]);
    assert_eq!(join(&yaml, 80), ["10.0.0.1:8080"]);
    assert_eq!(
        join(&yaml, 443),
        [""; 0],
        "a port's name has no number without a pod"
    );
}

#[test]
fn conditions_default_to_ready() {
    let endpoints = "[{addresses: [10.0.0.3], conditions: {ready: false, serving: true}}, \
                     {addresses: [10.0.0.2], conditions: {ready: true}}, {addresses: [10.0.0.1]}]";
    let yaml = SERVICE.to_owned() + &slices(&[("IPv4", "[{name: http, port: 1}]", endpoints)]);
    assert_eq!(join(&yaml, 80), ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1!"]);
}

#[test]
fn several_slices_make_one_list() {
    let port = "[{name: http, port: 1}]";
    let yaml = SERVICE.to_owned()
        + &slices(&[
            (
                "IPv4",
                port,
                "[{addresses: [10.0.0.1], conditions: {ready: false}}]",
            ),
            (
                "IPv4",
                port,
                "[{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]",
            ),
            (
                "IPv4",
                port,
                "[{addresses: [10.0.0.2], conditions: {ready: false}}]",
            ),
            ("IPv6", port, "[{addresses: ['fd00::1']}]"),
            ("FQDN", port, "[{addresses: [example.com]}]"),
        ]);
    assert_eq!(join(&yaml, 80), ["10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:1"]);
    let only_v6 = yaml.replace("spec:", "spec:\n  ipFamilies: [IPv6]");
    assert_eq!(join(&only_v6, 80), ["[fd00::1]:1"]);
}

#[test]
fn headless_services_and_unnamed_ports_work() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n\
                   spec: {clusterIP: None, ports: [{port: 80}]}\n";
    let yaml =
        service.to_owned() + &slices(&[("IPv4", "[{port: 9}]", "[{addresses: [10.0.0.1]}]")]);
    assert_eq!(join(&yaml, 80), ["10.0.0.1:9"]);
}

#[test]
fn slices_of_other_services_and_namespaces_do_not_count() {
    let one = slices(&[(
        "IPv4",
        "[{name: http, port: 1}]",
        "[{addresses: [10.0.0.1]}]",
    )]);
    let elsewhere = one.replace("{name: web-0,", "{name: web-0, namespace: other,");
    assert_eq!(join(&(SERVICE.to_owned() + &elsewhere), 80), [""; 0]);
    assert_eq!(
        join(
            &(SERVICE.to_owned() + &one.replace("name: web}", "name: api}")),
            80
        ),
        [""; 0]
    );
    assert_eq!(join(&one, 80), [""; 0], "no Service");
}

#[test]
fn nodes_of_endpoints_and_services_that_keep_their_traffic_there() {
    let endpoints = "[{addresses: [10.0.0.1], nodeName: a}, {addresses: [10.0.0.2]}]";
    let slices = slices(&[("IPv4", "[{name: http, port: 1}]", endpoints)]);
    for (distribution, keeps) in [
        ("PreferSameNode", true),
        ("PreferClose", false),
        ("PreferSameZone", false),
    ] {
        let service = format!("{SERVICE}  trafficDistribution: {distribution}\n");
        let mut files = FileSet::default();
        assert_eq!(files.update("a.yaml", Some(&(service + &slices))), []);
        let nodes = files.world().endpoint_nodes();
        let of: Vec<_> = nodes.of.iter().map(|(ip, n)| format!("{ip} {n}")).collect();
        assert_eq!(of, ["10.0.0.1 a"]);
        let web = ObjectName::new("default", "web");
        assert_eq!(nodes.kept.contains(&web), keeps, "{distribution}");
    }
}
