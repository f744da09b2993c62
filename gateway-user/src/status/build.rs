//! The report, from what was read, translated and applied.

use std::{collections::BTreeSet, net::IpAddr};

use gateway_core::{
    announce::{Answerer, Answerers},
    api::Gateway,
    endpoints::Endpoints,
    health::Out,
    l4::Tables,
    plan::{BackendId, Plan},
    status::{Condition, GatewayStatus, ListenerStatus, Reported, RouteStatus, Statuses, find},
    verdict::{ConditionType, Truth},
    world::{Problem, World},
};

use super::{
    backends::backends,
    certificates::CertificateRow,
    conditions::conditions,
    failing::failing,
    far::far,
    pools::PoolRow,
    report::{
        AddressRow, AttachmentRow, GatewayRow, ListenerRow, NodeRow, ParentRow, Report, RouteRow,
        SourceRow, VERSION,
    },
};

/// What a report is made from.
#[derive(Debug)]
pub struct Facts<'a> {
    pub source: SourceRow,
    pub node: NodeRow,
    pub world: &'a World,
    pub plan: &'a Plan,
    pub endpoints: &'a Endpoints,
    /// In force.
    pub tables: &'a Tables,
    /// As they are true in the data path.
    pub statuses: &'a Statuses,
    pub problems: Vec<Problem>,
    pub attachments: Vec<AttachmentRow>,
    /// Who answers for the Gateways' addresses.
    pub answerers: &'a Answerers,
    /// Endpoints that fail, and the backends that use theirs all the same.
    pub failing: &'a Out,
    pub panicking: &'a BTreeSet<BackendId>,
    pub unserved: Vec<String>,
    pub removals_held_back: bool,
    pub failure: Option<String>,
}

/// `ready` is for the caller to fill in.
pub fn build(facts: Facts<'_>) -> Report {
    let statuses = facts.statuses;
    Report {
        version: VERSION.to_owned(),
        source: facts.source,
        node: facts.node,
        ready: false,
        gateways: statuses
            .gateways
            .iter()
            .map(|g| gateway(g, facts.world))
            .collect(),
        addresses: facts.answerers.iter().map(address).collect(),
        certificates: facts
            .plan
            .certificates
            .iter()
            .map(CertificateRow::new)
            .collect(),
        pools: statuses
            .pools
            .iter()
            .map(|pool| PoolRow::new(pool, facts.world))
            .collect(),
        routes: statuses.routes.iter().map(route).collect(),
        backends: backends(facts.plan, facts.endpoints),
        far_backends: far(facts.plan, facts.tables),
        failing: failing(facts.failing, facts.panicking, facts.endpoints),
        conditions: conditions(statuses),
        attachments: facts.attachments,
        unserved: facts.unserved,
        problems: facts.problems,
        removals_held_back: facts.removals_held_back,
        failure: facts.failure,
    }
}

fn address((address, answerer): (&IpAddr, &Answerer)) -> AddressRow {
    AddressRow {
        address: address.to_string(),
        answered_by: answerer.to_string(),
    }
}

fn gateway(reported: &Reported<GatewayStatus>, world: &World) -> GatewayRow {
    let name = reported.object_name();
    let object = world.gateways.get(&name);
    let listeners = reported.status.listeners.iter();
    GatewayRow {
        name: name.to_string(),
        class: object
            .map(|g| g.spec.gateway_class_name.to_string())
            .unwrap_or_default(),
        addresses: reported
            .status
            .addresses
            .iter()
            .map(|a| a.value.clone())
            .collect(),
        programmed: is_true(&reported.status.conditions, ConditionType::Programmed),
        listeners: listeners.filter_map(|l| listener(l, object?)).collect(),
    }
}

fn listener(status: &ListenerStatus, gateway: &Gateway) -> Option<ListenerRow> {
    let spec = gateway
        .spec
        .listeners
        .iter()
        .find(|l| l.name == status.name)?;
    Some(ListenerRow {
        name: status.name.to_string(),
        protocol: spec.protocol.to_string(),
        port: spec.port,
        hostname: spec.hostname.as_deref().unwrap_or_default().to_owned(),
        attached_routes: status.attached_routes,
        programmed: is_true(&status.conditions, ConditionType::Programmed),
    })
}

fn route(reported: &Reported<RouteStatus>) -> RouteRow {
    let parents = reported.status.parents.iter().map(|parent| {
        let target = parent.parent_ref.target(&reported.namespace);
        let section = parent.parent_ref.section_name.as_deref();
        ParentRow {
            parent: section.map_or(target.to_string(), |section| format!("{target}/{section}")),
            accepted: is_true(&parent.conditions, ConditionType::Accepted),
        }
    });
    RouteRow {
        kind: reported.kind.to_string(),
        name: reported.object_name().to_string(),
        parents: parents.collect(),
    }
}

fn is_true(conditions: &[Condition], kind: ConditionType) -> bool {
    find(conditions, kind).is_some_and(|condition| condition.status == Truth::True)
}

#[cfg(test)]
mod tests;
