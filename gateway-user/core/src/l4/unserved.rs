//! What the kernel path cannot serve, for logs and status.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::backends::Family;
use crate::{
    endpoints::Endpoints,
    name::ObjectName,
    plan::{BackendId, Frontend, FrontendId, L4Service, Plan},
};

/// Something that a route asks for and the kernel path cannot do: a backend whose ready endpoints
/// are all of the other address family, so that its share of connections is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unserved {
    pub gateway: ObjectName,
    pub listener: Arc<str>,
    pub backend: BackendId,
    /// Of the listener's address: `IPv4` or `IPv6`.
    pub family: &'static str,
}

/// Everything that [`super::compile`] leaves out of the tables.
pub fn unserved(plan: &Plan, endpoints: &Endpoints) -> Vec<Unserved> {
    let of_frontend = |(id, frontend): (&FrontendId, &Frontend)| match frontend {
        Frontend::L4(service) => backends(service, endpoints, Family::of(&id.address)),
        Frontend::Http(_) => Vec::new(),
    };
    plan.frontends.iter().flat_map(of_frontend).collect()
}

fn backends(service: &L4Service, endpoints: &Endpoints, family: Family) -> Vec<Unserved> {
    let of_others = of_other_family(service, endpoints, family);
    let unserved = |id: &BackendId| Unserved {
        gateway: service.gateway.clone(),
        listener: service.listener.clone(),
        backend: id.clone(),
        family: family.name(),
    };
    of_others.map(unserved).collect()
}

/// Whether a backend of the service has ready endpoints, and none of this family.
pub(super) fn is_of_other_family(
    service: &L4Service,
    endpoints: &Endpoints,
    family: Family,
) -> bool {
    let mut found = of_other_family(service, endpoints, family);
    found.next().is_some()
}

fn of_other_family<'s>(
    service: &'s L4Service,
    endpoints: &'s Endpoints,
    family: Family,
) -> impl Iterator<Item = &'s BackendId> {
    let weighted = service.backends.iter().filter(|b| b.weight > 0);
    let named = weighted.filter_map(|b| b.target.id());
    named.filter(move |id| {
        let mut ready = endpoints.ready(id).peekable();
        ready.peek().is_some() && ready.all(|address| Family::of(&address) != family)
    })
}

impl fmt::Display for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            gateway,
            listener,
            backend,
            family,
        } = self;
        write!(
            f,
            "Gateway {gateway}, listener {listener}: backend {backend} has no {family} endpoint, \
             and TCP and UDP routes keep the address family: its share of {family} connections is \
             refused; give the Service that family"
        )
    }
}

#[cfg(test)]
mod tests;
