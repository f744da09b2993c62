//! Rules for ListenerSet.

use super::{Problems, format::Format, listener};
use crate::api::{ListenerSet, path::Path};

pub(crate) fn listener_set(set: &ListenerSet, out: &mut Problems) {
    let at = Path::spec().field("parentRef");
    let parent = &set.spec.parent_ref;
    out.text(at.field("group"), &parent.group, Format::Group);
    out.text(at.field("kind"), &parent.kind, Format::Kind);
    out.text(at.field("name"), &parent.name, Format::Name);
    out.optional(
        at.field("namespace"),
        parent.namespace.as_deref(),
        Format::Label,
    );
    let at = Path::spec().field("listeners");
    listener::listeners(&at, &set.spec.listeners, out);
}
