//! Rules for Gateway.

use std::{collections::BTreeSet, net::IpAddr};

use super::{Problems, class::parameters, format::Format, gateway_tls::gateway_tls, listener};
use crate::api::{
    Gateway, Open,
    gateway::{AddressType, GatewayAddress, Infrastructure, ListenersFrom},
    path::Path,
};

pub(crate) fn gateway(gateway: &Gateway, out: &mut Problems) {
    let spec = &gateway.spec;
    let at = Path::spec();
    out.text(
        at.field("gatewayClassName"),
        &spec.gateway_class_name,
        Format::Name,
    );
    addresses(&at.field("addresses"), &spec.addresses, out);
    listener::listeners(&at.field("listeners"), &spec.listeners, out);
    if let Some(allowed) = &spec.allowed_listeners {
        let at = at.field("allowedListeners").field("namespaces");
        let namespaces = &allowed.namespaces;
        out.closed(at.field("from"), &namespaces.from, ListenersFrom::NAMES);
        if let Some(value) = &namespaces.selector {
            listener::selector(&at.field("selector"), value, out);
        }
    }
    if let Some(value) = &spec.infrastructure {
        infrastructure(&at.field("infrastructure"), value, out);
    }
    if let Some(tls) = &spec.tls {
        gateway_tls(&at.field("tls"), tls, out);
    }
}

fn addresses(at: &Path, addresses: &[GatewayAddress], out: &mut Problems) {
    out.count(at.clone(), addresses.len(), 0..=16);
    let mut seen = BTreeSet::new();
    for (i, address) in addresses.iter().enumerate() {
        let at = at.index(i);
        if let Open::Unknown(kind) = &address.kind {
            out.text(at.field("type"), kind, Format::DomainPath);
        }
        // An empty value is none.
        let Some(value) = address.value.as_ref().filter(|v| !v.is_empty()) else {
            continue;
        };
        if value.chars().count() > 253 {
            out.error(at.field("value"), "is too long: use at most 253 characters");
        }
        match address.kind {
            Open::Known(AddressType::IpAddress) if value.parse::<IpAddr>().is_err() => out.error(
                at.field("value"),
                format!(
                    "{value:?} is not an IP address: use one such as 192.0.2.10 or 2001:db8::10"
                ),
            ),
            Open::Known(AddressType::Hostname) => {
                out.text(at.field("value"), value, Format::Hostname);
            }
            _ => (),
        }
        if !seen.insert((address.kind.to_string(), value)) {
            out.error(
                at.field("value"),
                format!("{value:?} is given twice: remove one"),
            );
        }
    }
}

fn infrastructure(at: &Path, value: &Infrastructure, out: &mut Problems) {
    for (field, all, most, format) in [
        ("labels", &value.labels, 8, Format::LabelValue),
        (
            "annotations",
            &value.annotations,
            16,
            Format::AnnotationValue,
        ),
    ] {
        let at = at.field(field);
        out.count(at.clone(), all.len(), 0..=most);
        for (key, value) in all {
            out.text(at.clone(), key, Format::QualifiedName);
            out.text(at.field(key.clone()), value, format);
        }
    }
    parameters(
        &at.field("parametersRef"),
        value.parameters_ref.as_ref(),
        out,
    );
}
