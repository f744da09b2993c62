//! What can be said about a ListenerSet as a whole.

use super::{
    ConditionType::{Accepted, Programmed},
    Outcome, Verdict, is_false, is_true, is_unknown,
};
use crate::name::ObjectName;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenerSetVerdict {
    #[error("spec.parentRef names a {kind}; a ListenerSet adds listeners to a Gateway")]
    ParentKind { kind: String },

    #[error("spec.parentRef: Gateway \"{gateway}\" does not exist; {hint}")]
    ParentMissing { gateway: ObjectName, hint: String },

    #[error(
        "spec.parentRef: Gateway \"{gateway}\" is not served here; its Accepted condition says why"
    )]
    ParentForeign { gateway: ObjectName },

    #[error("Gateway \"{gateway}\" is not accepted; its Accepted condition says why")]
    ParentNotAccepted { gateway: ObjectName },

    #[error("spec.allowedListeners.namespaces.from of Gateway \"{gateway}\" {why}")]
    NotAllowed { gateway: ObjectName, why: String },

    #[error("not served: {bad}; served: {good}; the listeners' own conditions say why")]
    SomeListenersInvalid { bad: String, good: String },

    #[error("no listener is valid: {bad}; their own conditions say why")]
    NoListenerValid { bad: String },

    #[error("Gateway \"{gateway}\" has no address; its Programmed condition says why")]
    ParentNotProgrammed { gateway: ObjectName },

    #[error("no listener can be served: {bad}; their own conditions say why")]
    NoListenerServed { bad: String },

    #[error("the data path does not hold it yet: {why}")]
    NotApplied { why: String },
}

impl Verdict for ListenerSetVerdict {
    fn outcomes(&self) -> &'static [Outcome] {
        match self {
            Self::ParentKind { .. } | Self::ParentMissing { .. } | Self::ParentForeign { .. } => {
                const {
                    &[
                        is_unknown(Accepted, "Pending"),
                        is_unknown(Programmed, "Pending"),
                    ]
                }
            }
            Self::ParentNotAccepted { .. } => const { &neither("ParentNotAccepted") },
            Self::NotAllowed { .. } => const { &neither("NotAllowed") },
            Self::NoListenerValid { .. } => const { &neither("ListenersNotValid") },
            Self::SomeListenersInvalid { .. } => {
                const { &[is_true(Accepted, "ListenersNotValid")] }
            }
            Self::ParentNotProgrammed { .. } => {
                const { &[is_false(Programmed, "ParentNotProgrammed")] }
            }
            Self::NoListenerServed { .. } => const { &[is_false(Programmed, "ListenersNotValid")] },
            Self::NotApplied { .. } => const { &[is_false(Programmed, "Pending")] },
        }
    }
}

/// What is not accepted is not programmed either, for the same reason.
const fn neither(reason: &'static str) -> [Outcome; 2] {
    [is_false(Accepted, reason), is_false(Programmed, reason)]
}
