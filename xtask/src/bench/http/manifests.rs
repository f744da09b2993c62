//! The gateway's configuration with few or many routes, and requests for each of them.

use std::fmt::Write as _;

use super::{
    super::manifests::gateway,
    certificate::Certificate,
    scenario::Scenario,
    site::{BACKEND, BACKEND_PORT},
};

const PATHS_PER_HOST: u32 = 10;
const SECRET: &str = "bench";
/// A prime: no number of routes below it has a common divisor with it.
const JUMP: u32 = 104_729;

/// wrk sends a request for each line of the file that is its argument. They are written once, so
/// that they cost the load generator little.
pub(super) const SCRIPT: &str = r#"local requests, last = {}, 0
init = function(args)
  for line in io.lines(args[1]) do
    local host, path = line:match("(%S+) (%S+)")
    requests[#requests + 1] = wrk.format("GET", path, { Host = host })
  end
end
request = function()
  last = last % #requests + 1
  return requests[last]
end
"#;

pub(super) fn host(route: u32) -> String {
    format!("host-{}.example.com", route / PATHS_PER_HOST)
}

pub(super) fn path(route: u32) -> String {
    format!("/path-{}", route % PATHS_PER_HOST)
}

/// One HTTPRoute for each host and path, all to one backend.
pub(super) fn text(scenario: Scenario, routes: u32, certificate: &Certificate) -> String {
    let port = scenario.port();
    let (protocol, secret) = match scenario.tls() {
        false => ("HTTP".to_owned(), String::new()),
        true => (
            format!("HTTPS, tls: {{certificateRefs: [{{name: {SECRET}}}]}}"),
            certificate.secret(SECRET),
        ),
    };
    let mut text = gateway((&protocol, port), (BACKEND, BACKEND_PORT));
    text.push_str(&secret);
    for route in 0..routes {
        let (host, path) = (host(route), path(route));
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: route-{route}, namespace: default}}
spec:
  parentRefs: [{{name: bench}}]
  hostnames: [{host}]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: {path}}}}}]
    backendRefs: [{{name: server, port: {port}}}]
"
        );
    }
    text
}

/// Host and path of each route on a line, in an order that jumps between hosts. The first is that
/// of route 0.
pub(super) fn targets(routes: u32) -> String {
    let mut route = 0;
    let next = (0..routes).map(|_| {
        let line = format!("{} {}\n", host(route), path(route));
        route = (route + JUMP) % routes;
        line
    });
    next.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_route_has_a_host_and_path_of_its_own() {
        let certificate = Certificate::new().unwrap();
        let text = text(Scenario::Small, 25, &certificate);
        assert_eq!(text.matches("kind: HTTPRoute").count(), 25);
        assert!(!text.contains("kind: Secret") && !text.contains("\"Secret\""));
        for route in [0, 9, 24] {
            let wanted = format!(
                "[{}]\n  rules:\n  - matches: [{{path: {{type: PathPrefix, value: {}}}}}]",
                host(route),
                path(route)
            );
            assert_eq!(text.matches(&wanted).count(), 1, "{wanted}");
        }
    }

    #[test]
    fn every_route_is_asked_once_a_turn() {
        let targets = targets(10_000);
        let different: HashSet<_> = targets.lines().collect();
        assert_eq!((targets.lines().count(), different.len()), (10_000, 10_000));
        assert!(targets.starts_with("host-0.example.com /path-0\n"));
        assert!(different.contains("host-999.example.com /path-9"));
    }
}
