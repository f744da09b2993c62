//! Rules for the backendRefs of rules.

use super::{Problems, format::Format};
use crate::api::{BackendRef, path::Path};

pub(super) fn backends(at: &Path, backends: &[BackendRef], out: &mut Problems) {
    out.count(at.clone(), backends.len(), 0..=16);
    for (i, backend) in backends.iter().enumerate() {
        let at = at.index(i);
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
}
