//! Every condition that we can report: type, status, reason and message. Nothing else names a reason.
//!
//! A verdict is a fact found while translating, one variant each; [`crate::status`] folds them over
//! the conditions an object has when all is well. Names and reasons are those of Gateway API v1.6
//! (`apis/v1/*_types.go`); what it has no word for is in our own domain.

use std::fmt;

use serde::{Deserialize, Serialize};

pub mod class;
pub mod gateway;
pub mod hint;
pub mod listener;
pub mod listener_set;
pub mod parameters;
pub mod pod;
pub mod policy;
pub mod pool;
pub mod route;
pub mod sign;

pub use self::{
    class::ClassVerdict, gateway::GatewayVerdict, listener::ListenerVerdict,
    listener_set::ListenerSetVerdict, parameters::ParametersFault, pod::PodVerdict,
    policy::PolicyVerdict, pool::PoolVerdict, route::RouteVerdict, sign::SignVerdict,
};

/// A condition that a fact decides, with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub condition: ConditionType,
    pub status: Truth,
    pub reason: &'static str,
}

/// A fact about an object; `Display` is the message: what is wrong and what to do next.
pub trait Verdict: fmt::Display {
    /// The conditions that it decides.
    fn outcomes(&self) -> &'static [Outcome];

    fn is_about(&self, condition: ConditionType) -> bool {
        self.outcomes().iter().any(|o| o.condition == condition)
    }

    fn decides(&self, condition: ConditionType, status: Truth) -> bool {
        let hit = |o: &Outcome| o.condition == condition && o.status == status;
        self.outcomes().iter().any(hit)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConditionType {
    Accepted,
    /// Of a GatewayClass: the installed CRDs are of a version that we know.
    SupportedVersion,
    ResolvedRefs,
    Programmed,
    Conflicted,
    /// Other listeners of the port take some of the same hosts; only set when it is true.
    #[serde(rename = "OverlappingTLSConfig")]
    OverlappingTlsConfig,
    /// Clients without a valid certificate are let in although validation is set up; only set when
    /// it is true.
    InsecureFrontendValidationMode,
    /// Some rules of a route were dropped; only set when it is true.
    PartiallyInvalid,
    /// A route's backends can take traffic.
    #[serde(rename = "xdp-gateway.dev/BackendsReady")]
    BackendsReady,
    /// Another route takes all traffic of a listener; only set when it is true.
    #[serde(rename = "xdp-gateway.dev/Shadowed")]
    Shadowed,
    /// A Gateway has addresses of AddressPools. It also marks the addresses in a Gateway's status
    /// as ours.
    #[serde(rename = "xdp-gateway.dev/AddressesAssigned")]
    AddressesAssigned,
    /// Another station of the network claims an address; only set when it is true.
    #[serde(rename = "xdp-gateway.dev/AddressConflict")]
    AddressConflict,
    /// An interface that the class of a Gateway asks for cannot be served on; only set when it is
    /// false. As the node sees it that writes statuses.
    #[serde(rename = "xdp-gateway.dev/InterfacesServed")]
    InterfacesServed,
    /// Objects stand for a Gateway inside the cluster, with the labels and annotations that it asks
    /// for; only set when it is false.
    #[serde(rename = "xdp-gateway.dev/InfrastructureApplied")]
    InfrastructureApplied,
    /// Fields are valid but have no effect in this version; only set when it is true.
    #[serde(rename = "xdp-gateway.dev/FieldsIgnored")]
    FieldsIgnored,
}

/// `status` of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Truth {
    True,
    False,
    Unknown,
}

impl ConditionType {
    /// The value that means all is well. Overlapping host names are: a request on a connection that
    /// was opened for another listener is answered with 421.
    pub fn wished(self) -> Truth {
        match self {
            Self::Accepted
            | Self::SupportedVersion
            | Self::ResolvedRefs
            | Self::Programmed
            | Self::OverlappingTlsConfig
            | Self::AddressesAssigned
            | Self::InterfacesServed
            | Self::InfrastructureApplied
            | Self::BackendsReady => Truth::True,
            Self::Conflicted
            | Self::InsecureFrontendValidationMode
            | Self::PartiallyInvalid
            | Self::Shadowed
            | Self::AddressConflict
            | Self::FieldsIgnored => Truth::False,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::SupportedVersion => "SupportedVersion",
            Self::ResolvedRefs => "ResolvedRefs",
            Self::Programmed => "Programmed",
            Self::Conflicted => "Conflicted",
            Self::OverlappingTlsConfig => "OverlappingTLSConfig",
            Self::InsecureFrontendValidationMode => "InsecureFrontendValidationMode",
            Self::PartiallyInvalid => "PartiallyInvalid",
            Self::BackendsReady => "xdp-gateway.dev/BackendsReady",
            Self::Shadowed => "xdp-gateway.dev/Shadowed",
            Self::AddressesAssigned => "xdp-gateway.dev/AddressesAssigned",
            Self::AddressConflict => "xdp-gateway.dev/AddressConflict",
            Self::InterfacesServed => "xdp-gateway.dev/InterfacesServed",
            Self::InfrastructureApplied => "xdp-gateway.dev/InfrastructureApplied",
            Self::FieldsIgnored => "xdp-gateway.dev/FieldsIgnored",
        }
    }

