//! How connections and datagrams of a TCP or UDP listener are treated.

use std::time::Duration;

/// Connections keep a backend for so long that gets no new ones and will not come back.
pub const DRAIN: Duration = Duration::from_hours(1);

/// Of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L4Options {
    /// How long a backend that leaves keeps the flows it has.
    pub drain: Duration,
    /// What has no backend is dropped without an answer.
    pub silent: bool,
    /// A client's address alone picks the backend (`sessionAffinity: ClientIP` of a Service).
    pub by_client: bool,
}

impl Default for L4Options {
    fn default() -> Self {
        Self {
            drain: DRAIN,
            silent: false,
            by_client: false,
        }
    }
}
