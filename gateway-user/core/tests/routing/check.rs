//! What the table answers must be what the reference answers.

use std::{collections::BTreeMap, net::SocketAddr};

use arbitrary::Unstructured;
use gateway_core::{
    endpoints::Endpoints,
    http::{Outcome, RequestHead, Table},
    name::ObjectName,
    plan::{Frontend, FrontendId, HttpFrontend, HttpListener, Plan, Transport},
};

use crate::{
    case::{self, Request},
    reference::{self, Taker},
};

/// Makes listeners with routes from the bytes, and requests until these are used up. Returns how
/// many of the requests a rule took.
pub(crate) fn check(bytes: &[u8]) -> usize {
    let mut input = Unstructured::new(bytes);
    let Ok(listeners) = case::listeners(&mut input) else {
        return 0;
    };
    let address = SocketAddr::from(([192, 0, 2, 1], 80));
    let table = table(address, &listeners);
    let mut taken = 0;
    while !input.is_empty() {
        let Ok(request) = case::request(&mut input) else {
            break;
        };
        let found = answer(&table, address, &request);
        let expected = reference::taker(&listeners, &request);
        assert_eq!(found, expected, "{request:?}\n{listeners:#?}");
        taken += usize::from(matches!(found, Taker::Rule { .. }));
    }
    taken
}

fn table(address: SocketAddr, listeners: &[HttpListener]) -> Table {
    let id = FrontendId {
        address,
        transport: Transport::Tcp,
    };
    let frontend = HttpFrontend {
        gateway: ObjectName::new("default", "gateway"),
        listeners: listeners.to_vec(),
        tls: Vec::new(),
    };
    let plan = Plan {
        frontends: BTreeMap::from([(id, Frontend::Http(frontend))]),
        ..Plan::default()
    };
    Table::compile(&plan, &Endpoints::default())
}

fn answer<'t>(table: &'t Table, address: SocketAddr, request: &Request) -> Taker<'t> {
    let head = RequestHead {
        host: &request.host,
        path: &request.path,
        method: &request.method,
        headers: &request.headers,
        query: request.query.as_deref(),
    };
    match table.route(address, &head) {
        Outcome::NoListener => Taker::NoListener,
        Outcome::NoRoute(id) => Taker::NoRoute(&id.listener),
        Outcome::Matched(matched) => Taker::Rule {
            name: matched.rule.name.as_deref().unwrap_or_default(),
            prefix: matched.prefix.map(AsRef::as_ref),
        },
    }
}
