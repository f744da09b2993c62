//! How listeners that the kernel serves reach backends on other nodes.

use std::collections::BTreeMap;

use gateway_common::abi::{BY_DSR, BY_SNAT};
use gateway_core::{
    l4::{Tables, compile::frontend_key},
    plan::{Frontend, L4Mode, Plan},
};
use serde::{Deserialize, Serialize};

use crate::table::Table;

/// Of one Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FarRow {
    /// Namespace and name.
    pub gateway: String,
    /// As GatewayParameters say, or by default: `DSR` or `SNAT`.
    pub mode: String,
    /// Backends of its listeners that are reached so.
    pub by_dsr: usize,
    pub by_snat: usize,
}

/// Gateways whose mode is DSR, or that have backends on other nodes in force.
pub(super) fn far(plan: &Plan, tables: &Tables) -> Vec<FarRow> {
    let mut by_service: BTreeMap<u32, [usize; 2]> = BTreeMap::new();
    for backend in tables.backends.values() {
        let [by_dsr, by_snat] = by_service.entry(backend.service).or_default();
        *by_dsr += usize::from(backend.far == BY_DSR);
        *by_snat += usize::from(backend.far == BY_SNAT);
    }
    let mut rows = BTreeMap::new();
    for (id, frontend) in &plan.frontends {
        let services = tables.services_of(&frontend_key(id));
        if matches!(frontend, Frontend::Http(_)) && services.is_empty() {
            continue;
        }
        let gateway = frontend.gateway();
        let row = rows.entry(gateway).or_insert_with(|| FarRow {
            gateway: gateway.to_string(),
            mode: plan.l4_mode(gateway).as_str().to_owned(),
            by_dsr: 0,
            by_snat: 0,
        });
        for [by_dsr, by_snat] in services.iter().filter_map(|id| by_service.get(id)) {
            row.by_dsr += by_dsr;
            row.by_snat += by_snat;
        }
    }
    let told = |row: &FarRow| row.mode == L4Mode::Dsr.as_str() || row.by_dsr > 0 || row.by_snat > 0;
    rows.into_values().filter(told).collect()
}

pub(super) fn table(rows: &[FarRow]) -> String {
    let mut table = Table::new(["GATEWAY", "MODE", "BY DSR", "BY SNAT"]);
    table.extend(rows.iter().map(|row| {
        [
            row.gateway.clone(),
            row.mode.clone(),
            row.by_dsr.to_string(),
            row.by_snat.to_string(),
        ]
    }));
    match table.is_empty() {
        true => String::new(),
        false => table.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use gateway_common::abi::{Backend, Frontend as Entry, KIND_L4};
    use gateway_core::{
        name::ObjectName,
        plan::{FrontendId, L4Options, L4Service, Parameters, Transport},
    };

    use super::*;

    fn planned(gateway: &str, port: u16, plan: &mut Plan) -> FrontendId {
        let id = FrontendId {
            address: ([203, 0, 113, 1], port).into(),
            transport: Transport::Tcp,
        };
        let service = L4Service {
            gateway: ObjectName::new("default", gateway),
            listener: "tcp".into(),
            route: None,
            backends: Vec::new(),
            options: L4Options::default(),
        };
        plan.frontends.insert(id, Frontend::L4(service));
        id
    }

    #[test]
    fn gateways_with_far_backends_or_the_mode_dsr_are_told() {
        let (mut plan, mut tables) = (Plan::default(), Tables::default());
        for (service, gateway) in (1..).zip(["dsr", "near", "snat"]) {
            let id = planned(gateway, service as u16, &mut plan);
            let entry = Entry {
                kind: KIND_L4,
                service,
                ..Entry::default()
            };
            tables.frontends.insert(frontend_key(&id), entry);
        }
        let parameters = Parameters {
            l4_mode: L4Mode::Dsr,
            ..Parameters::default()
        };
        let name = ObjectName::new("default", "dsr");
        plan.parameters.insert(name, parameters.into());
        for (id, (service, far)) in
            (1..).zip([(1, BY_DSR), (1, BY_DSR), (1, BY_SNAT), (2, 0), (3, BY_SNAT)])
        {
            let backend = Backend {
                service,
                far,
                ..Backend::default()
            };
            tables.backends.insert(id, backend);
        }
        let row = |gateway: &str, mode: &str, by_dsr, by_snat| FarRow {
            gateway: format!("default/{gateway}"),
            mode: mode.into(),
            by_dsr,
            by_snat,
        };
        let rows = far(&plan, &tables);
        assert_eq!(rows, [row("dsr", "DSR", 2, 1), row("snat", "SNAT", 0, 1)]);
        assert!(table(&rows).contains("default/dsr"));
        assert_eq!(table(&[]), "");
    }
}
