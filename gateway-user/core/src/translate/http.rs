//! HTTPRoute: rules.

use super::{
    Scope,
    backend::{self, Referrer},
};
use crate::{
    api::{BackendRef, HttpRoute, HttpRule as Rule, Kind, RouteSpec, http::HttpMatch as Match},
    plan::{HttpBackend, HttpFilter, HttpRule},
    verdict::{ConditionType, RouteVerdict, Truth, Verdict},
};

mod cors;
mod external_auth;
pub(super) mod filters;
mod headers;
pub(super) mod matches;
mod mirror;
pub(super) mod policy;

#[cfg(test)]
mod tests;

pub(super) fn judge(scope: Scope, route: &HttpRoute) -> (Vec<HttpRule>, Vec<RouteVerdict>) {
    let referrer = Referrer {
        kind: Kind::HttpRoute,
        meta: &route.meta,
    };
    rules(&route.spec, |at, source, verdicts| {
        rule(scope, referrer, at, source, verdicts)
    })
}

/// All rules of a route, each judged by `rule`, which is told the path of the field.
pub(super) fn rules<R>(
    spec: &RouteSpec<R>,
    rule: impl Fn(&str, &R, &mut Vec<RouteVerdict>) -> HttpRule,
) -> (Vec<HttpRule>, Vec<RouteVerdict>) {
    let mut verdicts = Vec::new();
    if spec.use_default_gateways.is_some() {
        let at = "spec.useDefaultGateways".to_owned();
        verdicts.push(RouteVerdict::FieldIgnored { at });
    }
    let mut rules = Vec::new();
    for (index, source) in spec.rules.iter().enumerate() {
        let at = format!("spec.rules[{index}]");
        let mut own = Vec::new();
        rules.push((rule(&at, source, &mut own), own));
    }
    drop_invalid(&mut rules);
    let (rules, own): (Vec<_>, Vec<_>) = rules.into_iter().unzip();
    verdicts.extend(own.into_iter().flatten());
    (rules, verdicts)
}

/// Where only some rules are invalid, the route is accepted without them (`PartiallyInvalid`).
/// Their requests get a 500 and never reach another rule: what is not implemented may be what
/// should have stopped them. Unknown values refuse the whole route, as the API demands.
fn drop_invalid(rules: &mut [(HttpRule, Vec<RouteVerdict>)]) {
    let refuses = |v: &RouteVerdict| v.decides(ConditionType::Accepted, Truth::False);
    let unknown = |v: &RouteVerdict| matches!(v, RouteVerdict::UnsupportedValue { .. });
    let all = rules.iter().all(|(_, own)| own.iter().any(refuses));
    if all || rules.iter().any(|(_, own)| own.iter().any(unknown)) {
        return;
    }
    for (index, (rule, own)) in rules.iter_mut().enumerate() {
        for verdict in own.iter_mut().filter(|v| refuses(v)) {
            rule.filters = vec![HttpFilter::Invalid];
            let why = verdict.to_string();
            *verdict = RouteVerdict::RuleDropped { rule: index, why };
        }
    }
}

fn rule(
    scope: Scope,
    referrer: Referrer,
    at: &str,
    rule: &Rule,
    verdicts: &mut Vec<RouteVerdict>,
) -> HttpRule {
    let session = rule.session_persistence.as_ref();
    let session = session.and_then(|s| policy::session(at, referrer.meta, s, verdicts));
    let everything = [Match::default()];
    let matches = match rule.matches.is_empty() {
        true => &everything,
        false => rule.matches.as_slice(),
    };
    HttpRule {
        name: rule.name.clone(),
        matches: matches
            .iter()
            .enumerate()
            .filter_map(|(i, m)| matches::judge(&format!("{at}.matches[{i}]"), m, verdicts))
            .collect(),
        filters: filters::judge(scope, referrer, at, &rule.filters, verdicts),
        backends: backends(scope, referrer, at, &rule.backend_refs, verdicts),
        timeouts: policy::timeouts(rule.timeouts.unwrap_or_default()),
        retry: rule.retry.as_ref().map(policy::retry),
        session,
    }
}

pub(super) fn backends(
    scope: Scope,
    referrer: Referrer,
    at: &str,
    references: &[BackendRef],
    verdicts: &mut Vec<RouteVerdict>,
) -> Vec<HttpBackend> {
    let backend = |(index, reference): (usize, &BackendRef)| {
        let at = format!("{at}.backendRefs[{index}]");
        let mut backend = backend::http_backend(scope, referrer, &at, reference, verdicts);
        backend.filters = filters::judge(scope, referrer, &at, &reference.filters, verdicts);
        backend
    };
    references.iter().enumerate().map(backend).collect()
}
