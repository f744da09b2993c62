//! Whether a listener lets a route attach (`allowedRoutes`).

use super::{
    Scope,
    listener::{self, ListenerState},
    route::RouteSource,
};
use crate::{
    api::{Open, Selector, listener::NamespacesFrom},
    verdict::hint,
};

/// Why a listener does not take a route.
pub(super) enum Refusal {
    /// Its protocol does not go with the kind of route.
    Protocol(String),
    /// Anything else, with what would help.
    Other(String),
}

impl Refusal {
    /// All of them in one sentence.
    pub(super) fn join(refusals: &[Self], route: &RouteSource) -> String {
        let texts = refusals.iter().map(|refusal| match refusal {
            Self::Protocol(text) | Self::Other(text) => text.as_str(),
        });
        let mut joined = texts.collect::<Vec<_>>().join("; ");
        if refusals
            .iter()
            .all(|refusal| matches!(refusal, Self::Protocol(_)))
        {
            let (kind, protocols) = (route.kind, route.protocols());
            joined.push_str(&format!(
                "; {kind} needs a listener of protocol {protocols}"
            ));
        }
        joined
    }
}

pub(super) fn check(
    scope: Scope,
    listener: &ListenerState,
    route: &RouteSource,
) -> Result<(), Refusal> {
    kind(listener, route)?;
    namespace(scope, listener, &route.meta.namespace).map_err(Refusal::Other)
}

fn kind(listener: &ListenerState, route: &RouteSource) -> Result<(), Refusal> {
    if listener.kinds.contains(&route.kind) {
        return Ok(());
    }
    let (name, protocol) = (&listener.label, &listener.spec.protocol);
    let fitting = listener::fitting_kinds(protocol);
    Err(if fitting.contains(&route.kind) {
        Refusal::Other(format!(
            "\"{name}\" leaves {0} out of its allowedRoutes.kinds; add kind: {0} there",
            route.kind
        ))
    } else {
        let kinds = match fitting {
            [] => "nothing yet".to_owned(),
            kinds => hint::either(kinds),
        };
        Refusal::Protocol(format!(
            "\"{name}\" has protocol {protocol}, which takes {kinds}"
        ))
    })
}

fn namespace(scope: Scope, listener: &ListenerState, route_namespace: &str) -> Result<(), String> {
    let allowed = &listener.spec.allowed_routes.namespaces;
    let (name, own) = (&listener.label, listener.owner.namespace());
    match &allowed.from {
        Open::Known(NamespacesFrom::All) => Ok(()),
        Open::Known(NamespacesFrom::Same) if **own == *route_namespace => Ok(()),
        Open::Known(NamespacesFrom::Same) => Err(format!(
            "\"{name}\" takes routes of namespace \"{own}\" only, and this one is in \
             \"{route_namespace}\"; set the listener's allowedRoutes.namespaces.from to All, or to \
             Selector with a selector for \"{route_namespace}\""
        )),
        Open::Known(NamespacesFrom::Selector) => {
            let labels = scope.world.namespace_labels(route_namespace);
            let matches = |selector: &Selector| selector.matches(&labels);
            if allowed.selector.as_ref().is_some_and(matches) {
                return Ok(());
            }
            let labels: Vec<_> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            Err(format!(
                "\"{name}\" selects namespaces by label, and \"{route_namespace}\" has {}; change \
                 the labels or allowedRoutes.namespaces.selector",
                labels.join(", ")
            ))
        }
        Open::Unknown(value) => Err(format!(
            "\"{name}\" has allowedRoutes.namespaces.from {value}, which is not known"
        )),
    }
}
