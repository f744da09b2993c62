//! The listeners that a parentRef names, before anything is asked about permission.

use super::{
    Scope,
    gateway::{GatewayState, Gateways, Place},
    nearby,
};
use crate::{
    api::{Meta, ParentRef},
    name::ObjectName,
    verdict::{RouteVerdict, hint},
};

/// A Gateway and listeners of it, by position.
pub(super) struct Candidates {
    pub gateway: usize,
    /// Never empty.
    pub listeners: Vec<usize>,
}

/// Why a parentRef leads nowhere.
pub(super) struct Dangling {
    pub verdict: RouteVerdict,
    /// Whether the parent is one of our Gateways.
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
    if !parent.is_gateway() {
        let kind = parent.kind.to_string();
        return Err(elsewhere(RouteVerdict::ParentKind { at, kind }));
    }
    let name = parent.target(&route.namespace);
    let gateway = match gateways.place(&name) {
        Some(Place::Served(gateway)) => gateway,
        Some(Place::Foreign { ours }) => {
            let verdict = RouteVerdict::ParentForeign { at, gateway: name };
            return Err(Dangling { verdict, ours });
        }
        None => {
            let hint = missing(scope, &at, &name);
            return Err(elsewhere(RouteVerdict::ParentMissing {
                at,
                gateway: name,
                hint,
            }));
        }
    };
    let state = &gateways.served[gateway];
    let listeners: Vec<usize> = positions(state, parent).collect();
    if listeners.is_empty() {
        let verdict = no_listener(at, state, parent);
        return Err(Dangling {
            verdict,
            ours: true,
        });
    }
    Ok(Candidates { gateway, listeners })
}

fn positions(state: &GatewayState, parent: &ParentRef) -> impl Iterator<Item = usize> {
    let listeners = state.gateway.spec.listeners.iter().enumerate();
    let named = listeners.filter(|(_, listener)| {
        parent
            .section_name
            .as_ref()
            .is_none_or(|name| *name == listener.name)
            && parent.port.is_none_or(|port| port == listener.port)
    });
    named.map(|(position, _)| position)
}

/// Names near the one of a Gateway that does not exist, or where one of that name lives.
fn missing(scope: Scope, at: &str, wanted: &ObjectName) -> String {
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

fn no_listener(at: String, state: &GatewayState, parent: &ParentRef) -> RouteVerdict {
    let name = parent
        .section_name
        .as_ref()
        .map(|name| format!("name \"{name}\""));
    let port = parent.port.map(|port| format!("port {port}"));
    let wanted: Vec<String> = name.into_iter().chain(port).collect();
    let listeners = state.gateway.spec.listeners.iter();
    let existing: Vec<String> = listeners
        .map(|l| format!("{} (port {})", l.name, l.port))
        .collect();
    RouteVerdict::NoSuchListener {
        at,
        gateway: state.name.clone(),
        wanted: wanted.join(" and "),
        hint: format!("there is {}", existing.join(", ")),
    }
}
