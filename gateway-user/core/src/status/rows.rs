//! Statuses as rows, for tools that show them.

use super::{Condition, ParentStatus, Reported, Statuses};

/// An object, or a part of one that has conditions of its own.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    pub kind: &'a str,
    /// `namespace/name`, or the name alone of what has no namespace.
    pub name: String,
    /// `listener http`, `parent infra/web`.
    pub part: Option<String>,
    /// Empty only for a route without `parentRefs`, which is attached to nothing.
    pub conditions: &'a [Condition],
}

impl Row<'_> {
    /// Whether every condition has the value that means all is well.
    pub fn as_wished(&self) -> bool {
        self.unwished().next().is_none() && !self.conditions.is_empty()
    }

    /// Conditions that want attention; their messages say what to do.
    pub fn unwished(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|c| !c.as_wished())
    }
}

impl Statuses {
    /// Every object and part: classes, pools, Gateways each followed by its listeners, routes.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let classes = self
            .classes
            .iter()
            .map(|c| row(c, None, &c.status.conditions));
        let pools = self.pools.iter();
        let pools = pools.map(|p| row(p, None, &p.status.conditions));
        let gateways = self.gateways.iter().flat_map(|gateway| {
            let listeners = gateway.status.listeners.iter().map(move |listener| {
                let part = format!("listener {}", listener.name);
                row(gateway, Some(part), &listener.conditions)
            });
            std::iter::once(row(gateway, None, &gateway.status.conditions)).chain(listeners)
        });
        let routes = self.routes.iter().flat_map(|route| {
            let orphan = route
                .status
                .parents
                .is_empty()
                .then(|| row(route, None, &[]));
            let parents = route.status.parents.iter().map(move |parent| {
                row(
                    route,
                    Some(describe(parent, &route.namespace)),
                    &parent.conditions,
                )
            });
            orphan.into_iter().chain(parents)
        });
        classes.chain(pools).chain(gateways).chain(routes)
    }
}

fn row<'a, S>(
    object: &'a Reported<S>,
    part: Option<String>,
    conditions: &'a [Condition],
) -> Row<'a> {
    let name = if object.namespace.is_empty() {
        object.name.to_string()
    } else {
        object.object_name().to_string()
    };
    Row {
        kind: &object.kind,
        name,
        part,
        conditions,
    }
}

/// Such as `parent infra/web, listener http, port 80`.
fn describe(parent: &ParentStatus, namespace: &std::sync::Arc<str>) -> String {
    let parent = &parent.parent_ref;
    let mut text = format!("parent {}", parent.target(namespace));
    if let Some(section) = &parent.section_name {
        text.push_str(&format!(", listener {section}"));
    }
    if let Some(port) = parent.port {
        text.push_str(&format!(", port {port}"));
    }
    text
}
