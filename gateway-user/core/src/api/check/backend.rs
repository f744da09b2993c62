//! Rules for the backendRefs of rules.

use super::{Problems, format::Format};
use crate::api::{BackendRef, path::Path, refs::BackendObject};

pub(super) fn backends(at: &Path, backends: &[BackendRef], out: &mut Problems) {
    out.count(at.clone(), backends.len(), 0..=16);
    for (i, backend) in backends.iter().enumerate() {
        one(&at.index(i), backend, out);
    }
}

/// A backend that a filter names.
pub(super) fn named(at: &Path, backend: &BackendObject, out: &mut Problems) {
    one(at, &backend.into(), out);
}

fn one(at: &Path, backend: &BackendRef, out: &mut Problems) {
    out.text(at.field("group"), &backend.group, Format::Group);
    out.text(at.field("kind"), &backend.kind, Format::Kind);
    out.text(at.field("name"), &backend.name, Format::Name);
    out.optional(
        at.field("namespace"),
        backend.namespace.as_deref(),
        Format::Label,
    );
    if backend.is_service() && backend.port.is_none() {
        out.error(at.field("port"), "is required for a Service");
    }
}
