//! Which backends a plan names: those whose endpoints must be known.

use std::collections::BTreeSet;

use super::{BackendId, Frontend, Plan, Target};

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

fn targets(frontend: &Frontend) -> Vec<&Target> {
    match frontend {
        Frontend::L4(service) => service.backends.iter().map(|b| &b.target).collect(),
        Frontend::Http(http) => {
            let routes = http.listeners.iter().flat_map(|l| &l.routes);
            let rules = routes.flat_map(|route| &route.rules);
            let requests = rules.flat_map(|rule| &rule.backends).map(|b| &b.target);
            let routes = http.tls.iter().flat_map(|l| &l.routes);
            let connections = routes.flat_map(|r| &r.backends).map(|b| &b.target);
            requests.chain(connections).collect()
        }
    }
}
