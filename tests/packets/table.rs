//! Rows of the packet table, and how a row is judged.

use gateway_common::abi::{Count, Counter, Counters};

use crate::{
    frames::Spec,
    path::{Action, Hook, Path, both},
};

/// A frame, what becomes of it, and what leaves.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) hook: Hook,
    pub(crate) frame: Vec<u8>,
    /// Every counter that takes the frame.
    pub(crate) counters: &'static [Counter],
    /// The frame that goes on.
    pub(crate) out: Vec<u8>,
}

/// A frame that leaves as another one.
pub(crate) fn becomes(
    name: &'static str,
    hook: Hook,
    frame: &Spec,
    counters: &'static [Counter],
    out: &Spec,
) -> Row {
    Row {
        name,
        hook,
        frame: frame.frame(),
        counters,
        out: out.frame(),
    }
}

/// A frame that is answered with another one.
pub(crate) fn answered(
    name: &'static str,
    hook: Hook,
    frame: Vec<u8>,
    counters: &'static [Counter],
    out: Vec<u8>,
) -> Row {
    Row {
        name,
        hook,
        frame,
        counters,
        out,
    }
}

/// A frame that is not touched.
pub(crate) fn stays(
    name: &'static str,
    hook: Hook,
    frame: Vec<u8>,
    counters: &'static [Counter],
) -> Row {
    Row {
        name,
        hook,
        out: frame.clone(),
        frame,
        counters,
    }
}

impl Row {
    /// Runs the row and compares everything.
    pub(crate) fn check(&self, path: &mut dyn Path) {
        let place = format!("{} on {}", self.name, path.name());
        let before = path.counters();
        let mut frame = self.frame.clone();
        let action = path.run(self.hook, &mut frame);
        // Opened comes second, and goes the way of what it opens. What is not counted passes.
        let first = self.counters.first();
        let wanted = first.map_or(Action::Pass, |counter| counter.kind().into());
        let mut expected = before;
        for &counter in self.counters {
            expected.add(counter, self.frame.len() as u64);
        }
        assert_eq!(
            difference(&before, &path.counters()),
            difference(&before, &expected),
            "{place}"
        );
        assert_eq!(action, wanted, "{place}: verdict");
        assert_eq!(frame, self.out, "{place}: bytes");
    }
}

/// Runs the rows in order against fresh tables, on the host and in the kernel.
pub(crate) fn run(rows: &[Row]) {
    for mut path in both() {
        for row in rows {
            row.check(path.as_mut());
        }
    }
}

/// Counters that changed, by name.
pub(crate) fn difference(before: &Counters, after: &Counters) -> Vec<(&'static str, Count)> {
    let changed = Counter::ALL
        .iter()
        .filter(|&&c| before.get(c) != after.get(c));
    changed
        .map(|&c| {
            let (old, new) = (before.get(c), after.get(c));
            let packets = new.packets - old.packets;
            (
                c.describe().name,
                Count {
                    packets,
                    bytes: new.bytes - old.bytes,
                },
            )
        })
        .collect()
}
