//! What can be said about a route with respect to one of its parents.

use std::sync::Arc;

use super::{
    ConditionType::{
        Accepted, BackendsReady, FieldsIgnored, PartiallyInvalid, ResolvedRefs, Shadowed,
    },
    Outcome, Verdict, is_false, is_true,
};
use crate::name::ObjectName;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteVerdict {
    #[error("{at} names a {kind}; routes attach to a Gateway or a ListenerSet here")]
    ParentKind { at: String, kind: String },

    #[error("{at}: {parent} does not exist; {hint}")]
    ParentMissing {
        at: String,
        parent: String,
        hint: String,
    },

    #[error("{at}: {parent} is not served here; its Accepted condition says why")]
    ParentForeign { at: String, parent: String },

    #[error("{at}: {parent} has no listener with {wanted}; {hint}")]
    NoSuchListener {
        at: String,
        parent: String,
        wanted: String,
        hint: String,
    },

    #[error("no listener of {parent} takes this route: {whys}")]
    NotAllowed { parent: String, whys: String },

    #[error("none of spec.hostnames ({own}) is within the host names of the listeners: {theirs}")]
    NoMatchingHostname { own: String, theirs: String },

    #[error("{at} is {value}; {allowed}")]
    UnsupportedValue {
        at: String,
        value: String,
        allowed: String,
    },

    #[error("{at}: {what} is not implemented yet; remove it")]
    NotImplemented { at: String, what: String },

    #[error(
        "{at}: the regular expression \"{pattern}\" cannot be read: {why}; see docs.rs/regex for the syntax"
    )]
    BadRegex {
        at: String,
        pattern: Arc<str>,
        why: String,
    },

    #[error("{at} has {first} and {second}, which exclude each other; remove one")]
    IncompatibleFilters {
        at: String,
        first: &'static str,
        second: &'static str,
    },

    #[error(
        "Dropped Rule {rule} (counted from 0), requests that it still matches get a 500: {why}"
    )]
    RuleDropped { rule: usize, why: String },

    #[error("{at}: {kind} is not a kind of backend that is supported; use a Service")]
    BackendKind { at: String, kind: String },

    #[error(
        "{at}: Service \"{service}\" has type ExternalName, which cannot be a backend; use one with endpoints"
    )]
    ExternalName { at: String, service: ObjectName },

    #[error("{at}: Service \"{service}\" is in another namespace; {remedy}")]
    BackendNotPermitted {
        at: String,
        service: ObjectName,
        remedy: String,
    },

    #[error("{at}: Service \"{service}\" does not exist; {hint}")]
    BackendMissing {
        at: String,
        service: ObjectName,
        hint: String,
    },

    #[error("{at} has no port; give one of those of Service \"{service}\": {ports}")]
    BackendPortNotGiven {
        at: String,
        service: ObjectName,
        ports: String,
    },

    #[error("{at}: Service \"{service}\" has no {protocol} port {port}; it has {ports}")]
    BackendPortMissing {
        at: String,
        service: ObjectName,
        port: u16,
        protocol: &'static str,
        ports: String,
    },

    #[error(
        "{at}: appProtocol \"{protocol}\" of Service \"{service}\" cannot be used for {purpose}; \
         backends are spoken to in HTTP/1.1, with kubernetes.io/h2c in HTTP/2, and with TLS where \
         a BackendTLSPolicy says how to verify them"
    )]
    BackendProtocol {
        at: String,
        service: ObjectName,
        protocol: String,
        purpose: &'static str,
    },

    #[error(
        "accepted, but no listener that it attached to is served ({listeners}); see the conditions of the listeners"
    )]
    NotServed { listeners: String },

    #[error(
        "listener \"{listener}\" serves one {kind} only, the oldest: \"{by}\"; this one gets no \
         traffic there until it is gone, or attach this one to a listener of its own"
    )]
    Shadowed {
        listener: Arc<str>,
        kind: &'static str,
        by: ObjectName,
    },

    #[error(
        "listener {listeners} serves the same hosts for an older route of the other kind, {by}; \
         HTTPRoutes and GRPCRoutes cannot share a host, so change spec.hostnames of one of them"
    )]
    Rival { listeners: String, by: String },

    #[error(
        "gets no traffic of listener {listeners}, which serves the same hosts for an older route of \
         the other kind, {by}; change spec.hostnames of one of them"
    )]
    RivalInPart { listeners: String, by: String },

    #[error(
        "connections to {hosts} at listener \"{listener}\" go to the older TLSRoute \"{by}\"; \
         remove these host names from one of the two"
    )]
    HostsShadowed {
        listener: Arc<str>,
        hosts: String,
        by: ObjectName,
    },

    #[error("{at} is not implemented yet and has no effect")]
    FieldIgnored { at: String },

    #[error(
        "no ready endpoint: {backends}; {effect}; see that the pods behind the Service are Ready \
         and that its selector and targetPort fit them"
    )]
    NoReadyEndpoints {
        backends: String,
        effect: &'static str,
    },

    #[error("{what}: {effect}; name a backend")]
    NoBackends { what: String, effect: &'static str },

    #[error("{what}: all weights are 0, {effect}; give at least one backend a weight above 0")]
    AllWeightsZero { what: String, effect: &'static str },
}

impl Verdict for RouteVerdict {
    fn outcomes(&self) -> &'static [Outcome] {
        match self {
            Self::ParentKind { .. }
            | Self::ParentMissing { .. }
            | Self::ParentForeign { .. }
            | Self::NoSuchListener { .. } => const { &[is_false(Accepted, "NoMatchingParent")] },
            Self::NotAllowed { .. } => const { &[is_false(Accepted, "NotAllowedByListeners")] },
            Self::NoMatchingHostname { .. } => {
                const { &[is_false(Accepted, "NoMatchingListenerHostname")] }
            }
            Self::UnsupportedValue { .. } | Self::NotImplemented { .. } | Self::BadRegex { .. } => {
                const { &[is_false(Accepted, "UnsupportedValue")] }
            }
            Self::IncompatibleFilters { .. } => {
                const { &[is_false(Accepted, "IncompatibleFilters")] }
            }
            Self::RuleDropped { .. } => const { &[is_true(PartiallyInvalid, "UnsupportedValue")] },
            Self::BackendKind { .. } | Self::ExternalName { .. } => {
                const { &[is_false(ResolvedRefs, "InvalidKind")] }
            }
            Self::BackendNotPermitted { .. } => {
                const { &[is_false(ResolvedRefs, "RefNotPermitted")] }
            }
            Self::BackendMissing { .. }
            | Self::BackendPortNotGiven { .. }
            | Self::BackendPortMissing { .. } => {
                const { &[is_false(ResolvedRefs, "BackendNotFound")] }
            }
            Self::BackendProtocol { .. } => {
                const { &[is_false(ResolvedRefs, "UnsupportedProtocol")] }
            }
            Self::NotServed { .. } => const { &[is_true(Accepted, "Accepted")] },
            Self::Rival { .. } => const { &[is_false(Accepted, "HostnameConflict")] },
            Self::RivalInPart { .. } | Self::Shadowed { .. } | Self::HostsShadowed { .. } => {
                const { &[is_true(Shadowed, "OlderRouteServes")] }
            }
            Self::FieldIgnored { .. } => const { &[is_true(FieldsIgnored, "NotImplemented")] },
            Self::NoReadyEndpoints { .. } => {
                const { &[is_false(BackendsReady, "NoReadyEndpoints")] }
            }
            Self::NoBackends { .. } => const { &[is_false(BackendsReady, "NoBackends")] },
            Self::AllWeightsZero { .. } => const { &[is_false(BackendsReady, "AllWeightsZero")] },
        }
    }
}
