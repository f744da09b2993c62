//! What is new after an event of a watch.

use std::ops::BitOr;

/// What an event changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Objects.
    pub world: bool,
    /// Statuses of objects, or objects that we made.
    pub live: bool,
    /// Problems, or what is known about a watch.
    pub watches: bool,
    /// Nodes that run us.
    pub peers: bool,
    /// What they report.
    pub reports: bool,
}

impl Changed {
    /// `watches` alone.
    pub(super) fn watches(watches: bool) -> Self {
        Self {
            watches,
            ..Self::default()
        }
    }

    pub fn any(self) -> bool {
        self != Self::default()
    }
}

impl BitOr for Changed {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            world: self.world || other.world,
            live: self.live || other.live,
            watches: self.watches || other.watches,
            peers: self.peers || other.peers,
            reports: self.reports || other.reports,
        }
    }
}
