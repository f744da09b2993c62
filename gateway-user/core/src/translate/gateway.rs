//! Gateways: which are ours, and what their listeners amount to.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    Scope, address,
    age::age,
    class,
    listener::{self, ListenerState},
    parameters,
};
use crate::{
    api::Gateway,
    name::ObjectName,
    plan::Parameters,
    verdict::{ConditionType, GatewayVerdict, ListenerVerdict, Truth, Verdict, hint},
};

/// Every Gateway of the world.
pub(super) struct Gateways<'a> {
    /// Those that we serve or try to, the oldest first.
    pub served: Vec<GatewayState<'a>>,
    pub foreign: Vec<Foreign<'a>>,
    /// Addresses that nobody else can have.
    pub taken: BTreeSet<IpAddr>,
    index: BTreeMap<ObjectName, Place>,
}

/// What became of a Gateway.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// At that position of [`Gateways::served`].
    Served(usize),
    Foreign {
        ours: bool,
    },
}

pub(super) struct GatewayState<'a> {
    pub gateway: &'a Gateway,
    pub name: ObjectName,
    pub addresses: Vec<IpAddr>,
    pub listeners: Vec<ListenerState<'a>>,
    pub parameters: Parameters,
    pub verdicts: Vec<GatewayVerdict>,
}

/// A Gateway that is not served.
pub(super) struct Foreign<'a> {
    pub gateway: &'a Gateway,
    /// Why, and what it keeps.
    pub verdicts: Vec<GatewayVerdict>,
    /// Whether it is ours to write to.
    pub ours: bool,
    /// What it keeps until it is served again.
    pub addresses: Vec<IpAddr>,
}

impl Gateways<'_> {
    /// `None`: it does not exist.
    pub(super) fn place(&self, name: &ObjectName) -> Option<Place> {
        self.index.get(name).copied()
    }
}

pub(super) fn judge(scope: Scope) -> Gateways {
    let mut served = Vec::new();
    let mut foreign = Vec::new();
    for gateway in scope.world.gateways.values() {
        match class::of_gateway(scope, gateway) {
            Some((verdict, ours)) => foreign.push(Foreign {
                gateway,
                verdicts: vec![verdict],
                ours,
                addresses: Vec::new(),
            }),
            None => served.push(state(scope, gateway)),
        }
    }
    served.sort_by_cached_key(|state: &GatewayState| age(&state.gateway.meta));
    let taken = address::judge(scope, &mut served, &mut foreign);
    let index = served
        .iter()
        .enumerate()
        .map(|(at, state)| (state.name.clone(), Place::Served(at)));
    let elsewhere = foreign
        .iter()
        .map(|f| (f.gateway.name(), Place::Foreign { ours: f.ours }));
    Gateways {
        index: index.chain(elsewhere).collect(),
        served,
        foreign,
        taken,
    }
}

fn state<'a>(scope: Scope<'a>, gateway: &'a Gateway) -> GatewayState<'a> {
    let mut verdicts = Vec::new();
    let fault = parameters::of_gateway(scope, gateway).err();
    verdicts.extend(fault.map(GatewayVerdict::Parameters));
    let unread = [
        ("spec.tls.backend", gateway.spec.has_tls("backend")),
        ("spec.defaultScope", gateway.spec.default_scope.is_some()),
        (
            "spec.allowedListeners",
            gateway.spec.allowed_listeners.is_some(),
        ),
    ];
    let unread = unread.into_iter().filter(|(_, present)| *present);
    verdicts.extend(unread.map(|(field, _)| GatewayVerdict::FieldIgnored { field }));
    let listeners = gateway.spec.listeners.iter();
    GatewayState {
        gateway,
        name: gateway.name(),
        listeners: listeners
            .map(|l| listener::judge(scope, gateway, l))
            .collect(),
        addresses: Vec::new(),
        parameters: parameters::resolve(scope, gateway),
        verdicts,
    }
}

/// What Gateways and listeners mean for each other, once conflicts are known.
pub(super) fn conclude(gateways: &mut [GatewayState]) {
    for state in gateways {
        let (good, bad) = names(&state.listeners, ListenerState::is_accepted);
        if good.is_empty() {
            let bad = hint::list(&bad);
            state.verdicts.push(GatewayVerdict::NoListenerValid { bad });
        } else if !bad.is_empty() {
            let (bad, good) = (hint::list(&bad), hint::list(&good));
            state
                .verdicts
                .push(GatewayVerdict::SomeListenersInvalid { bad, good });
        }
        let refused = state
            .verdicts
            .iter()
            .any(|v| v.decides(ConditionType::Accepted, Truth::False));
        for listener in state.listeners.iter_mut().filter(|l| l.is_accepted()) {
            if refused {
                listener.verdicts.push(ListenerVerdict::GatewayNotAccepted);
            } else if state.addresses.is_empty() {
                listener.verdicts.push(ListenerVerdict::NoAddress);
            } else if listener.is_l4() && state.addresses.iter().all(IpAddr::is_ipv6) {
                listener.verdicts.push(ListenerVerdict::OnlyIpv6);
            }
        }
        let (served, idle) = names(&state.listeners, ListenerState::is_programmed);
        if served.is_empty() && !refused && !state.addresses.is_empty() {
            let bad = hint::list(&idle);
            state
                .verdicts
                .push(GatewayVerdict::NoListenerServed { bad });
        }
    }
}

/// Names of the listeners that are `good`, and of the others.
fn names<'a>(
    listeners: &[ListenerState<'a>],
    good: impl Fn(&ListenerState<'a>) -> bool,
) -> (Vec<String>, Vec<String>) {
    let (good, bad): (Vec<&ListenerState>, Vec<&ListenerState>) =
        listeners.iter().partition(|l| good(l));
    let names = |of: Vec<&ListenerState>| of.iter().map(|l| l.spec.name.to_string()).collect();
    (names(good), names(bad))
}
