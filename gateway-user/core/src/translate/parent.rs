//! The listeners that a parentRef names, before anything is asked about permission.

use super::{
    Scope,
    gateway::{Gateways, Place},
    nearby,
};
use crate::{
    api::{Kind, Listener, Meta, ParentRef},
    name::ObjectName,
    verdict::{RouteVerdict, hint},
};

/// A Gateway and listeners of it, by position.
pub(super) struct Candidates {
    /// What was named: the Gateway, or a ListenerSet that is attached to it.
    pub parent: String,
    pub gateway: usize,
    /// Never empty.
    pub listeners: Vec<usize>,
}

/// Why a parentRef leads nowhere.
pub(super) struct Dangling {
    pub verdict: RouteVerdict,
    /// Whether the parent is one of our Gateways, or a ListenerSet of one.
    pub ours: bool,
}

pub(super) fn resolve(
    scope: Scope,
    gateways: &Gateways,
    route: &Meta,
    index: usize,
    parent: &ParentRef,
) -> Result<Candidates, Dangling> {
    let at = format!("spec.parentRefs[{index}]");
    let elsewhere = |verdict| Dangling {
        verdict,
        ours: false,
    };
    let Some(kind) = parent.parent() else {
        let kind = parent.kind.to_string();
        return Err(elsewhere(RouteVerdict::ParentKind { at, kind }));
    };
    let name = parent.target(&route.namespace);
    let called = format!("{kind} \"{name}\"");
    let gateway = match gateways.place(kind, &name) {
        Some(Place::Served(gateway)) => gateway,
        Some(Place::Foreign { ours }) => {
            let parent = called;
            let verdict = RouteVerdict::ParentForeign { at, parent };
            return Err(Dangling { verdict, ours });
        }
        None => {
            let (parent, hint) = (called, missing(scope, &at, kind, &name));
            let verdict = RouteVerdict::ParentMissing { at, parent, hint };
            return Err(elsewhere(verdict));
        }
    };
    let listeners = gateways.served[gateway].listeners.iter().enumerate();
    let own: Vec<_> = listeners.filter(|(_, l)| l.owner.is(kind, &name)).collect();
    let named = own.iter().filter(|(_, l)| names(parent, l.spec));
    let listeners: Vec<usize> = named.map(|(position, _)| *position).collect();
    if listeners.is_empty() {
        let own = own.iter().map(|(_, l)| l.spec);
        return Err(Dangling {
            verdict: no_listener(at, called, own, parent),
            ours: true,
        });
    }
    Ok(Candidates {
        parent: called,
        gateway,
        listeners,
    })
}

/// Whether sectionName and port of a parentRef choose the listener.
fn names(parent: &ParentRef, listener: &Listener) -> bool {
    let section = parent.section_name.as_ref();
    section.is_none_or(|name| *name == listener.name)
        && parent.port.is_none_or(|port| port == listener.port)
}

fn missing(scope: Scope, at: &str, kind: Kind, wanted: &ObjectName) -> String {
    if kind == Kind::Gateway {
        return missing_gateway(scope, at, wanted);
    }
    let there = nearby::in_namespace(&scope.world.listener_sets, wanted);
    hint::instead_in(&wanted.namespace, &wanted.name, there)
}

/// Names near the one of a Gateway that does not exist, or where one of that name lives.
pub(super) fn missing_gateway(scope: Scope, at: &str, wanted: &ObjectName) -> String {
    let namesakes = scope.nearby.gateways(&wanted.name).iter();
    let namesakes: Vec<_> = namesakes.map(|g| &*g.namespace).collect();
    if let Some(first) = namesakes.first() {
        let list = hint::list(&namesakes);
        return format!("one of that name is in namespace {list}: set {at}.namespace: {first}");
    }
    let gateways = &scope.world.gateways;
    let mut here = nearby::in_namespace(gateways, wanted).peekable();
    if here.peek().is_some() {
        return hint::instead_in(&wanted.namespace, &wanted.name, here);
    }
    let anywhere = nearby::around(gateways, wanted, |_| true).into_iter();
    hint::instead(&wanted.to_string(), anywhere.map(ToString::to_string))
}

fn no_listener<'a>(
    at: String,
    called: String,
    listeners: impl Iterator<Item = &'a Listener>,
    parent: &ParentRef,
) -> RouteVerdict {
    let name = parent
        .section_name
        .as_ref()
        .map(|name| format!("name \"{name}\""));
    let port = parent.port.map(|port| format!("port {port}"));
    let wanted: Vec<String> = name.into_iter().chain(port).collect();
    let existing: Vec<String> = listeners
        .map(|l| format!("{} (port {})", l.name, l.port))
        .collect();
    RouteVerdict::NoSuchListener {
        at,
        parent: called,
        wanted: wanted.join(" and "),
        hint: format!("there is {}", existing.join(", ")),
    }
}
