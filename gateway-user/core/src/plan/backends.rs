//! Which backends a plan names: those whose endpoints must be known.

use std::collections::BTreeSet;

use super::{BackendId, ExternalAuth, Frontend, HttpBackend, HttpFilter, HttpRule, Plan, Target};

impl Plan {
    /// Every backend of every route, each once.
    pub fn backend_ids(&self) -> BTreeSet<BackendId> {
        let targets = self.frontends.values().flat_map(targets);
        let ids = targets.filter_map(|target| match target {
            Target::Backend(id) => Some(id.clone()),
            Target::Invalid => None,
        });
        ids.collect()
    }
}

impl HttpRule {
    /// Those of the rule, and those of its backends.
    fn all_filters(&self) -> impl Iterator<Item = &HttpFilter> {
        let backends = self.backends.iter().flat_map(|backend| &backend.filters);
        self.filters.iter().chain(backends)
    }

    /// Every backend of the rule and of its filters, and whether that is spoken to in calls of gRPC
    /// whatever the route.
    pub fn all_backends(&self) -> impl Iterator<Item = (&HttpBackend, bool)> {
        let own = self.backends.iter().map(|backend| (backend, false));
        own.chain(self.all_filters().filter_map(HttpFilter::backend))
    }

    /// Those who are asked about its requests.
    pub fn auths(&self) -> impl Iterator<Item = &ExternalAuth> {
        self.all_filters().filter_map(|filter| match filter {
            HttpFilter::ExternalAuth(auth) => Some(&**auth),
            _ => None,
        })
    }
}

fn targets(frontend: &Frontend) -> Vec<&Target> {
    match frontend {
        Frontend::L4(service) => service.backends.iter().map(|b| &b.target).collect(),
        Frontend::Http(http) => {
            let routes = http.listeners.iter().flat_map(|l| &l.routes);
            let rules = routes.flat_map(|route| &route.rules);
            let requests = rules.flat_map(of_rule);
            let routes = http.tls.iter().flat_map(|l| &l.routes);
            let connections = routes.flat_map(|r| &r.backends).map(|b| &b.target);
            requests.chain(connections).collect()
        }
    }
}

/// The backends of a rule, and those of its filters.
fn of_rule(rule: &HttpRule) -> impl Iterator<Item = &Target> {
    rule.all_backends().map(|(backend, _)| &backend.target)
}
