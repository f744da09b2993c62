//! Statuses of objects in the shape of the Kubernetes API; the one place that makes conditions.
//!
//! Times are left out: whoever writes a status adds `lastTransitionTime`, and compares without it.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    api::{Meta, ParentRef, listener::RouteKind},
    name::ObjectName,
    verdict::{ConditionType, Truth},
};

mod endpoints;
mod fold;
mod ledger;
mod live;
mod merge;
mod nodes;
mod notice;
mod rows;
mod sign;
#[cfg(test)]
mod tests;
mod writes;

pub(crate) use self::fold::fold;
pub use self::{
    endpoints::endpoint_verdicts,
    ledger::Ledger,
    live::{Live, LiveStatuses},
    merge::cut as shortened,
    nodes::{NodeReport, NodeReports},
    notice::Notice,
    rows::Row,
    sign::{Sign, Subject, Told, certificate_signs},
    writes::{Author, Write, writes},
};

/// What there is to say about every object, each list in the order of names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statuses {
    pub classes: Vec<Reported<ClassStatus>>,
    pub gateways: Vec<Reported<GatewayStatus>>,
    #[serde(default)]
    pub listener_sets: Vec<Reported<ListenerSetStatus>>,
    #[serde(default)]
    pub pools: Vec<Reported<PoolStatus>>,
    /// HTTPRoutes, GRPCRoutes, TCPRoutes, UDPRoutes.
    pub routes: Vec<Reported<RouteStatus>>,
    /// BackendTLSPolicies.
    #[serde(default)]
    pub policies: Vec<Reported<PolicyStatus>>,
}

/// The status of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reported<S> {
    pub kind: Cow<'static, str>,
    /// Empty for kinds without a namespace.
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    /// Whether this controller answers for the object. If not, the status is for the user's eyes
    /// only: it must not be written to the API server.
    pub ours: bool,
    pub status: S,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassStatus {
    pub conditions: Vec<Condition>,
    /// Of a class of ours, in the order of names.
    #[serde(default)]
    pub supported_features: Vec<SupportedFeature>,
}

/// See [`crate::features`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportedFeature {
    pub name: Cow<'static, str>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayStatus {
    pub addresses: Vec<StatusAddress>,
    pub conditions: Vec<Condition>,
    /// The Gateway's own.
    pub listeners: Vec<ListenerStatus>,
    /// ListenerSets that are accepted. `None` where none is asked for, which removes an earlier
    /// value from the API server.
    #[serde(default)]
    pub attached_listener_sets: Option<usize>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ListenerSetStatus {
    pub conditions: Vec<Condition>,
    pub listeners: Vec<ListenerStatus>,
    /// What it is attached to; not part of the API.
    #[serde(skip)]
    pub gateway: Option<ObjectName>,
}

/// Of an AddressPool. A family that it has not is `null`, which removes an earlier value from the
/// API server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoolStatus {
    /// Addresses that Gateways have, of both families.
    pub used: usize,
    #[serde(default)]
    pub ipv4: Option<PoolUsage>,
    #[serde(default)]
    pub ipv6: Option<PoolUsage>,
    /// Names of the pools that it shares addresses with.
    pub conflicts: Vec<Arc<str>>,
    pub conditions: Vec<Condition>,
}

/// Numbers of addresses, in decimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolUsage {
    pub total: String,
    pub used: String,
    pub free: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusAddress {
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenerStatus {
    pub name: Arc<str>,
    pub supported_kinds: Vec<RouteKind>,
    /// Accepted routes that attach here, whether or not the listener is served.
    pub attached_routes: usize,
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouteStatus {
    pub parents: Vec<ParentStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentStatus {
    pub parent_ref: ParentRef,
    pub controller_name: Arc<str>,
    pub conditions: Vec<Condition>,
    /// As [`Reported::ours`], for this entry.
    #[serde(skip)]
    pub ours: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PolicyStatus {
    pub ancestors: Vec<AncestorStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AncestorStatus {
    /// A Gateway with a route to a target.
    pub ancestor_ref: ParentRef,
    pub controller_name: Arc<str>,
    pub conditions: Vec<Condition>,
    /// As [`Reported::ours`], for this entry.
    #[serde(skip)]
    pub ours: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: ConditionType,
    pub status: Truth,
    pub reason: Cow<'static, str>,
    pub message: String,
    pub observed_generation: i64,
}

impl Condition {
    /// Whether it has the value that means all is well.
    pub fn as_wished(&self) -> bool {
        self.status == self.kind.wished()
    }

    /// Whether it is as wished and has nothing to add.
    pub fn is_plain(&self) -> bool {
        self.as_wished() && self.message == self.kind.well_message()
    }
}

impl<S> Reported<S> {
    pub(crate) fn new(kind: &'static str, meta: &Meta, ours: bool, status: S) -> Self {
        Self {
            kind: kind.into(),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            ours,
            status,
        }
    }

    pub fn object_name(&self) -> ObjectName {
        ObjectName::new(self.namespace.clone(), self.name.clone())
    }

    pub fn is(&self, kind: &str, name: &ObjectName) -> bool {
        self.kind == kind && self.namespace == name.namespace && self.name == name.name
    }
}

/// The condition of that type, if it is set.
pub fn find(conditions: &[Condition], kind: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|c| c.kind == kind)
}
