//! TLSRoute, TCPRoute and UDPRoute: a list of weighted backends.

use super::{
    Scope,
    backend::{self, Referrer},
};
use crate::{
    api::{Kind, TcpRoute},
    plan::WeightedBackend,
    verdict::RouteVerdict,
};

/// The API allows exactly one rule.
pub(super) fn judge(
    scope: Scope,
    kind: Kind,
    route: &TcpRoute,
) -> (Vec<WeightedBackend>, Vec<RouteVerdict>) {
    let mut verdicts = Vec::new();
    if route.spec.use_default_gateways.is_some() {
        let at = "spec.useDefaultGateways".to_owned();
        verdicts.push(RouteVerdict::FieldIgnored { at });
    }
    for index in 1..route.spec.rules.len() {
        verdicts.push(RouteVerdict::FieldIgnored {
            at: format!("spec.rules[{index}]"),
        });
    }
    let referrer = Referrer {
        kind,
        meta: &route.meta,
    };
    let references = route
        .spec
        .rules
        .first()
        .map(|rule| rule.backend_refs.as_slice());
    let mut backends = Vec::new();
    for (index, reference) in references.unwrap_or_default().iter().enumerate() {
        let at = format!("spec.rules[0].backendRefs[{index}]");
        backends.push(WeightedBackend {
            target: backend::target(scope, referrer, &at, reference, &mut verdicts),
            weight: reference.weight,
        });
    }
    (backends, verdicts)
}
