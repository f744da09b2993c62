//! How many of a backend's requests may be repeats: a backend that fails under its load must not
//! get more of it.

use std::{cell::Cell, rc::Rc};

/// Repeats that are always allowed at a time.
const LEAST: usize = 10;
/// Beside these, one repeat for so many requests.
const SHARE: usize = 5;

/// Requests of rules with retries to one backend that are under way.
#[derive(Debug, Default)]
pub struct Budget {
    requests: Cell<usize>,
    repeats: Cell<usize>,
}

/// Counts until dropped.
#[derive(Debug)]
pub struct Spent {
    budget: Rc<Budget>,
    repeat: bool,
}

impl Budget {
    pub fn request(self: &Rc<Self>) -> Spent {
        self.spend(false)
    }

    /// `None`: too many requests are repeats already.
    pub fn repeat(self: &Rc<Self>) -> Option<Spent> {
        let allowed = LEAST.max(self.requests.get() / SHARE);
        (self.repeats.get() < allowed).then(|| self.spend(true))
    }

    fn spend(self: &Rc<Self>, repeat: bool) -> Spent {
        let count = self.count(repeat);
        count.set(count.get() + 1);
        let budget = self.clone();
        Spent { budget, repeat }
    }

    fn count(&self, repeat: bool) -> &Cell<usize> {
        match repeat {
            true => &self.repeats,
            false => &self.requests,
        }
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        let count = self.budget.count(self.repeat);
        count.set(count.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeats(budget: &Rc<Budget>) -> Vec<Spent> {
        std::iter::from_fn(|| budget.repeat()).take(1_000).collect()
    }

    #[test]
    fn a_few_are_always_allowed_and_then_a_share() {
        let budget = Rc::new(Budget::default());
        assert_eq!(repeats(&budget).len(), 10);
        let requests: Vec<Spent> = (0..100).map(|_| budget.request()).collect();
        assert_eq!(repeats(&budget).len(), 20);
        let held = repeats(&budget);
        assert!(budget.repeat().is_none());
        drop((held, requests));
        assert_eq!(repeats(&budget).len(), 10);
    }
}
