//! Endpoints that fail again and again, and what that means for their backends.

use std::collections::BTreeSet;

use gateway_core::{
    endpoints::Endpoints,
    health::{EndpointId, Out},
    plan::BackendId,
};
use serde::{Deserialize, Serialize};

use crate::table::Table;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailingRow {
    pub endpoint: String,
    /// Service and port.
    pub backend: String,
    pub why: String,
    /// It gets new traffic all the same: more than half of the backend's endpoints fail.
    pub used: bool,
}

/// A row for each failing endpoint of each backend.
pub fn failing(
    out: &Out,
    panicking: &BTreeSet<BackendId>,
    endpoints: &Endpoints,
) -> Vec<FailingRow> {
    let backends = endpoints.0.iter();
    let rows = backends.flat_map(|(id, list)| {
        let found = list
            .iter()
            .filter_map(|e| Some((e.address, out.get(&EndpointId::of(id, e.address))?)));
        found.map(|(endpoint, why)| FailingRow {
            endpoint: endpoint.to_string(),
            backend: id.to_string(),
            why: why.to_string(),
            used: panicking.contains(id),
        })
    });
    rows.collect()
}

/// Empty where all are well.
pub(super) fn table(rows: &[FailingRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["ENDPOINT", "BACKEND", "NEW TRAFFIC", "WHY"]);
    table.extend(rows.iter().map(|row| {
        let traffic = if row.used {
            "all the same: too few others"
        } else {
            "none until it is back"
        };
        [&row.endpoint, &row.backend, traffic, &row.why].map(str::to_owned)
    }));
    table.to_string()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::SocketAddr};

    use gateway_core::{endpoints::Endpoint, health::Failing, name::ObjectName, plan::Transport};

    use super::*;

    #[test]
    fn rows_say_what_becomes_of_new_traffic() {
        let id = |name: &str| BackendId {
            service: ObjectName::new("default", name),
            port: 80,
            transport: Transport::Tcp,
        };
        let address = SocketAddr::from(([10, 0, 0, 1], 80));
        let endpoint = Endpoint::new(address);
        let all = ["one", "two"].map(|name| (id(name), vec![endpoint]));
        let rows = failing(
            &Out::from([(EndpointId::tcp(address), Failing::Connections)]),
            &BTreeSet::from([id("one")]),
            &Endpoints(BTreeMap::from(all)),
        );
        assert_eq!(
            rows.iter().map(|row| row.used).collect::<Vec<_>>(),
            [true, false]
        );
        let text = table(&rows);
        assert!(
            text.contains("10.0.0.1:80  default/two:80  none until it is back"),
            "{text}"
        );
        assert!(text.contains("too few others"), "{text}");
        assert_eq!(table(&[]), "");
    }
}
