//! Rules for GatewayClass.

use super::{Problems, format::Format};
use crate::api::{GatewayClass, path::Path, refs::ParametersRef};

pub(crate) fn class(class: &GatewayClass, out: &mut Problems) {
    let spec = &class.spec;
    let at = Path::spec();
    out.text(
        at.field("controllerName"),
        &spec.controller_name,
        Format::DomainPath,
    );
    if spec
        .description
        .as_deref()
        .is_some_and(|text| text.chars().count() > 64)
    {
        out.error(
            at.field("description"),
            "is too long: use at most 64 characters",
        );
    }
    parameters(
        &at.field("parametersRef"),
        spec.parameters_ref.as_ref(),
        out,
    );
}

pub(super) fn parameters(at: &Path, reference: Option<&ParametersRef>, out: &mut Problems) {
    let Some(reference) = reference else { return };
    out.text(at.field("group"), &reference.group, Format::Group);
    out.text(at.field("kind"), &reference.kind, Format::Kind);
    out.text(at.field("name"), &reference.name, Format::Name);
    out.optional(
        at.field("namespace"),
        reference.namespace.as_deref(),
        Format::Label,
    );
}
