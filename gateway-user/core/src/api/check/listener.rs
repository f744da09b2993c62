//! Rules for the listeners of a Gateway or a ListenerSet.

use super::{Problems, format::Format};
use crate::api::{
    Listener, Open, Protocol, Selector,
    listener::{AllowedRoutes, ListenerTls, NamespacesFrom, TlsMode},
    path::Path,
    refs::SecretRef,
    selector::Operator,
};

pub(super) fn listeners(at: &Path, listeners: &[Listener], out: &mut Problems) {
    out.count(at.clone(), listeners.len(), 1..=64);
    out.unique(at, "name", listeners.iter().map(|l| &*l.name));
    for (i, listener) in listeners.iter().enumerate() {
        let at = at.index(i);
        let key = |l: &Listener| (l.port, l.protocol.clone(), l.hostname.clone());
        if let Some(other) = listeners[..i].iter().find(|l| key(l) == key(listener)) {
            let message = format!(
                "has the same port, protocol and hostname as listener {:?}: change one of them",
                other.name
            );
            out.error(at.clone(), message);
        }
        one(&at, listener, out);
    }
}

fn one(at: &Path, listener: &Listener, out: &mut Problems) {
    out.text(at.field("name"), &listener.name, Format::Subdomain);
    if let Open::Unknown(protocol) = &listener.protocol {
        out.text(at.field("protocol"), protocol, Format::Protocol);
    }
    let protocol = listener.protocol.known();
    match (&listener.hostname, protocol) {
        (Some(_), Some(Protocol::Tcp | Protocol::Udp)) => {
            let message = format!(
                "is not allowed with protocol {}: remove it",
                listener.protocol
            );
            out.error(at.field("hostname"), message);
        }
        (hostname, _) => out.optional(at.field("hostname"), hostname.as_deref(), Format::Hostname),
    }
    match (&listener.tls, protocol) {
        (Some(_), Some(Protocol::Http | Protocol::Tcp | Protocol::Udp)) => {
            let message = format!(
                "is not allowed with protocol {}: remove it, or use HTTPS or TLS",
                listener.protocol
            );
            out.error(at.field("tls"), message);
        }
        (None, Some(Protocol::Tls)) => {
            out.error(
                at.field("tls").field("mode"),
                "is required with protocol TLS",
            );
        }
        (Some(tls), protocol) => self::tls(&at.field("tls"), tls, protocol, out),
        (None, _) => (),
    }
    allowed_routes(&at.field("allowedRoutes"), &listener.allowed_routes, out);
}

fn tls(at: &Path, tls: &ListenerTls, protocol: Option<&Protocol>, out: &mut Problems) {
    out.closed(at.field("mode"), &tls.mode, TlsMode::NAMES);
    if protocol == Some(&Protocol::Https) && tls.mode.is(TlsMode::Passthrough) {
        out.error(
            at.field("mode"),
            "must be Terminate with protocol HTTPS (or use protocol TLS)",
        );
    }
    let refs = at.field("certificateRefs");
    let nothing = tls.certificate_refs.is_empty() && tls.options.is_empty();
    if tls.mode.is(TlsMode::Terminate) && nothing {
        let message = "must name at least one Secret of type kubernetes.io/tls for mode Terminate";
        out.error(refs.clone(), message);
    }
    out.count(refs.clone(), tls.certificate_refs.len(), 0..=64);
    out.count(at.field("options"), tls.options.len(), 0..=16);
    for (i, reference) in tls.certificate_refs.iter().enumerate() {
        secret_ref(&refs.index(i), reference, out);
    }
}

pub(super) fn secret_ref(at: &Path, reference: &SecretRef, out: &mut Problems) {
    out.text(at.field("group"), &reference.group, Format::Group);
    out.text(at.field("kind"), &reference.kind, Format::Kind);
    out.text(at.field("name"), &reference.name, Format::Name);
    out.optional(
        at.field("namespace"),
        reference.namespace.as_deref(),
        Format::Label,
    );
}

fn allowed_routes(at: &Path, allowed: &AllowedRoutes, out: &mut Problems) {
    let (namespaces, kinds) = (at.field("namespaces"), at.field("kinds"));
    out.closed(
        namespaces.field("from"),
        &allowed.namespaces.from,
        NamespacesFrom::NAMES,
    );
    if let Some(value) = &allowed.namespaces.selector {
        selector(&namespaces.field("selector"), value, out);
    }
    out.count(kinds.clone(), allowed.kinds.len(), 0..=8);
    for (i, kind) in allowed.kinds.iter().enumerate() {
        out.text(kinds.index(i).field("group"), &kind.group, Format::Group);
        out.text(kinds.index(i).field("kind"), &kind.kind, Format::Kind);
    }
}

/// Stricter than the schema, which takes any operator and then matches nothing.
pub(super) fn selector(at: &Path, selector: &Selector, out: &mut Problems) {
    for (i, expression) in selector.match_expressions.iter().enumerate() {
        let at = at.field("matchExpressions").index(i);
        out.closed(at.field("operator"), &expression.operator, Operator::NAMES);
        let listed = matches!(
            expression.operator,
            Open::Known(Operator::In | Operator::NotIn)
        );
        if listed && expression.values.is_empty() {
            let message = format!("is required with operator {}", expression.operator);
            out.error(at.field("values"), message);
        }
    }
}
