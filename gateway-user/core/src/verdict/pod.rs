//! What a node says of itself, in a condition of its own pod.

/// Told to the node that writes statuses; people find the whole in the Gateways' conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodVerdict {
    InForce,
    /// The data path lacks something that is asked for.
    NotApplied,
    /// Others claim addresses of this node.
    AddressConflict,
}

impl PodVerdict {
    pub const CONDITION: &'static str = "xdp-gateway.dev/DataPath";

    pub fn status(self) -> &'static str {
        match self {
            Self::InForce => "True",
            Self::NotApplied | Self::AddressConflict => "False",
        }
    }

    pub fn reason(self) -> &'static str {
        match self {
            Self::InForce => "InForce",
            Self::NotApplied => "NotApplied",
            Self::AddressConflict => "AddressConflict",
        }
    }
}
