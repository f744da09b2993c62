//! Rules for ReferenceGrant.

use super::{Problems, format::Format};
use crate::api::{ReferenceGrant, path::Path};

pub(crate) fn grant(grant: &ReferenceGrant, out: &mut Problems) {
    let spec = &grant.spec;
    let (from, to) = (Path::spec().field("from"), Path::spec().field("to"));
    out.count(from.clone(), spec.from.len(), 1..=16);
    for (i, item) in spec.from.iter().enumerate() {
        let at = from.index(i);
        out.text(at.field("group"), &item.group, Format::Group);
        out.text(at.field("kind"), &item.kind, Format::Kind);
        out.text(at.field("namespace"), &item.namespace, Format::Label);
    }
    out.count(to.clone(), spec.to.len(), 1..=16);
    for (i, item) in spec.to.iter().enumerate() {
        let at = to.index(i);
        out.text(at.field("group"), &item.group, Format::Group);
        out.text(at.field("kind"), &item.kind, Format::Kind);
        out.optional(at.field("name"), item.name.as_deref(), Format::Name);
    }
}
