//! TLSRoutes of mode Passthrough that the kernel has no room for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    compile::{
        frontend_key,
        names::{Leads, flatten},
    },
    tables::Tables,
};
use crate::{
    name::ObjectName,
    plan::{Frontend, Plan},
};

/// Routes of a Gateway whose connections the proxy passes through, though the kernel was to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxied {
    pub gateway: ObjectName,
    /// One or more.
    pub routes: BTreeSet<ObjectName>,
}

/// What [`super::compile`] left to the proxy, with its `tables` in force.
pub fn proxied(plan: &Plan, tables: &Tables) -> Vec<Proxied> {
    let served: BTreeSet<_> = tables
        .routes
        .values()
        .map(|at| (at.frontend, &at.route))
        .collect();
    let mut left: BTreeMap<&ObjectName, BTreeSet<ObjectName>> = BTreeMap::new();
    for (id, frontend) in &plan.frontends {
        let Frontend::Http(http) = frontend else {
            continue;
        };
        if !plan.passes_tls_in_kernel(&http.gateway) {
            continue;
        }
        let key = frontend_key(id);
        for (_, route) in flatten(http).values().filter_map(Leads::route) {
            if !served.contains(&(key, &route.name)) {
                let routes = left.entry(&http.gateway).or_default();
                routes.insert(route.name.clone());
            }
        }
    }
    left.into_iter()
        .map(|(gateway, routes)| Proxied {
            gateway: gateway.clone(),
            routes,
        })
        .collect()
}

impl fmt::Display for Proxied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gateway {}: TLSRoute ", self.gateway)?;
        if let Some(first) = self.routes.first() {
            write!(f, "{first}")?;
        }
        match self.routes.len() {
            0 | 1 => {}
            all => write!(f, " and {} more", all - 1)?,
        }
        f.write_str(
            ": the proxy passes the connections through, for the kernel's maps have no room for more \
             services, server names, endpoints or lookup tables; use fewer, or weights that are \
             closer to each other",
        )
    }
}
