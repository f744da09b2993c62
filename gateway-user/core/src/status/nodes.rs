//! What each node knows and the one that writes statuses cannot: whether its data path holds what
//! is asked for, and who else claims its addresses.
//!
//! A node says so in a condition of its own pod, which every node watches anyway. The condition
//! goes with the pod, and counts only while the pod is ready, so that the report of a dead node
//! does not outlive it. A pod without it has nothing to report.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{GatewayStatus, Reported, Statuses, find};
use crate::{
    announce::MacAddress,
    name::ObjectName,
    plan::{Frontend, Plan},
    verdict::{ConditionType, GatewayVerdict, PodVerdict, Truth, gateway::NOT_APPLIED, hint},
};

/// Gateways that a report names; where more are concerned, it says "all".
const GATEWAYS_MAX: usize = 200;
const CONFLICTS_MAX: usize = 200;
/// Stands for every Gateway.
const ALL: &str = "*";
/// Different reasons that one message gives.
const REASONS_MAX: usize = 3;

/// What one node has to report; the default: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeReport {
    /// Why the data path lacks what is asked for, with the Gateways concerned
    /// (`namespace/name`, or `*` for all).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub not_programmed: BTreeMap<String, BTreeSet<String>>,
    /// Addresses of this node that others claim, with their Ethernet addresses.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub conflicts: BTreeMap<IpAddr, MacAddress>,
}

/// Of all nodes that can serve, by name.
pub type NodeReports = BTreeMap<Arc<str>, NodeReport>;

impl NodeReport {
    /// `wanted`: statuses as translated; `here`: as they are true on this node.
    pub fn new(
        wanted: &Statuses,
        here: &Statuses,
        conflicts: impl Iterator<Item = (IpAddr, MacAddress)>,
    ) -> Self {
        let mut not_programmed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let pairs = wanted.gateways.iter().zip(&here.gateways);
        for (wanted, here) in pairs.filter(|(wanted, _)| wanted.ours) {
            let programmed = |gateway: &Reported<GatewayStatus>| {
                find(&gateway.status.conditions, ConditionType::Programmed).cloned()
            };
            let lacking = programmed(here).filter(|c| c.status != Truth::True);
            let is_wanted = programmed(wanted).is_some_and(|c| c.status == Truth::True);
            if let Some(condition) = lacking.filter(|_| is_wanted) {
                let message = condition.message;
                let why = message.strip_prefix(NOT_APPLIED).unwrap_or(&message);
                let concerned = not_programmed.entry(why.to_owned()).or_default();
                concerned.insert(here.object_name().to_string());
            }
        }
        for concerned in not_programmed.values_mut() {
            if concerned.len() > GATEWAYS_MAX {
                *concerned = [ALL.to_owned()].into();
            }
        }
        Self {
            not_programmed,
            conflicts: conflicts.take(CONFLICTS_MAX).collect(),
        }
    }

    /// What a pod says; the default if it says nothing, or nothing that can be read.
    pub fn of_pod(pod: &Json) -> Self {
        let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let ours = |condition: &&Json| condition["type"] == PodVerdict::CONDITION;
        let message = conditions.clone().find(ours).map(|c| &c["message"]);
        let message = message.and_then(Json::as_str).unwrap_or_default();
        serde_json::from_str(message).unwrap_or_default()
    }

    /// The merge patch of the pod's status that says so, from `now` on, in the form of RFC 3339.
    pub fn patch(&self, now: &str) -> Json {
        let verdict = match (self.not_programmed.is_empty(), self.conflicts.is_empty()) {
            (false, _) => PodVerdict::NotApplied,
            (true, false) => PodVerdict::AddressConflict,
            (true, true) => PodVerdict::InForce,
        };
        json!({"status": {"conditions": [{
            "type": PodVerdict::CONDITION,
            "status": verdict.status(),
            "reason": verdict.reason(),
            "message": serde_json::to_string(self).unwrap_or_default(),
            "lastTransitionTime": now,
        }]}})
    }

    fn lacks(&self, gateway: &str) -> Option<&str> {
        let concerned = |names: &BTreeSet<String>| names.contains(gateway) || names.contains(ALL);
        let mut reasons = self.not_programmed.iter();
        reasons.find_map(|(why, names)| concerned(names).then_some(why.as_str()))
    }
}

impl Statuses {
    /// Takes in what all nodes report, the one that writes statuses among them: `Programmed` is
    /// true only where no node says otherwise.
    pub fn take_reports(&mut self, reports: &NodeReports, plan: &Plan) {
        // Whatever is not in the plan is nothing that a node could lack.
        let asked: BTreeSet<_> = plan.frontends.values().map(Frontend::gateway).collect();
        for gateway in asked {
            if let Some(why) = lacking(&gateway.to_string(), reports) {
                self.not_programmed(gateway, &why);
            }
        }
        let conflicts = reports.values().flat_map(|report| &report.conflicts);
        self.address_conflicts(plan, conflicts.map(|(address, mac)| (*address, *mac)));
    }

    /// Says which stations claim addresses of Gateways.
    pub fn address_conflicts(
        &mut self,
        plan: &Plan,
        conflicts: impl Iterator<Item = (IpAddr, MacAddress)>,
    ) {
        let conflicts: BTreeSet<_> = conflicts.collect();
        let mut by_gateway: BTreeMap<&ObjectName, BTreeSet<_>> = BTreeMap::new();
        for (id, frontend) in &plan.frontends {
            let claims = conflicts
                .iter()
                .filter(|(address, _)| *address == id.address.ip());
            for claim in claims {
                by_gateway
                    .entry(frontend.gateway())
                    .or_default()
                    .insert(claim);
            }
        }
        for (gateway, claims) in by_gateway {
            let verdict = |(address, mac): &(IpAddr, MacAddress)| GatewayVerdict::AddressConflict {
                address: *address,
                mac: *mac,
            };
            let verdicts: Vec<_> = claims.into_iter().map(verdict).collect();
            self.note(gateway, &verdicts);
        }
    }
}

/// Which nodes lack a Gateway, and why; `None` if none does.
fn lacking(gateway: &str, reports: &NodeReports) -> Option<String> {
    let mut nodes_by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (node, report) in reports {
        if let Some(why) = report.lacks(gateway) {
            nodes_by_reason.entry(why).or_default().push(node);
        }
    }
    let concerned: usize = nodes_by_reason.values().map(Vec::len).sum();
    let told = nodes_by_reason.iter().take(REASONS_MAX);
    let told: Vec<String> = told
        .map(|(why, nodes)| format!("{}: {why}", hint::list(nodes)))
        .collect();
    let more = match nodes_by_reason.len().saturating_sub(REASONS_MAX) {
        0 => String::new(),
        more => format!("; and {more} other reasons"),
    };
    let of = reports.len();
    let told = told.join("; ");
    (concerned > 0).then(|| format!("on {concerned} of {of} nodes, {told}{more}"))
}

#[cfg(test)]
mod tests;
