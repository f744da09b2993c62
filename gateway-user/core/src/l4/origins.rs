//! Which frontend leads to an endpoint.

use std::collections::{BTreeMap, BTreeSet};

use gateway_common::abi::{FrontendKey, KIND_L4, NEAR, Origin, TCP};

use super::tables::Tables;

/// Origins of the near endpoints of `desired`, whose services and names are complete.
///
/// One that was led to by two frontends, at once or one after the other, stays shared as long as it
/// is there: flows of both may live.
pub(super) fn origins(
    current: &BTreeMap<FrontendKey, Origin>,
    desired: &Tables,
) -> BTreeMap<FrontendKey, Origin> {
    let mut by_service: BTreeMap<u32, Vec<&FrontendKey>> = BTreeMap::new();
    for (key, frontend) in &desired.frontends {
        if frontend.kind == KIND_L4 {
            by_service.entry(frontend.service).or_default().push(key);
        }
    }
    let mut origins = BTreeMap::new();
    for backend in desired.backends.values().filter(|b| b.far == NEAR) {
        for frontend in by_service.get(&backend.service).into_iter().flatten() {
            let endpoint = FrontendKey {
                address: backend.address,
                port: backend.port,
                protocol: frontend.protocol,
            };
            let origin = origins.entry(endpoint).or_insert_with(|| {
                let known = current.get(&endpoint).copied();
                known.unwrap_or_else(|| alone(frontend))
            });
            if !origin.is(frontend) {
                origin.shared = 1;
            }
        }
    }
    for endpoint in passed_through(desired) {
        if let Some(origin) = origins.get_mut(&endpoint) {
            origin.shared = 1;
        }
    }
    origins
}

/// Endpoints of TLS passthrough. What a client says to one may look like a flow.
fn passed_through(desired: &Tables) -> impl Iterator<Item = FrontendKey> {
    let targets = desired.names.values();
    let services: BTreeSet<u32> = targets.map(|target| target.service).collect();
    let backends = desired.backends.values();
    backends
        .filter(move |backend| services.contains(&backend.service))
        .map(|backend| FrontendKey {
            address: backend.address,
            port: backend.port,
            protocol: TCP,
        })
}

const fn alone(frontend: &FrontendKey) -> Origin {
    Origin {
        address: frontend.address,
        port: frontend.port,
        shared: 0,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use gateway_common::abi::Backend;

    use super::{
        super::{
            compile::{Node, compile, frontend_key},
            diff::{MapOp, diff},
            names::NameKey,
            testing::{backend, plan, tcp},
        },
        *,
    };
    use crate::{
        endpoints::{Endpoint, Endpoints},
        plan::{FrontendId, HostPattern},
    };

    const ENDPOINT: ([u8; 4], u16) = ([10, 0, 0, 1], 80);

    /// Tables in which each of these frontends leads to the endpoint.
    fn led_to_by(frontends: &[FrontendId], current: &Tables) -> Tables {
        let frontends: Vec<_> = frontends.iter().map(|id| (*id, &[("a", 1)][..])).collect();
        let endpoint = Endpoint::new(ENDPOINT.into());
        let endpoints = Endpoints([(backend("a"), [endpoint].into_iter().collect())].into());
        compile(&plan(&frontends), &endpoints, Node::new(1), current).expect("it fits")
    }

    fn origin(tables: &Tables) -> Option<Origin> {
        let to = SocketAddr::from(ENDPOINT);
        let endpoint = FrontendKey {
            address: to.ip().into(),
            port: to.port().into(),
            protocol: TCP,
        };
        tables.origins.get(&endpoint).copied()
    }

    #[test]
    fn an_endpoint_once_shared_stays_so_until_it_is_gone() {
        let (first, second) = (tcp(1), tcp(2));
        let of = |id: &FrontendId, shared| {
            let origin = alone(&frontend_key(id));
            Some(Origin { shared, ..origin })
        };
        let one = led_to_by(&[first], &Tables::default());
        assert_eq!(origin(&one), of(&first, 0));
        assert_eq!(origin(&led_to_by(&[first], &one)), of(&first, 0));
        let both = led_to_by(&[first, second], &one);
        assert_eq!(origin(&both), of(&first, 1));
        assert_eq!(origin(&led_to_by(&[second], &both)), of(&first, 1));
        assert_eq!(origin(&led_to_by(&[first], &both)), of(&first, 1));
        assert_eq!(origin(&led_to_by(&[second], &one)), of(&first, 1));
        let none = led_to_by(&[], &both);
        assert_eq!(origin(&none), None);
        assert_eq!(origin(&led_to_by(&[second], &none)), of(&second, 0));
    }

    #[test]
    fn an_endpoint_of_tls_passthrough_is_shared() {
        let mut both = led_to_by(&[tcp(1)], &Tables::default());
        let backend = *both.backends.values().next().expect("a backend");
        let service = 9;
        both.backends.insert(99, Backend { service, ..backend });
        both.origins = origins(&BTreeMap::new(), &both);
        assert_eq!(origin(&both).map(|origin| origin.shared), Some(0));
        let name = NameKey::new(1, &HostPattern::Any).expect("all names");
        both.names.insert(name, name.leads_to(service));
        both.origins = origins(&BTreeMap::new(), &both);
        assert_eq!(origin(&both).map(|origin| origin.shared), Some(1));
    }

    /// Flows of the second may be opened only when it is known that there are two.
    #[test]
    fn an_endpoint_is_shared_before_the_second_frontend_leads_to_it() {
        let one = led_to_by(&[tcp(1)], &Tables::default());
        let both = led_to_by(&[tcp(1), tcp(2)], &one);
        let ops = diff(&one, &both);
        let at = |wanted: fn(&MapOp) -> bool| ops.iter().position(wanted).expect("an operation");
        let told = at(|op| matches!(op, MapOp::PutOrigin(_, origin) if origin.shared == 1));
        assert!(
            told < at(|op| matches!(op, MapOp::PutService(..))),
            "{ops:?}"
        );
    }
}
