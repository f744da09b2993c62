//! Which backends a plan names: those whose endpoints must be known.

use std::collections::BTreeSet;

use super::{BackendId, Frontend, HttpFilter, HttpRule, Plan, Target};

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
            let requests = rules.flat_map(of_rule);
            let routes = http.tls.iter().flat_map(|l| &l.routes);
            let connections = routes.flat_map(|r| &r.backends).map(|b| &b.target);
            requests.chain(connections).collect()
        }
    }
}

/// The backends of a rule, and those of its filters.
fn of_rule(rule: &HttpRule) -> impl Iterator<Item = &Target> {
    let backends = rule.backends.iter();
    let filters = backends.clone().flat_map(|backend| &backend.filters);
    let mirrors = rule
        .filters
        .iter()
        .chain(filters)
        .filter_map(|filter| match filter {
            HttpFilter::Mirror(mirror) => Some(&mirror.backend.target),
            _ => None,
        });
    backends.map(|backend| &backend.target).chain(mirrors)
}
