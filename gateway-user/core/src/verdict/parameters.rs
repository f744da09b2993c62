//! What can be wrong with a reference to GatewayParameters.

use std::sync::Arc;

use crate::{api::OWN_GROUP, name::ObjectName};

/// To be read after the name of the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersFault {
    #[error(
        "names a {kind} of group \"{group}\"; name a GatewayParameters of group \"{OWN_GROUP}\", \
         or remove it"
    )]
    Kind { group: Arc<str>, kind: Arc<str> },

    #[error("names no namespace; add the namespace of the GatewayParameters")]
    NoNamespace,

    #[error(
        "names GatewayParameters \"{name}\", which do not exist or cannot be read ({hint}); \
         create them, or remove the reference"
    )]
    Missing { name: ObjectName, hint: String },

    #[error(
        "names GatewayParameters \"{name}\", whose {fields} concern the process of a node and so \
         every Gateway; remove them there, or name other GatewayParameters; those that \
         spec.parametersRef of a GatewayClass names may have them"
    )]
    OfTheNode { name: ObjectName, fields: String },
}
