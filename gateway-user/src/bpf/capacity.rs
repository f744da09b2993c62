//! How many entries the table of established flows has, and shall have. A connection has two.

use anyhow::Result;

use super::datapath::RETRY;

#[derive(Debug)]
pub(super) struct Capacity {
    entries: u32,
    wanted: u32,
    refused: Option<Refused>,
}

#[derive(Debug)]
struct Refused {
    /// At which look.
    at: u32,
    why: String,
}

impl Capacity {
    pub(super) const fn new(entries: u32) -> Self {
        Self {
            entries,
            wanted: entries,
            refused: None,
        }
    }

    /// Whether the table has another size.
    pub(super) fn want(&mut self, entries: u32) -> bool {
        if self.wanted != entries {
            self.wanted = entries;
            self.refused = None;
        }
        self.wanted != self.entries
    }

    /// The size to bring it to at this look. One that was refused may fit later: connections end.
    pub(super) fn due(&self, look: u32) -> Option<u32> {
        let refused = self.refused.as_ref();
        let waits = refused.is_some_and(|refused| look.wrapping_sub(refused.at) < RETRY);
        (self.wanted != self.entries && !waits).then_some(self.wanted)
    }

    /// What came of it. A refusal is logged once.
    pub(super) fn tried(&mut self, look: u32, done: Result<()>) {
        let Err(error) = done else {
            *self = Self::new(self.wanted);
            return;
        };
        let has = self.entries / 2;
        let why = format!("the flow table keeps its size of {has} connections: {error:#}");
        if self.refusal().is_none() {
            tracing::warn!("{why}");
        }
        self.refused = Some(Refused { at: look, why });
    }

    /// Why it has another size.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refused.as_ref().map(|refused| refused.why.as_str())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_refused_size_is_tried_again_later_and_another_one_at_once() {
        let mut capacity = Capacity::new(100);
        assert_eq!(capacity.due(1), None);
        assert!(capacity.want(50));
        assert_eq!(capacity.due(1), Some(50));
        capacity.tried(1, Err(anyhow!("too many")));
        let why = "the flow table keeps its size of 50 connections: too many";
        assert_eq!(capacity.refusal(), Some(why));
        assert!(capacity.want(50));
        assert_eq!(capacity.due(RETRY), None);
        assert_eq!(capacity.due(RETRY + 1), Some(50));
        assert!(capacity.want(80));
        assert_eq!(capacity.refusal(), None);
        assert_eq!(capacity.due(2), Some(80));
        capacity.tried(2, Ok(()));
        assert!(!capacity.want(80));
        assert_eq!(capacity.due(3), None);
        assert!(capacity.want(50));
        capacity.tried(4, Err(anyhow!("too many")));
        // As it is again: there is nothing to complain of.
        assert!(!capacity.want(80));
        assert_eq!(capacity.refusal(), None);
    }
}
