//! Rows of the packet table, and how a row is judged.

use gateway_common::abi::{Count, Counter, Counters};

use crate::{
    control::Control,
    fixture,
    frames::{Family, Spec},
    host::Host,
    nested::Nested,
    path::{Action, Hook, Path, World, both, worlds},
    tagged::Tagged,
};

/// A frame as bytes, or one that has its like in each family.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Bytes(Vec<u8>),
    Spec(Spec),
    Control(Control),
    Nested(Box<Nested>),
}

/// A frame, what becomes of it, and what leaves.
pub(crate) struct Row<'a> {
    pub(crate) name: &'static str,
    pub(crate) hook: Hook,
    pub(crate) frame: Shape,
    /// Every counter that takes the frame.
    pub(crate) counters: &'a [Counter],
    /// The frame that goes on.
    pub(crate) out: Shape,
}

/// A frame that leaves as another one.
pub(crate) fn becomes<'a>(
    name: &'static str,
    hook: Hook,
    frame: &Spec,
    counters: &'a [Counter],
    out: &Spec,
) -> Row<'a> {
    answered(name, hook, frame, counters, out)
}

/// A frame that is answered with another one.
pub(crate) fn answered<'a>(
    name: &'static str,
    hook: Hook,
    frame: impl Into<Shape>,
    counters: &'a [Counter],
    out: impl Into<Shape>,
) -> Row<'a> {
    Row {
        name,
        hook,
        frame: frame.into(),
        counters,
        out: out.into(),
    }
}

/// A frame that is not touched.
pub(crate) fn stays<'a>(
    name: &'static str,
    hook: Hook,
    frame: impl Into<Shape>,
    counters: &'a [Counter],
) -> Row<'a> {
    let frame = frame.into();
    answered(name, hook, frame.clone(), counters, frame)
}

impl From<Vec<u8>> for Shape {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&Spec> for Shape {
    fn from(spec: &Spec) -> Self {
        Self::Spec(spec.clone())
    }
}

impl From<&Control> for Shape {
    fn from(control: &Control) -> Self {
        Self::Control(control.clone())
    }
}

impl From<Nested> for Shape {
    fn from(nested: Nested) -> Self {
        Self::Nested(Box::new(nested))
    }
}

impl Shape {
    pub(crate) fn bytes(&self, family: Family) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Spec(spec) => spec.within(family).frame(),
            Self::Control(control) => control.frame(family),
            Self::Nested(nested) => nested.frame(family),
        }
    }
}

impl Row<'_> {
    /// Runs the row and compares everything.
    pub(crate) fn check(&self, path: &mut dyn Path) {
        self.check_as(path, Family::V4);
    }

    /// The same in the family of the world.
    pub(crate) fn check_in(&self, world: &mut World) {
        self.check_as(world.path.as_mut(), world.family);
    }

    fn check_as(&self, path: &mut dyn Path, family: Family) {
        let place = format!("{} on {}, {family:?}", self.name, path.name());
        let before = path.counters();
        let original = self.frame.bytes(family);
        let mut frame = original.clone();
        let action = path.run(self.hook, &mut frame);
        // Opened comes second, and goes the way of what it opens. What is not counted passes.
        let first = self.counters.first();
        let wanted = first.map_or(Action::Pass, |counter| counter.kind().into());
        let mut expected = before;
        for &counter in self.counters {
            expected.add(counter, original.len() as u64);
        }
        assert_eq!(
            difference(&before, &path.counters()),
            difference(&before, &expected),
            "{place}"
        );
        assert_eq!(action, wanted, "{place}: verdict");
        assert_eq!(frame, self.out.bytes(family), "{place}: bytes");
    }
}

/// Runs the rows in order against fresh tables of IPv4, on the host and in the kernel, and on the host
/// with VLAN tags.
pub(crate) fn run(rows: &[Row<'_>]) {
    let tagged: Box<dyn Path> = Box::new(Tagged::new(Host::new(&fixture::config())));
    for mut path in both().into_iter().chain([tagged]) {
        for row in rows {
            row.check(path.as_mut());
        }
    }
}

/// The same in both families, for rows that are made of [`Spec`]s.
pub(crate) fn run_in_both_families(rows: &[Row<'_>]) {
    let tagged = [Family::V4, Family::V6].map(|family| {
        let host = Host::new(&fixture::config_of(family));
        let path = Box::new(Tagged::new(host));
        World { path, family }
    });
    for mut world in worlds().into_iter().chain(tagged) {
        for row in rows {
            row.check_in(&mut world);
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
