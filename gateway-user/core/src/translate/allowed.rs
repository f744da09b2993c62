//! Whether a listener lets a route attach (`allowedRoutes`).

use super::{Scope, listener::ListenerState, route::RouteSource};
use crate::api::{Open, listener::NamespacesFrom};

/// `Err`: why not, and what would help.
pub(super) fn check(
    scope: Scope,
    gateway_namespace: &str,
    listener: &ListenerState,
    route: &RouteSource,
) -> Result<(), String> {
    kind(listener, route)?;
    namespace(scope, gateway_namespace, listener, &route.meta.namespace)
}

fn kind(listener: &ListenerState, route: &RouteSource) -> Result<(), String> {
    if listener.kinds.contains(&route.kind) {
        return Ok(());
    }
    let (name, protocol) = (&listener.spec.name, &listener.spec.protocol);
    let takes = match listener.kinds.first() {
        Some(kind) => format!("takes {kind}"),
        None => "takes no kind of route".to_owned(),
    };
    let wanted = route.protocols();
    Err(format!(
        "\"{name}\" has protocol {protocol} and {takes}, not {}; attach to a listener of protocol {wanted}",
        route.kind
    ))
}

fn namespace(
    scope: Scope,
    gateway_namespace: &str,
    listener: &ListenerState,
    route_namespace: &str,
) -> Result<(), String> {
    let allowed = &listener.spec.allowed_routes.namespaces;
    let name = &listener.spec.name;
    match &allowed.from {
        Open::Known(NamespacesFrom::All) => Ok(()),
        Open::Known(NamespacesFrom::Same) if gateway_namespace == route_namespace => Ok(()),
        Open::Known(NamespacesFrom::Same) => Err(format!(
            "\"{name}\" takes routes of namespace \"{gateway_namespace}\" only, and this one is in \
             \"{route_namespace}\"; set the listener's allowedRoutes.namespaces.from to All, or to \
             Selector with a selector for \"{route_namespace}\""
        )),
        Open::Known(NamespacesFrom::Selector) => {
            let labels = scope.world.namespace_labels(route_namespace);
            let matches = |selector: &crate::api::Selector| selector.matches(&labels);
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
