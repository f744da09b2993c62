//! Sets of host names.

use std::{fmt, sync::Arc};

/// A set of host names. Names are lower-case, without a final dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    Exact(Arc<str>),
    /// `*.example.com` is held as `example.com`: one or more labels before it.
    Suffix(Arc<str>),
    Any,
}

/// As it is written in YAML.
impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(name) => f.write_str(name),
            Self::Suffix(name) => write!(f, "*.{name}"),
        }
    }
}
