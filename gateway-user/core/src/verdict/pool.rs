//! What can be said about an AddressPool.

use super::{ConditionType::Conflicted, Outcome, Verdict, is_true};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolVerdict {
    #[error(
        "shares addresses with other pools: {with}; no address is given twice, but each counts in \
         both; let every address be in one pool"
    )]
    Overlaps { with: String },
}

impl Verdict for PoolVerdict {
    fn outcomes(&self) -> &'static [Outcome] {
        match self {
            Self::Overlaps { .. } => const { &[is_true(Conflicted, "OverlappingPools")] },
        }
    }
}
