//! Paths to fields, as users write them: `spec.listeners[0].port`.

use std::{borrow::Cow, fmt};

/// Where a field is in its object.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Field(Cow<'static, str>),
    Index(usize),
}

impl Path {
    pub fn spec() -> Self {
        Self::default().field("spec")
    }

    /// The path of a field of the object at this path.
    pub fn field(&self, name: impl Into<Cow<'static, str>>) -> Self {
        self.then(Step::Field(name.into()))
    }

    /// The path of an element, from 0, of the list at this path.
    pub fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    /// The path of the parent, and the name of the field; empty for the root and for elements.
    pub fn split_last(&self) -> (Self, &str) {
        match self.0.split_last() {
            Some((Step::Field(name), parent)) => (Self(parent.to_vec()), name),
            Some((Step::Index(_), parent)) => (Self(parent.to_vec()), ""),
            None => (Self::default(), ""),
        }
    }

    fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                // Keys of labels and of data.
                Step::Field(name) if name.contains(['.', '/']) => write!(f, "[{name}]")?,
                Step::Field(name) if i == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

impl From<&serde_ignored::Path<'_>> for Path {
    fn from(path: &serde_ignored::Path<'_>) -> Self {
        use serde_ignored::Path as Ignored;
        match path {
            Ignored::Root => Self::default(),
            Ignored::Seq { parent, index } => Self::from(*parent).index(*index),
            Ignored::Map { parent, key } => Self::from(*parent).field(key.clone()),
            Ignored::Some { parent }
            | Ignored::NewtypeStruct { parent }
            | Ignored::NewtypeVariant { parent } => Self::from(*parent),
        }
    }
}

impl From<&serde_path_to_error::Path> for Path {
    fn from(path: &serde_path_to_error::Path) -> Self {
        use serde_path_to_error::Segment;
        let step = |segment: &Segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Field(key.clone().into())),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        Self(path.iter().filter_map(step).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn reads_like_jsonpath() {
        let listener = Path::spec().field("listeners").index(2);
        assert_eq!(listener.field("port").to_string(), "spec.listeners[2].port");
        let label = Path::default()
            .field("metadata")
            .field("labels")
            .field("a.b/c");
        assert_eq!(label.to_string(), "metadata.labels[a.b/c]");
    }
}
