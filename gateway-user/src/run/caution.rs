//! Care for what an earlier daemon put in force, while a file of its configuration is broken.
//!
//! A broken file keeps the content it had before, but a daemon that has just started never saw
//! that content: only the kernel knows what came of it.

use gateway_common::abi::{KIND_PROXY, TLS_NOBODY, TLS_PROXY, TlsTarget};
use gateway_core::{
    endpoints::Endpoints,
    l4::{MapOp, Tables, compile::frontend_key},
    plan::{Frontend, L4Service, Plan, Target},
    world::Problem,
};

use super::{reconcile::Removals, steps::Step};

/// Remembers whether there was a reading without an error since the start: from then on, what is
/// not in the files is not wanted.
#[derive(Debug, Default)]
pub(super) struct Caution {
    whole: bool,
}

impl Caution {
    /// What to do about removals after a reading that found `problems`.
    pub(super) fn removals(&mut self, problems: &[Problem]) -> Removals {
        self.whole |= !problems.iter().any(Problem::is_error);
        if self.whole {
            Removals::Now
        } else {
            Removals::Later
        }
    }
}

/// The plan without the kernel's frontends that have backends now and would have none.
pub(super) fn without_losses(plan: &Plan, endpoints: &Endpoints, tables: &Tables) -> Plan {
    let mut plan = plan.clone();
    plan.frontends.retain(|id, frontend| match frontend {
        Frontend::Http(_) => true,
        Frontend::L4(service) => {
            let new = tables.service_of(&frontend_key(id)).is_none();
            new || has_backend(service, endpoints)
        }
    });
    plan
}

fn has_backend(service: &L4Service, endpoints: &Endpoints) -> bool {
    service
        .backends
        .iter()
        .any(|backend| match &backend.target {
            Target::Backend(id) => backend.weight > 0 && endpoints.ready(id).next().is_some(),
            Target::Invalid => false,
        })
}

/// What of a step only adds and changes; `None` where nothing is left. `tables` are in force.
pub(super) fn without_removals(step: Step, tables: &Tables) -> Option<Step> {
    match step {
        // What leads to the workers may belong to a Gateway that could not be read yet.
        Step::KeepAddresses(_) | Step::Shrink(_) => None,
        Step::Kernel(mut ops) => {
            ops.retain(|op| !is_removal(op) && !is_loss(op, tables));
            (!ops.is_empty()).then_some(Step::Kernel(ops))
        }
        Step::Grow(_)
        | Step::Withdraw(_)
        | Step::AddAddresses(_)
        | Step::Http(_)
        | Step::Announce(_) => Some(step),
    }
}

fn is_removal(op: &MapOp) -> bool {
    match op {
        MapOp::RemoveFrontend(_)
        | MapOp::RemoveName(_)
        | MapOp::RemoveService(_)
        | MapOp::RemoveTag(_)
        | MapOp::RemoveBackend(_)
        | MapOp::RemoveOrigin(_)
        | MapOp::RemoveAddress(_) => true,
        MapOp::PutAddress(..)
        | MapOp::PutBackend(..)
        | MapOp::PutTag(..)
        | MapOp::PutOrigin(..)
        | MapOp::PutRegion(..)
        | MapOp::PutService(..)
        | MapOp::PutName(..)
        | MapOp::PutFrontend(..) => false,
    }
}

/// TLS passthrough is as [`without_losses`] has it for layer 4, one server name at a time: what leads
/// to a backend goes on to do so, and what leads to the proxy is not taken from it.
fn is_loss(op: &MapOp, tables: &Tables) -> bool {
    match op {
        MapOp::PutName(name, target) => {
            let known = tables.names.get(name);
            known.is_some_and(|known| worth(target) < worth(known))
        }
        MapOp::PutFrontend(key, frontend) => {
            frontend.kind == KIND_PROXY && tables.group_of(key).is_some()
        }
        MapOp::PutService(id, service, _) => {
            let known = tables.services.get(id);
            service.maglev_size == 0 && known.is_some_and(|known| known.maglev_size > 0)
        }
        _ => false,
    }
}

