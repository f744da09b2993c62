//! The same names for each way: all lead to one server.

use std::fmt::Write as _;

use gateway_tests::peer::hello::numbered;
use serde_json::json;

use super::{
    super::{
        envoy, manifests,
        place::{INSIDE, NODE},
    },
    site::SERVER_PORT,
    way::PORT,
};

/// All names are below it.
pub(super) const DOMAIN: &str = "bench.example";
/// Host names of a route: the most that the API allows.
const PER_ROUTE: usize = 16;

/// So long, so that a way that is slow shows it and does not fail.
const TIMEOUT_SECONDS: u32 = 60;

fn names(number: u32) -> Vec<String> {
    (0..number).map(|n| numbered(DOMAIN, n)).collect()
}

/// Our manifests: the names by TLSRoutes.
pub(super) fn gateway(port: u16, number: u32) -> String {
    let listener = ("TLS, tls: {mode: Passthrough}", port);
    let mut text = manifests::gateway(listener, (INSIDE, SERVER_PORT));
    for (route, names) in names(number).chunks(PER_ROUTE).enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {{name: route-{route}, namespace: default}}
spec:
  parentRefs: [{{name: bench}}]
  hostnames: [{}]
  rules: [{{backendRefs: [{{name: server, port: {port}}}]}}]
",
            names.join(", ")
        );
    }
    text
}

/// `name value` for each, as map files of both have it.
fn map(number: u32, end: &str) -> String {
    let lines = names(number)
        .into_iter()
        .map(|name| format!("{name} server{end}\n"));
    lines.collect()
}

pub(super) fn haproxy_map(number: u32) -> String {
    map(number, "")
}

pub(super) fn nginx_map(number: u32) -> String {
    map(number, ";")
}

pub(super) fn haproxy(map: &str) -> String {
    format!(
        "defaults
  mode tcp
  timeout connect {TIMEOUT_SECONDS}s
  timeout client {TIMEOUT_SECONDS}s
  timeout server {TIMEOUT_SECONDS}s
frontend bench
  bind {NODE}:{PORT}
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req_ssl_hello_type 1 }}
  use_backend %[req_ssl_sni,lower,map({map})]
backend server
  server one {INSIDE}:{SERVER_PORT}
"
    )
}

pub(super) fn nginx(dir: &str, map: &str, module: &str) -> String {
    format!(
        "load_module {module};
daemon off;
worker_processes auto;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{ worker_connections 4096; }}
stream {{
  map_hash_max_size 262144;
  map_hash_bucket_size 128;
  map $ssl_preread_server_name $bench {{ include {map}; }}
  upstream server {{ server {INSIDE}:{SERVER_PORT}; }}
  server {{
    listen {NODE}:{PORT} reuseport;
    ssl_preread on;
    proxy_pass $bench;
    tcp_nodelay on;
  }}
}}
"
    )
}

pub(super) fn envoy(number: u32) -> String {
    let mut proxy = envoy::extension("tcp", "filters.network.tcp_proxy.v3.TcpProxy");
    proxy["typed_config"]["cluster"] = json!(envoy::CLUSTER);
    proxy["typed_config"]["stat_prefix"] = json!("bench");
    let inspector = "filters.listener.tls_inspector.v3.TlsInspector";
    let listener = json!({
        "listener_filters": [envoy::extension("tls", inspector)],
        "filter_chains": [{
            "filter_chain_match": {"server_names": names(number)},
            "filters": [proxy],
        }],
    });
    envoy::config(listener, (NODE, PORT), (INSIDE, SERVER_PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_has_every_name_once() {
        for text in [gateway(443, 33), haproxy_map(33), nginx_map(33), envoy(33)] {
            for name in names(33) {
                let count = text.matches(&name).count();
                assert_eq!(count, 1, "{name} in {text}");
            }
        }
        let routes = gateway(443, 33).matches("kind: TLSRoute").count();
        assert_eq!(routes, 3);
    }
}
