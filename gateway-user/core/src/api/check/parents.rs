//! Rules for the parentRefs of routes.

use super::{Problems, format::Format};
use crate::api::{ParentRef, path::Path};

pub(super) fn parents(at: &Path, parents: &[ParentRef], out: &mut Problems) {
    out.count(at.clone(), parents.len(), 0..=32);
    for (i, parent) in parents.iter().enumerate() {
        let at = at.index(i);
        format(&at, parent, out);
        let same = parents[..i]
            .iter()
            .find(|other| target(other) == target(parent));
        if let Some(other) = same {
            distinct(at, other, parent, out);
        }
    }
}

fn format(at: &Path, parent: &ParentRef, out: &mut Problems) {
    out.text(at.field("group"), &parent.group, Format::Group);
    out.text(at.field("kind"), &parent.kind, Format::Kind);
    out.text(at.field("name"), &parent.name, Format::Name);
    out.optional(
        at.field("namespace"),
        parent.namespace.as_deref(),
        Format::Label,
    );
    out.optional(
        at.field("sectionName"),
        parent.section_name.as_deref(),
        Format::Subdomain,
    );
}

/// References to one parent must tell its parts apart, all by the same fields.
fn distinct(at: Path, one: &ParentRef, two: &ParentRef, out: &mut Problems) {
    let fields = |p: &ParentRef| (p.section_name.is_some(), p.port.is_some());
    if fields(one) != fields(two) {
        let message = "refers to the same parent as another reference: give sectionName or port \
                       in both";
        out.error(at, message);
    } else if one == two {
        out.error(
            at,
            "is given twice: remove one, or give different sectionName or port",
        );
    }
}

fn target(parent: &ParentRef) -> (&str, &str, Option<&str>, &str) {
    (
        &parent.group,
        &parent.kind,
        parent.namespace.as_deref(),
        &parent.name,
    )
}