const fn worth(target: &TlsTarget) -> u32 {
    match target.service {
        TLS_NOBODY => 0,
        TLS_PROXY => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::SocketAddr};

    use gateway_core::{
        endpoints::Endpoint,
        l4::{Node, compile, diff, names::NameKey},
        name::ObjectName,
        plan::{
            BackendId, FrontendId, HostPattern, HttpFrontend, TlsListener, TlsRoute, Transport,
            WeightedBackend,
        },
    };

    use super::*;

    /// A passthrough listener whose routes have this host name.
    fn passthrough(routes: &[&str]) -> Plan {
        let backend = WeightedBackend {
            target: Target::Backend(backend()),
            weight: 1,
            tls: None,
        };
        let routes = routes.iter().map(|host| TlsRoute {
            name: ObjectName::new("default", *host),
            hostnames: vec![HostPattern::Exact((*host).into())],
            backends: vec![backend.clone()],
        });
        let listener = TlsListener {
            name: "tls".into(),
            hostname: HostPattern::Exact("a.example".into()),
            tls: None,
            routes: routes.collect(),
        };
        let http = HttpFrontend {
            gateway: ObjectName::new("default", "gateway"),
            listeners: Vec::new(),
            tls: vec![listener],
        };
        let id = FrontendId {
            address: SocketAddr::from(([203, 0, 113, 1], 443)),
            transport: Transport::Tcp,
        };
        Plan {
            frontends: [(id, Frontend::Http(http))].into(),
            ..Plan::default()
        }
    }

    fn backend() -> BackendId {
        BackendId {
            service: ObjectName::new("default", "a"),
            port: 443,
            transport: Transport::Tcp,
        }
    }

    #[test]
    fn names_that_lead_to_a_backend_go_on_to_do_so() {
        let endpoint = Endpoint::new(SocketAddr::from(([10, 0, 0, 1], 443)));
        let ready = Endpoints([(backend(), vec![endpoint])].into());
        let plan = passthrough(&["a.example"]);
        let node = Node::new(1);
        let tables = compile(&plan, &ready, node, &Tables::default()).expect("it fits");
        let none = Endpoints(BTreeMap::new());
        for (plan, endpoints) in [
            (passthrough(&[]), &ready),
            (Plan::default(), &ready),
            (plan.clone(), &none),
        ] {
            let desired = compile(&plan, endpoints, node, &tables).expect("it fits");
            let ops = diff(&tables, &desired);
            assert!(!ops.is_empty(), "{plan:?}");
            let left = without_removals(Step::Kernel(ops), &tables);
            assert!(left.is_none(), "{left:?}");
        }
        let news = diff(&Tables::default(), &tables);
        let step = without_removals(Step::Kernel(news.clone()), &Tables::default());
        assert!(matches!(step, Some(Step::Kernel(ops)) if ops == news));
    }

    #[test]
    fn a_name_never_leads_to_less() {
        let name = NameKey::new(1, &HostPattern::Any).expect("it is short enough");
        let order = [TLS_NOBODY, TLS_PROXY, 7];
        for (known, wanted) in (0..3).flat_map(|known| (0..3).map(move |wanted| (known, wanted))) {
            let target = |at: usize| name.leads_to(order[at]);
            let tables = Tables {
                names: [(name, target(known))].into(),
                ..Tables::default()
            };
            let op = MapOp::PutName(name, target(wanted));
            assert_eq!(is_loss(&op, &tables), wanted < known, "{op:?}");
        }
    }

    #[test]
    fn removals_wait_for_the_first_reading_without_an_error() {
        let mut caution = Caution::default();
        let broken = [Problem::of_file("a.yaml".into(), "no")];
        // However often: what is in the kernel may be that file's.
        assert_eq!(caution.removals(&broken), Removals::Later);
        assert_eq!(caution.removals(&broken), Removals::Later);
        assert_eq!(caution.removals(&[]), Removals::Now);
        // From now on its earlier content is known.
        assert_eq!(caution.removals(&broken), Removals::Now);
    }
}
