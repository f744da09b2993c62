//! Gateways: which are ours, and what their listeners amount to.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    Scope, address,
    age::age,
    class, client_certificate,
    listener::{self, ListenerState},
    listener_set::{self, SetState, Unattached},
    owner::Owner,
    parameters,
    tls::Credential,
};
use crate::{
    api::{Gateway, Kind, ListenerSet, gateway_tls::ValidationMode},
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
    /// ListenerSets that add nothing to any.
    pub unattached: Vec<Unattached<'a>>,
    index: BTreeMap<(Kind, ObjectName), Place>,
}

/// What became of a Gateway or a ListenerSet.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// At that position of [`Gateways::served`], or attached to the one there.
    Served(usize),
    Foreign {
        ours: bool,
    },
}

pub(super) struct GatewayState<'a> {
    pub gateway: &'a Gateway,
    pub name: ObjectName,
    pub addresses: Vec<IpAddr>,
    /// All that it serves, in the order of precedence: its own, and those of its ListenerSets.
    pub listeners: Vec<ListenerState<'a>>,
    /// ListenerSets that are attached, the oldest first.
    pub sets: Vec<SetState<'a>>,
    pub parameters: Parameters,
    /// To show to backends that ask for one.
    pub certificate: Option<Credential>,
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
    pub(super) fn place(&self, kind: Kind, name: &ObjectName) -> Option<Place> {
        self.index.get(&(kind, name.clone())).copied()
    }

    pub(super) fn note(&mut self, kind: Kind, name: ObjectName, place: Place) {
        self.index.insert((kind, name), place);
    }
}

impl<'a> GatewayState<'a> {
    /// Adds the listeners of a ListenerSet that is younger than those before.
    pub(super) fn add(&mut self, scope: Scope<'a>, set: &'a ListenerSet) {
        let owner = Owner {
            gateway: self.gateway,
            set: Some(set),
        };
        self.listeners.extend(listeners(scope, owner));
        let verdicts = Vec::new();
        self.sets.push(SetState { set, verdicts });
    }
}

pub(super) fn judge(scope: Scope<'_>) -> Gateways<'_> {
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
        .map(|(at, state)| ((Kind::Gateway, state.name.clone()), Place::Served(at)));
    let elsewhere = foreign.iter().map(|f| {
        let place = Place::Foreign { ours: f.ours };
        ((Kind::Gateway, f.gateway.name()), place)
    });
    let mut gateways = Gateways {
        index: index.chain(elsewhere).collect(),
        served,
        foreign,
        taken,
        unattached: Vec::new(),
    };
    listener_set::attach(scope, &mut gateways);
    gateways
}

fn listeners<'a>(scope: Scope<'a>, owner: Owner<'a>) -> impl Iterator<Item = ListenerState<'a>> {
    let specs = owner.listeners().iter();
    specs.map(move |spec| listener::judge(scope, owner, spec))
}

fn state<'a>(scope: Scope<'a>, gateway: &'a Gateway) -> GatewayState<'a> {
    let mut verdicts = Vec::new();
    let fault = parameters::of_gateway(scope, gateway).err();
    verdicts.extend(fault.map(GatewayVerdict::Parameters));
    let unread = [("spec.defaultScope", gateway.spec.default_scope.is_some())];
    let unread = unread.into_iter().filter(|(_, present)| *present);
    verdicts.extend(unread.map(|(field, _)| GatewayVerdict::FieldIgnored { field }));
    verdicts.extend(insecure(gateway));
    let certificate = client_certificate::of_gateway(scope, gateway, &mut verdicts);
    GatewayState {
        gateway,
        name: gateway.name(),
        listeners: listeners(scope, Owner::of(gateway)).collect(),
        sets: Vec::new(),
        addresses: Vec::new(),
        parameters: parameters::resolve(scope, gateway),
        certificate,
        verdicts,
    }
}

/// Whether some port lets clients in whose certificates are not valid.
fn insecure(gateway: &Gateway) -> Option<GatewayVerdict> {
    let frontend = gateway.spec.tls.as_ref()?.frontend.as_ref()?;
    let insecure = frontend
        .validations()
        .filter(|(_, v)| v.mode.is(ValidationMode::AllowInsecureFallback));
    let fields: Vec<String> = insecure.map(|(at, _)| format!("spec.{at}")).collect();
    let fields = (!fields.is_empty()).then(|| fields.join(", "))?;
    Some(GatewayVerdict::InsecureFrontend { fields })
}

/// What Gateways and listeners mean for each other, once conflicts are known.
pub(super) fn conclude(gateways: &mut [GatewayState]) {
    for state in gateways {
        let (good, bad) = names(own(&state.listeners), ListenerState::is_accepted);
        if good.is_empty() {
            let bad = hint::list(&bad);
            state.verdicts.push(GatewayVerdict::NoListenerValid { bad });
        } else if !bad.is_empty() {
            let (bad, good) = (hint::list(&bad), hint::list(&good));
            state
                .verdicts
                .push(GatewayVerdict::SomeListenersInvalid { bad, good });
        }
        let (_, bad) = names(own(&state.listeners), ListenerState::is_resolved);
        if !bad.is_empty() {
            let bad = hint::list(&bad);
            state
                .verdicts
                .push(GatewayVerdict::ListenersNotResolved { bad });
        }
        let refused = state
            .verdicts
            .iter()
            .any(|v| v.decides(ConditionType::Accepted, Truth::False));
        listener_set::judge(state, refused);
        for listener in state.listeners.iter_mut().filter(|l| l.is_accepted()) {
            if refused {
                listener.verdicts.push(ListenerVerdict::GatewayNotAccepted);
            } else if state.addresses.is_empty() {
                listener.verdicts.push(ListenerVerdict::NoAddress);
            }
        }
        listener_set::conclude(state);
        let (served, idle) = names(own(&state.listeners), ListenerState::is_programmed);
        if served.is_empty() && !refused && !state.addresses.is_empty() {
            let bad = hint::list(&idle);
            state
                .verdicts
                .push(GatewayVerdict::NoListenerServed { bad });
        }
    }
}

/// Those that are the Gateway's, not of a ListenerSet.
pub(super) fn own<'a, 'b>(
    listeners: &'b [ListenerState<'a>],
) -> impl Iterator<Item = &'b ListenerState<'a>> {
    listeners.iter().filter(|l| l.owner.set.is_none())
}

/// Names of the listeners that are `good`, and of the others.
pub(super) fn names<'a: 'b, 'b>(
    listeners: impl Iterator<Item = &'b ListenerState<'a>>,
    good: impl Fn(&ListenerState<'a>) -> bool,
) -> (Vec<String>, Vec<String>) {
    let (good, bad): (Vec<&ListenerState>, Vec<&ListenerState>) = listeners.partition(|l| good(l));
    let names = |of: Vec<&ListenerState>| of.iter().map(|l| l.spec.name.to_string()).collect();
    (names(good), names(bad))
}
