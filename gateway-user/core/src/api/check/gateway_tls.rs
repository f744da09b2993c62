//! Rules for the TLS of a Gateway as a whole.

use super::{Problems, format::Format, listener::secret_ref};
use crate::api::{
    gateway_tls::{FrontendTls, GatewayTls, ObjectRef, ValidationMode},
    path::Path,
};

pub(super) fn gateway_tls(at: &Path, tls: &GatewayTls, out: &mut Problems) {
    let backend = tls.backend.as_ref();
    if let Some(reference) = backend.and_then(|b| b.client_certificate_ref.as_ref()) {
        let at = at.field("backend").field("clientCertificateRef");
        secret_ref(&at, reference, out);
    }
    let Some(frontend) = &tls.frontend else {
        return;
    };
    let at = at.field("frontend");
    validation(&at.field("default"), &frontend.default, out);
    let at = at.field("perPort");
    out.count(at.clone(), frontend.per_port.len(), 0..=64);
    out.unique(&at, "port", frontend.per_port.iter().map(|own| own.port));
    for (i, own) in frontend.per_port.iter().enumerate() {
        validation(&at.index(i).field("tls"), &own.tls, out);
    }
}

fn validation(at: &Path, tls: &FrontendTls, out: &mut Problems) {
    let Some(validation) = &tls.validation else {
        return;
    };
    let at = at.field("validation");
    out.closed(at.field("mode"), &validation.mode, ValidationMode::NAMES);
    let at = at.field("caCertificateRefs");
    out.count(at.clone(), validation.ca_certificate_refs.len(), 1..=16);
    for (i, reference) in validation.ca_certificate_refs.iter().enumerate() {
        object(&at.index(i), reference, out);
    }
}

fn object(at: &Path, reference: &ObjectRef, out: &mut Problems) {
    out.text(at.field("group"), &reference.group, Format::Group);
    out.text(at.field("kind"), &reference.kind, Format::Kind);
    out.text(at.field("name"), &reference.name, Format::Name);
    out.optional(
        at.field("namespace"),
        reference.namespace.as_deref(),
        Format::Label,
    );
}
