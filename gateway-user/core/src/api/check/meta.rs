//! Names of objects and namespaces.

use super::{Problems, format::Format};
use crate::api::{Kind, Meta, path::Path};

/// Names as the API server demands them.
pub(crate) fn meta(kind: Kind, meta: &Meta, out: &mut Problems) {
    let at = Path::default().field("metadata");
    if meta.name.is_empty() {
        out.error(at.field("name"), "is required");
    } else {
        let format = match kind {
            Kind::Namespace | Kind::Service => Format::Label,
            _ => Format::Subdomain,
        };
        out.text(at.field("name"), &meta.name, format);
    }
    match (kind.is_namespaced(), &*meta.namespace) {
        (true, namespace) => out.text(at.field("namespace"), namespace, Format::Label),
        (false, "") => (),
        (false, _) => {
            let message = format!("a {kind} is not in a namespace: remove this field");
            out.error(at.field("namespace"), message);
        }
    }
}
