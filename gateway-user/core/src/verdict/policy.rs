//! What can be said about a BackendTLSPolicy.

use std::sync::Arc;

use super::{
    ConditionType::{Accepted, FieldsIgnored, ResolvedRefs},
    Outcome, Verdict, is_false, is_true,
};
use crate::name::ObjectName;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyVerdict {
    #[error(
        "spec.targetRefs[{index}]: {target} is the target of the older BackendTLSPolicy \
         \"{other}\", which is in force; remove one of the two"
    )]
    Conflicted {
        index: usize,
        target: String,
        other: ObjectName,
    },

    #[error("spec.targetRefs[{index}] names a {kind}; only Service (group \"\") is supported")]
    TargetKind { index: usize, kind: String },

    #[error("spec.targetRefs[{index}]: Service \"{service}\" does not exist ({hint})")]
    TargetMissing {
        index: usize,
        service: ObjectName,
        hint: String,
    },

    #[error(
        "spec.targetRefs[{index}]: Service \"{service}\" has no port named \"{section}\" ({hint})"
    )]
    SectionMissing {
        index: usize,
        service: ObjectName,
        section: Arc<str>,
        hint: String,
    },

    #[error(
        "spec.validation.caCertificateRefs[{index}] names a {kind}; only ConfigMap (group \"\") is \
         supported"
    )]
    CaKind { index: usize, kind: String },

    #[error(
        "spec.validation.caCertificateRefs[{index}]: ConfigMap \"{map}\" does not exist ({hint}); \
         create it: {command}"
    )]
    CaMissing {
        index: usize,
        map: ObjectName,
        hint: String,
        command: String,
    },

    #[error(
        "spec.validation.caCertificateRefs[{index}]: ConfigMap \"{map}\": {why}; replace it: \
         {command}"
    )]
    CaMalformed {
        index: usize,
        map: ObjectName,
        why: String,
        command: String,
    },

    #[error(
        "no certificate authority can be used, so requests to its targets get a 500 and \
         connections are closed; ResolvedRefs says why"
    )]
    NoValidCa,

    #[error(
        "spec.validation.{field}: {why}, so requests to its targets get a 500 and connections \
         are closed; {remedy}"
    )]
    Invalid {
        field: &'static str,
        why: String,
        remedy: &'static str,
    },

    #[error("spec.options {keys} are not known and have no effect")]
    OptionsIgnored { keys: String },
}

impl Verdict for PolicyVerdict {
    fn outcomes(&self) -> &'static [Outcome] {
        match self {
            Self::Conflicted { .. } => const { &[is_false(Accepted, "Conflicted")] },
            Self::TargetKind { .. } | Self::Invalid { .. } => {
                const { &[is_false(Accepted, "Invalid")] }
            }
            Self::TargetMissing { .. } | Self::SectionMissing { .. } => {
                const { &[is_false(Accepted, "TargetNotFound")] }
            }
            Self::CaKind { .. } => const { &[is_false(ResolvedRefs, "InvalidKind")] },
            Self::CaMissing { .. } | Self::CaMalformed { .. } => {
                const { &[is_false(ResolvedRefs, "InvalidCACertificateRef")] }
            }
            Self::NoValidCa => const { &[is_false(Accepted, "NoValidCACertificate")] },
            Self::OptionsIgnored { .. } => const { &[is_true(FieldsIgnored, "NotImplemented")] },
        }
    }
}
