//! ListenerSets: which Gateway each is attached to, and what that makes of it (GEP-1713).

use super::{
    Scope,
    age::age,
    gateway::{GatewayState, Gateways, Place, names},
    listener::ListenerState,
    parent,
};
use crate::{
    api::{Gateway, Kind, ListenerSet, Open, gateway::ListenersFrom},
    verdict::{ConditionType, ListenerSetVerdict, Truth, Verdict, hint},
};

/// A ListenerSet that is attached to a Gateway.
pub(super) struct SetState<'a> {
    pub set: &'a ListenerSet,
    pub verdicts: Vec<ListenerSetVerdict>,
}

/// A ListenerSet that is attached to nothing.
pub(super) struct Unattached<'a> {
    pub set: &'a ListenerSet,
    pub verdict: ListenerSetVerdict,
    /// Whether it is ours to write to: its parent is a Gateway of ours.
    pub ours: bool,
}

impl SetState<'_> {
    pub(super) fn is_accepted(&self) -> bool {
        let refuses = |v: &ListenerSetVerdict| v.decides(ConditionType::Accepted, Truth::False);
        !self.verdicts.iter().any(refuses)
    }
}

/// Adds the listeners of each ListenerSet to those of its Gateway, in the order of precedence: the
/// Gateway's own, then those of the oldest ListenerSet.
pub(super) fn attach<'a>(scope: Scope<'a>, gateways: &mut Gateways<'a>) {
    let mut sets: Vec<&ListenerSet> = scope.world.listener_sets.values().collect();
    sets.sort_by_cached_key(|set| age(&set.meta));
    for set in sets {
        let place = match host(scope, gateways, set) {
            Ok(at) => {
                gateways.served[at].add(scope, set);
                Place::Served(at)
            }
            Err((verdict, ours)) => {
                let unattached = Unattached { set, verdict, ours };
                gateways.unattached.push(unattached);
                Place::Foreign { ours }
            }
        };
        gateways.note(Kind::ListenerSet, set.name(), place);
    }
}

/// Position of the Gateway that it is attached to; or why to none, and whether it is ours.
fn host(
    scope: Scope,
    gateways: &Gateways,
    set: &ListenerSet,
) -> Result<usize, (ListenerSetVerdict, bool)> {
    let parent = &set.spec.parent_ref;
    if !parent.is_gateway() {
        let kind = parent.kind.to_string();
        return Err((ListenerSetVerdict::ParentKind { kind }, false));
    }
    let gateway = parent.target(&set.meta.namespace);
    match gateways.place(Kind::Gateway, &gateway) {
        Some(Place::Served(at)) => match allowed(scope, gateways.served[at].gateway, set) {
            Ok(()) => Ok(at),
            Err(why) => Err((ListenerSetVerdict::NotAllowed { gateway, why }, true)),
        },
        Some(Place::Foreign { ours: true }) => {
            Err((ListenerSetVerdict::ParentNotAccepted { gateway }, true))
        }
        Some(Place::Foreign { ours: false }) => {
            Err((ListenerSetVerdict::ParentForeign { gateway }, false))
        }
        None => {
            let hint = parent::missing_gateway(scope, "spec.parentRef", &gateway);
            Err((ListenerSetVerdict::ParentMissing { gateway, hint }, false))
        }
    }
}

/// Whether `spec.allowedListeners` of the Gateway lets it attach; else why not, and what would.
fn allowed(scope: Scope, gateway: &Gateway, set: &ListenerSet) -> Result<(), String> {
    let (from, own) = (&set.meta.namespace, &gateway.meta.namespace);
    let allowed = gateway.spec.allowed_listeners.clone().unwrap_or_default();
    match &allowed.namespaces.from {
        Open::Known(ListenersFrom::All) => Ok(()),
        Open::Known(ListenersFrom::Same) if from == own => Ok(()),
        Open::Known(ListenersFrom::Same) => Err(format!(
            "is Same, and this one is in namespace \"{from}\"; set it to All, or to Selector with \
             a selector for \"{from}\""
        )),
        Open::Known(ListenersFrom::Selector) => {
            let labels = scope.world.namespace_labels(from);
            let Some(selector) = &allowed.namespaces.selector else {
                return Err("is Selector, but there is no selector; add one".to_owned());
            };
            if selector.matches(&labels) {
                return Ok(());
            }
            let labels: Vec<_> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let labels = labels.join(", ");
            Err(format!(
                "is Selector, and namespace \"{from}\" has {labels}; change the labels or the selector"
            ))
        }
        Open::Known(ListenersFrom::None) => Err(format!(
            "is None, which is the default; set it to {}",
            if from == own { "Same" } else { "All" }
        )),
        Open::Unknown(value) => Err(format!("is {value}, which is not known")),
    }
}

/// What its listeners mean for each ListenerSet of a Gateway, which is `refused` or not. What the
/// Gateway means for the listeners is not to be among their verdicts yet.
pub(super) fn judge(state: &mut GatewayState, refused: bool) {
    for SetState { set, verdicts } in &mut state.sets {
        if refused {
            let gateway = state.name.clone();
            verdicts.push(ListenerSetVerdict::ParentNotAccepted { gateway });
            continue;
        }
        // A listener without any certificate is accepted, but there is nothing to be made of it.
        let own = of(&state.listeners, set);
        let (good, bad) = names(own, ListenerState::is_programmed);
        if bad.is_empty() {
            continue;
        }
        let (none, good, bad) = (good.is_empty(), hint::list(&good), hint::list(&bad));
        verdicts.push(match none {
            true => ListenerSetVerdict::NoListenerValid { bad },
            false => ListenerSetVerdict::SomeListenersInvalid { bad, good },
        });
    }
}

/// What the Gateway's addresses mean for its ListenerSets, once the listeners know of them.
pub(super) fn conclude(state: &mut GatewayState) {
    for index in 0..state.sets.len() {
        let found = &state.sets[index];
        let (served, bad) = names(
            of(&state.listeners, found.set),
            ListenerState::is_programmed,
        );
        if !found.is_accepted() || !served.is_empty() {
            continue;
        }
        let verdict = if state.addresses.is_empty() {
            let gateway = state.name.clone();
            ListenerSetVerdict::ParentNotProgrammed { gateway }
        } else {
            let bad = hint::list(&bad);
            ListenerSetVerdict::NoListenerServed { bad }
        };
        state.sets[index].verdicts.push(verdict);
    }
}

/// The listeners of `set` among all of a Gateway.
fn of<'a, 'b>(
    listeners: &'b [ListenerState<'a>],
    set: &'b ListenerSet,
) -> impl Iterator<Item = &'b ListenerState<'a>> {
    let is_its = move |l: &&ListenerState| l.owner.set.is_some_and(|own| std::ptr::eq(own, set));
    listeners.iter().filter(is_its)
}
