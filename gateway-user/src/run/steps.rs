//! From what is wanted and what is in force to an ordered list of changes. Pure.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use gateway_core::{
    endpoints::Endpoints,
    http,
    l4::{self, CapacityError, MapOp, Tables},
    plan::Plan,
};

/// A change of one part of the data path.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// These addresses are delivered to this host, whichever else are.
    AddAddresses(BTreeSet<IpAddr>),
    /// The proxy serves this table from now on.
    Http(Arc<http::Table>),
    /// Writes to the kernel's maps, in this order.
    Kernel(Vec<MapOp>),
    /// No address is ours but these.
    KeepAddresses(BTreeSet<IpAddr>),
}

/// Steps from what is in force to what is wanted. `addresses`: those wanted, where they differ.
///
/// New addresses, the proxy's routes and backends are there before the frontends that lead
/// traffic to them; addresses go after the frontends that used them.
///
/// # Errors
/// Where the plan does not fit the kernel's maps; nothing is changed then.
pub(super) fn steps(
    plan: &Plan,
    endpoints: &Endpoints,
    workers: u32,
    tables: &Tables,
    addresses: Option<&BTreeSet<IpAddr>>,
) -> Result<Vec<Step>, CapacityError> {
    let wanted = l4::compile(plan, endpoints, workers, tables)?;
    let writes = l4::diff(tables, &wanted);
    let proxy = Step::Http(Arc::new(http::Table::compile(plan, endpoints)));
    let kernel = (!writes.is_empty()).then_some(Step::Kernel(writes));

    let add = addresses.map(|all| Step::AddAddresses(all.clone()));
    let keep = addresses.map(|all| Step::KeepAddresses(all.clone()));
    Ok(add
        .into_iter()
        .chain([proxy])
        .chain(kernel)
        .chain(keep)
        .collect())
}

#[cfg(test)]
mod tests;
