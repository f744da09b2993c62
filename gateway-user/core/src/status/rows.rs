//! Statuses as rows, for tools that show them.

use std::sync::Arc;

use super::{Condition, ListenerStatus, Reported, Statuses};
use crate::api::{Kind, ParentRef};

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
    /// Every object and part: classes, pools, Gateways and ListenerSets each followed by its
    /// listeners, routes, policies.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let classes = self
            .classes
            .iter()
            .map(|c| row(c, None, &c.status.conditions));
        let pools = self.pools.iter();
        let pools = pools.map(|p| row(p, None, &p.status.conditions));
        let gateways = self.gateways.iter();
        let gateways =
            gateways.flat_map(|g| with_listeners(g, &g.status.conditions, &g.status.listeners));
        let sets = self.listener_sets.iter();
        let sets =
            sets.flat_map(|set| with_listeners(set, &set.status.conditions, &set.status.listeners));
        let routes = self.routes.iter().flat_map(|route| {
            let orphan = route
                .status
                .parents
                .is_empty()
                .then(|| row(route, None, &[]));
            let parents = route.status.parents.iter().map(move |parent| {
                row(
                    route,
                    Some(describe("parent", &parent.parent_ref, &route.namespace)),
                    &parent.conditions,
                )
            });
            orphan.into_iter().chain(parents)
        });
        let policies = self.policies.iter().flat_map(|policy| {
            let ancestors = policy.status.ancestors.iter();
            ancestors.map(move |ancestor| {
                let part = describe("ancestor", &ancestor.ancestor_ref, &policy.namespace);
                row(policy, Some(part), &ancestor.conditions)
            })
        });
        let owners = gateways.chain(sets);
        classes
            .chain(pools)
            .chain(owners)
            .chain(routes)
            .chain(policies)
    }
}

fn with_listeners<'a, S>(
    object: &'a Reported<S>,
    conditions: &'a [Condition],
    listeners: &'a [ListenerStatus],
) -> impl Iterator<Item = Row<'a>> {
    let listeners = listeners.iter().map(move |listener| {
        let part = format!("listener {}", listener.name);
        row(object, Some(part), &listener.conditions)
    });
    std::iter::once(row(object, None, conditions)).chain(listeners)
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
fn describe(role: &str, parent: &ParentRef, namespace: &Arc<str>) -> String {
    let kind = match parent.parent() {
        Some(Kind::ListenerSet) => "ListenerSet ",
        _ => "",
    };
    let mut text = format!("{role} {kind}{}", parent.target(namespace));
    if let Some(section) = &parent.section_name {
        text.push_str(&format!(", listener {section}"));
    }
    if let Some(port) = parent.port {
        text.push_str(&format!(", port {port}"));
    }
    text
}
