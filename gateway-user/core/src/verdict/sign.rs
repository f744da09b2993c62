//! What there is to tell of an object beside its conditions.

/// Lasts for as long as it is so; becomes a Kubernetes Event of type Warning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignVerdict {
    /// `problem`: the field, what is wrong with it, and what to do.
    #[error("xdp-gateway cannot read this object: {problem}; {}", effect(*in_force))]
    Unreadable {
        problem: String,
        /// An earlier version of the object could be read.
        in_force: bool,
    },
}

impl SignVerdict {
    /// In `reason` of the Event.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Unreadable",
        }
    }

    /// In `action` of the Event: what was done when it was found.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Read",
        }
    }
}

fn effect(in_force: bool) -> &'static str {
    if in_force {
        "what it said before stays in force until then"
    } else {
        "it has no effect until then"
    }
}
