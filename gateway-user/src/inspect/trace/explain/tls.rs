//! The same of TLS passthrough.

use std::iter;

use gateway_common::abi::{FlowKey, TLS_NOBODY, TLS_PROXY, TlsTarget};
use gateway_core::{
    l4::{
        flows::Row,
        trace::{Clock, Tls, Trace},
    },
    plan::HostPattern,
};

use super::ends;
use crate::inspect::names::Names;

pub(super) fn known(
    client: &FlowKey,
    splice: Option<&gateway_common::splice::Splice>,
    clock: Clock,
) -> String {
    let Some(splice) = splice else {
        return format!("splices: no entry {}: no connection", ends(client));
    };
    let row = Row::of_splice(client, splice, clock);
    let to = row.connection.backend;
    format!(
        "splices: connection {} to {to}, {}, idle for {}s",
        ends(client),
        row.state.as_str(),
        row.idle
    )
}

pub(super) fn tie(backend: &FlowKey, client: &FlowKey) -> String {
    format!(
        "ties: packets {} are of the connection {}",
        ends(backend),
        ends(client)
    )
}

pub(super) fn name(
    asked: &HostPattern,
    found: Option<&(HostPattern, TlsTarget)>,
    names: &Names,
) -> String {
    let asked = match asked {
        HostPattern::Any => "a client without a server name".to_owned(),
        name => name.to_string(),
    };
    let Some((entry, target)) = found else {
        return format!("tls_names, tls_wildcards: no entry for {asked}: no listener has it");
    };
    let to = match target.service {
        TLS_PROXY => "the proxy".to_owned(),
        TLS_NOBODY => "nobody: its listener has no route for it".to_owned(),
        id => format!("service {id}{}", route(id, names)),
    };
    match entry {
        HostPattern::Exact(_) => format!("tls_names: {asked} leads to {to}"),
        entry => format!(
            "tls_wildcards: {asked} is served by the entry {entry} (the longest that fits), which leads to {to}"
        ),
    }
}

/// Of a service, where that is known.
fn route(service: u32, names: &Names) -> String {
    let named = names.service(service);
    named
        .map(|named| format!(", route {}", named.route))
        .unwrap_or_default()
}

/// Service that has the connection, or would have it.
pub(super) fn service(tls: &Tls) -> Option<u32> {
    match tls {
        Tls::Known(_, splice) => Some(splice.service),
        Tls::Backend { service, .. } | Tls::Nobody { service } => Some(*service),
        Tls::Unnamed | Tls::Proxy | Tls::Unmatched => None,
    }
}

/// What happens next, of a packet that TLS passthrough has.
pub(super) fn notes(trace: &Trace, tls: &Tls) -> Vec<String> {
    let next = match (tls, trace.rewritten) {
        (Tls::Known(..), Some((source, destination))) if trace.reply => {
            format!("it is a backend's packet, and leaves as {source} -> {destination}")
        }
        (Tls::Known(..), Some((source, destination))) => {
            format!("it goes on as {source} -> {destination}, its numbers translated")
        }
        (Tls::Known(..), None) => "it goes on to the node's own stack, for the proxy".to_owned(),
        (Tls::Unnamed, _) => "XDP answers the SYN. Where the connection goes depends on the \
                              server name of its ClientHello: say it with --sni NAME, or \
                              --sni \"\" for a client that sends none"
            .to_owned(),
        (Tls::Proxy, _) => "XDP answers the SYN, and with the ClientHello makes the connection to \
                            the node's own stack, for the proxy"
            .to_owned(),
        (
            Tls::Backend {
                source, backend, ..
            },
            _,
        ) => {
            let seen = match *source == trace.tuple.source {
                true => "which sees the client's address",
                false => "which sees an address of this node",
            };
            format!(
                "XDP answers the SYN, and with the ClientHello sends the backend one, {source} -> \
                 {backend}, {seen}; the next backends follow if it refuses or is silent"
            )
        }
        (Tls::Unmatched, _) => {
            "XDP answers the SYN, and with the ClientHello resets the connection: \
                                nobody has its server name (tls.unmatched of GatewayParameters)"
                .to_owned()
        }
        (Tls::Nobody { .. }, _) => {
            "XDP answers the SYN, and with the ClientHello resets the connection: no backend is \
             there for it"
                .to_owned()
        }
    };
    let counted = trace.hello.map(|kind| {
        let (name, help) = kind.describe();
        format!("tls_hellos_read counts its ClientHello as {name}: {help}")
    });
    iter::once(next).chain(counted).collect()
}
