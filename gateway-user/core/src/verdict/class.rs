//! What can be said about a GatewayClass.

use std::sync::Arc;

use super::{
    ConditionType::{Accepted, SupportedVersion},
    Outcome, ParametersFault, Verdict, is_false, is_unknown,
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassVerdict {
    #[error(
        "spec.controllerName is \"{theirs}\", so another controller serves this class; \
         for this one set spec.controllerName: {ours}"
    )]
    Foreign { theirs: Arc<str>, ours: Arc<str> },

    #[error("spec.parametersRef {0}")]
    Parameters(ParametersFault),

    #[error(
        "Gateway API {installed} is installed, and this release is made for {supported}; what both \
         know is served nevertheless; install the CRDs of {supported}"
    )]
    UnsupportedVersion {
        installed: Arc<str>,
        supported: &'static str,
    },
}

impl Verdict for ClassVerdict {
    fn outcomes(&self) -> &'static [Outcome] {
        match self {
            Self::Foreign { .. } => const { &[is_unknown(Accepted, "Pending")] },
            Self::UnsupportedVersion { .. } => {
                const { &[is_false(SupportedVersion, "UnsupportedVersion")] }
            }
            Self::Parameters(_) => const { &[is_false(Accepted, "InvalidParameters")] },
        }
    }
}
