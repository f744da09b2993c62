//! Configurations that make the others do for each request what the gateway does: one process with
//! one worker, kept connections to the backend, the same headers, no access log.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    super::{envoy, place::NODE},
    certificate::Files,
    site::{BACKEND, BACKEND_PORT, Site},
};

/// What differs between scenarios.
struct Front<'a> {
    dir: &'a Path,
    port: u16,
    certificate: Option<&'a Files>,
}

impl Front<'_> {
    const fn scheme(&self) -> &'static str {
        if self.certificate.is_some() {
            "https"
        } else {
            "http"
        }
    }
}

fn with(site: &Site, text: fn(&Front<'_>) -> String) -> String {
    text(&Front {
        dir: &site.place.net.dir(),
        port: site.scenario.port(),
        certificate: site.certificate.as_ref(),
    })
}

pub(super) fn haproxy(site: &Site) -> String {
    with(site, haproxy_text)
}

pub(super) fn nginx(site: &Site) -> String {
    with(site, nginx_text)
}

pub(super) fn envoy(site: &Site) -> String {
    with(site, envoy_text)
}

fn haproxy_text(front: &Front<'_>) -> String {
    let (port, scheme) = (front.port, front.scheme());
    let tls = front.certificate.map(|files| {
        let both = &files.both;
        format!(" ssl crt {both} ssl-min-ver TLSv1.3 alpn h2,http/1.1")
    });
    let tls = tls.unwrap_or_default();
    format!(
        "global
  nbthread 1
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend bench
  bind {NODE}:{port}{tls}
  option forwardfor
  http-request set-header X-Forwarded-Proto {scheme}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  default_backend server
backend server
  http-reuse always
  server one {BACKEND}:{BACKEND_PORT}
"
    )
}

fn nginx_text(front: &Front<'_>) -> String {
    let (dir, port) = (front.dir.display(), front.port);
    let (ssl, tls) = match front.certificate {
        None => ("", String::new()),
        Some(Files { chain, key, .. }) => (
            " ssl http2",
            format!(
                "ssl_protocols TLSv1.3;
    ssl_certificate {chain};
    ssl_certificate_key {key};"
            ),
        ),
    };
    format!(
        r"daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  upstream backend {{
    server {BACKEND}:{BACKEND_PORT};
    keepalive 512;
    keepalive_requests 100000000;
  }}
  server {{
    listen {NODE}:{port}{ssl};
    {tls}
    location / {{
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}
}}
"
    )
}

fn envoy_text(front: &Front<'_>) -> String {
    let mut chain = json!({"filters": [envoy_filter()]});
    if let Some(Files {
        chain: file, key, ..
    }) = front.certificate
    {
        let mut tls = envoy::extension("tls", "transport_sockets.tls.v3.DownstreamTlsContext");
        tls["typed_config"]["common_tls_context"] = json!({
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "tls_certificates": [{"certificate_chain": {"filename": file}, "private_key": {"filename": key}}],
        });
        chain["transport_socket"] = tls;
    }
    let listener = json!({"filter_chains": [chain]});
    envoy::config(listener, (NODE, front.port), (BACKEND, BACKEND_PORT))
}

/// HTTP of either version, without the headers that only Envoy adds.
fn envoy_filter() -> Value {
    let mut router = envoy::extension("router", "filters.http.router.v3.Router");
    router["typed_config"]["suppress_envoy_headers"] = json!(true);
    let mut http = envoy::extension(
        "http",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
    );
    let config = &mut http["typed_config"];
    config["stat_prefix"] = json!("bench");
    config["use_remote_address"] = json!(true);
    config["generate_request_id"] = json!(false);
    config["http_filters"] = json!([router]);
    config["route_config"] = json!({
        "virtual_hosts": [{
            "name": "all",
            "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": envoy::CLUSTER}}],
            "request_headers_to_add": [
                {"header": {"key": "x-forwarded-host", "value": "%REQ(:AUTHORITY)%"}},
            ],
        }],
    });
    http
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_have_the_certificate_where_there_is_tls() {
        let files = Files {
            chain: "/x/chain.pem".to_owned(),
            key: "/x/key.pem".to_owned(),
            both: "/x/both.pem".to_owned(),
        };
        for certificate in [None, Some(&files)] {
            let front = Front {
                dir: Path::new("/x"),
                port: 443,
                certificate,
            };
            let texts = [haproxy_text(&front), nginx_text(&front), envoy_text(&front)];
            for text in texts {
                let tls = text.contains("/x/chain.pem") || text.contains("/x/both.pem");
                assert_eq!(tls, certificate.is_some(), "{text}");
                let old = ["TLSv1.2", "TLSv1_2"].iter().any(|old| text.contains(old));
                assert!(text.contains("443") && !old, "{text}");
            }
        }
    }
}
