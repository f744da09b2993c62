//! What watches tell.

use serde_json::Value as Json;

/// What a watch of one kind tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// A list begins.
    Listing,
    /// An object: listed, created or changed.
    Applied(Json),
    /// An object was deleted; its last content.
    Deleted(Json),
    /// The list is complete: what it did not name is gone.
    Listed,
    /// The API server does not know the kind.
    NotInstalled,
    /// The watch failed, and is tried again; why.
    Failed(String),
    /// The watch works again.
    Recovered,
}

impl Event {
    /// Whether the API server must have said something for it.
    pub const fn is_answer(&self) -> bool {
        matches!(self, Self::Applied(_) | Self::Deleted(_) | Self::Listed)
    }
}
