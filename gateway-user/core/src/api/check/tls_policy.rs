//! Rules for BackendTLSPolicy.

use super::{Problems, format::Format};
use crate::api::{
    BackendTlsPolicy, Open,
    path::Path,
    tls_policy::{
        LocalRef, PolicyTarget, SubjectAltName, SubjectAltNameType, Validation, WellKnown,
    },
};

const MAX_OPTION: usize = 4096;

pub(crate) fn tls_policy(policy: &BackendTlsPolicy, out: &mut Problems) {
    let (at, spec) = (Path::spec(), &policy.spec);
    targets(&at.field("targetRefs"), &spec.target_refs, out);
    validation(&at.field("validation"), &spec.validation, out);
    let at = at.field("options");
    out.count(at.clone(), spec.options.len(), 0..=16);
    for (key, value) in &spec.options {
        if value.chars().count() > MAX_OPTION {
            let message = format!("is too long: use at most {MAX_OPTION} characters");
            out.error(at.field(key.clone()), message);
        }
    }
}

fn targets(at: &Path, targets: &[PolicyTarget], out: &mut Problems) {
    out.count(at.clone(), targets.len(), 1..=16);
    for (i, target) in targets.iter().enumerate() {
        let at = at.index(i);
        out.text(at.field("group"), &target.group, Format::Group);
        out.text(at.field("kind"), &target.kind, Format::Kind);
        out.text(at.field("name"), &target.name, Format::Name);
        out.optional(
            at.field("sectionName"),
            target.section_name.as_deref(),
            Format::Subdomain,
        );
        let object = |t: &PolicyTarget| (t.group.clone(), t.kind.clone(), t.name.clone());
        let mut earlier = targets[..i].iter();
        let Some(other) = earlier.find(|other| object(other) == object(target)) else {
            continue;
        };
        if other.section().is_none() || target.section().is_none() {
            let message =
                "refers to the same object as another reference: give sectionName in both";
            out.error(at, message);
        } else if targets[..i].contains(target) {
            out.error(
                at,
                "is given twice: remove one, or give another sectionName",
            );
        }
    }
}

fn validation(at: &Path, validation: &Validation, out: &mut Problems) {
    let refs = at.field("caCertificateRefs");
    let given = &validation.ca_certificate_refs;
    out.count(refs.clone(), given.len(), 0..=8);
    for (i, reference) in given.iter().enumerate() {
        local(&refs.index(i), reference, out);
    }
    let known = at.field("wellKnownCACertificates");
    match (&validation.well_known, given.is_empty()) {
        (None, true) => {
            let message = "is required: name a ConfigMap with a key ca.crt, or use \
                           wellKnownCACertificates: System";
            out.error(refs, message);
        }
        (Some(_), false) => out.error(known.clone(), "is not allowed beside caCertificateRefs"),
        _ => (),
    }
    if let Some(Open::Unknown(value)) = &validation.well_known
        && !Format::DomainPath.fits(value)
    {
        out.one_of(known, value, WellKnown::NAMES);
    }
    out.text(
        at.field("hostname"),
        &validation.hostname,
        Format::PreciseHostname,
    );
    let names = at.field("subjectAltNames");
    out.count(names.clone(), validation.subject_alt_names.len(), 0..=5);
    for (i, name) in validation.subject_alt_names.iter().enumerate() {
        subject(&names.index(i), name, out);
    }
}

fn local(at: &Path, reference: &LocalRef, out: &mut Problems) {
    out.text(at.field("group"), &reference.group, Format::Group);
    out.text(at.field("kind"), &reference.kind, Format::Kind);
    out.text(at.field("name"), &reference.name, Format::Name);
}

fn subject(at: &Path, name: &SubjectAltName, out: &mut Problems) {
    out.closed(at.field("type"), &name.kind, SubjectAltNameType::NAMES);
    let (hostname, uri) = (at.field("hostname"), at.field("uri"));
    out.optional(hostname.clone(), name.hostname.as_deref(), Format::Hostname);
    out.optional(uri.clone(), name.uri.as_deref(), Format::Uri);
    let fields = [
        (SubjectAltNameType::Hostname, hostname, &name.hostname),
        (SubjectAltNameType::Uri, uri, &name.uri),
    ];
    for (kind, at, value) in fields {
        match (name.kind.is(kind), value) {
            (true, None) => out.error(at, format!("is required with type {kind}")),
            (false, Some(_)) => out.error(at, format!("goes with type {kind} only: remove it")),
            _ => (),
        }
    }
}
