//! The gateway's configuration with many routes, and requests for each of them.

use std::fmt::Write as _;

use super::{
    super::manifests::gateway,
    site::{BACKEND, BACKEND_PORT},
};

/// Paths are this and a number.
pub(super) const PATH: &str = "/path-";
const PATHS_PER_HOST: u32 = 10;

pub(super) fn host(route: u32) -> String {
    format!("host-{}.example.com", route / PATHS_PER_HOST)
}

/// One HTTPRoute for each host and path, all to one backend.
pub(super) fn text(routes: u32) -> String {
    let mut text = gateway(("HTTP", 80), (BACKEND, BACKEND_PORT));
    for route in 0..routes {
        let (host, path) = (host(route), route % PATHS_PER_HOST);
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
  - matches: [{{path: {{type: PathPrefix, value: {PATH}{path}}}}}]
    backendRefs: [{{name: server, port: 80}}]
"
        );
    }
    text
}

/// For wrk: requests to each route, in an order that jumps between hosts. Written once, so that
/// they cost the load generator little.
pub(super) fn script(routes: u32) -> String {
    format!(
        r#"local requests, last = {{}}, 0
init = function()
  for route = 0, {routes} - 1 do
    local host = "host-" .. math.floor(route / {PATHS_PER_HOST}) .. ".example.com"
    local path = "{PATH}" .. (route % {PATHS_PER_HOST})
    requests[route] = wrk.format("GET", path, {{ Host = host }})
  end
end
request = function()
  last = (last + 7919) % {routes}
  return requests[last]
end
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_a_host_and_path_of_its_own() {
        let text = text(25);
        assert_eq!(text.matches("kind: HTTPRoute").count(), 25);
        let pair = |host, path| {
            let wanted = format!(
                "[{}]\n  rules:\n  - matches: [{{path: {{type: PathPrefix, value: {PATH}{path}}}}}]",
                self::host(host)
            );
            text.matches(&wanted).count()
        };
        assert_eq!((pair(0, 0), pair(24, 4), pair(24, 5)), (1, 1, 0));
    }
}
