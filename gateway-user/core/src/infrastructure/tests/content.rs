//! What the objects say of a Gateway.

use serde_json::json;

use super::{CLASS, MADE, Server, addresses, class, gateway, settle};
use crate::status::GatewayStatus;

#[test]
fn a_gateway_that_is_not_served_has_no_ready_endpoint() {
    let mut server = Server::default();
    server.put(class(CLASS));
    let mut idle = gateway("web", "u1", &json!({}));
    idle["spec"]["listeners"] = json!([{"name": "x", "port": 80, "protocol": "example.com/x"}]);
    server.put(idle);
    assert_eq!(settle(&mut server), MADE);
    assert_eq!(
        server.object("Service shop/web-c")["spec"]["ports"],
        json!([])
    );
    let slice = server.object("EndpointSlice shop/web-c-ipv4");
    assert_eq!(slice["endpoints"][0]["conditions"]["ready"], false);

    // An API server says nothing where nothing is.
    server.merge("Service shop/web-c", &json!({"spec": {"ports": null}}));
    server.merge("EndpointSlice shop/web-c-ipv4", &json!({"ports": null}));
    assert_eq!(settle(&mut server), [""; 0]);
}

#[test]
fn ports_tell_what_is_spoken_there() {
    let mut server = Server::default();
    server.put(class(CLASS));
    let mut several = gateway("web", "u1", &json!({}));
    several["spec"]["listeners"] = json!([
        {"name": "a", "port": 80, "protocol": "HTTP", "hostname": "a.example.com"},
        {"name": "b", "port": 80, "protocol": "HTTP", "hostname": "b.example.com"},
        {"name": "c", "port": 443, "protocol": "TLS", "tls": {"mode": "Passthrough"}},
        {"name": "d", "port": 53, "protocol": "UDP"},
        {"name": "e", "port": 53, "protocol": "TCP"},
    ]);
    server.put(several);
    settle(&mut server);
    let service = server.object("Service shop/web-c");
    let ports = service["spec"]["ports"].as_array().expect("ports").iter();
    let names: Vec<_> = ports
        .map(|port| port["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["tcp-53", "udp-53", "http-80", "tls-443"]);
}

#[test]
fn addresses_that_an_endpoint_cannot_have_are_left_out() {
    let of = |values: &[&str]| {
        let address = |value: &&str| crate::status::StatusAddress {
            kind: "IPAddress".into(),
            value: (*value).to_owned(),
        };
        let status = GatewayStatus {
            addresses: values.iter().map(address).collect(),
            ..GatewayStatus::default()
        };
        addresses(&status).len()
    };
    let unusable = [
        "127.0.0.1",
        "0.0.0.0",
        "169.254.1.1",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "ff02::1",
    ];
    assert_eq!(of(&unusable), 0);
    assert_eq!(of(&["192.0.2.1", "224.0.1.1", "2001:db8::1", "fd00::1"]), 4);
}