    /// The message when nothing speaks against it.
    pub(crate) fn well_message(self) -> &'static str {
        match self {
            Self::Accepted => "valid",
            Self::SupportedVersion => "the installed version of Gateway API is supported",
            Self::ResolvedRefs => "all references resolve",
            Self::Programmed => "in the data path",
            Self::Conflicted => "no other listener is in the way",
            Self::OverlappingTlsConfig => "host names overlap",
            Self::InsecureFrontendValidationMode => {
                "clients without a valid certificate are refused"
            }
            Self::PartiallyInvalid => "every rule is valid",
            Self::BackendsReady => "every backend in use has a ready endpoint",
            Self::Shadowed => "no other route takes its traffic",
            Self::AddressesAssigned => "every address is one of an AddressPool",
            Self::AddressConflict => "nobody else answers for its addresses",
            Self::InterfacesServed => "every interface carries the programs",
            Self::InfrastructureApplied => "its Service carries what it asks for",
            Self::FieldsIgnored => "every field is honoured",
        }
    }

    /// The outcome when nothing speaks against it.
    pub(crate) fn well(self) -> Outcome {
        let reason = match self {
            Self::Conflicted => "NoConflicts",
            Self::Shadowed => "NotShadowed",
            Self::AddressConflict => "NoConflict",
            Self::FieldsIgnored => "NoneIgnored",
            Self::OverlappingTlsConfig => "OverlappingHostnames",
            Self::InsecureFrontendValidationMode => "AllValidated",
            Self::PartiallyInvalid => "Valid",
            Self::BackendsReady => "BackendsReady",
            Self::AddressesAssigned => "Assigned",
            Self::InterfacesServed => "Served",
            Self::InfrastructureApplied => "Applied",
            Self::Accepted | Self::SupportedVersion | Self::ResolvedRefs | Self::Programmed => {
                self.as_str()
            }
        };
        Outcome {
            condition: self,
            status: self.wished(),
            reason,
        }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Truth {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Short forms for the tables of outcomes.
const fn is_true(condition: ConditionType, reason: &'static str) -> Outcome {
    Outcome {
        condition,
        status: Truth::True,
        reason,
    }
}

const fn is_false(condition: ConditionType, reason: &'static str) -> Outcome {
    Outcome {
        condition,
        status: Truth::False,
        reason,
    }
}

/// Not accepted for this reason, and so not in force.
const fn refused(reason: &'static str) -> [Outcome; 2] {
    [
        is_false(ConditionType::Accepted, reason),
        is_false(ConditionType::Programmed, "Invalid"),
    ]
}

/// A reference that cannot be followed.
const fn unresolved(reason: &'static str) -> [Outcome; 1] {
    [is_false(ConditionType::ResolvedRefs, reason)]
}

const fn is_unknown(condition: ConditionType, reason: &'static str) -> Outcome {
    Outcome {
        condition,
        status: Truth::Unknown,
        reason,
    }
}
