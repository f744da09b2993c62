//! Where the clone is.

use std::path::{Path, PathBuf};

/// The root of the clone that this program was started from.
pub(crate) fn root() -> PathBuf {
    // cargo sets it at run time as well; the value of the build serves a directly started binary.
    let manifest = std::env::var("CARGO_MANIFEST_DIR");
    let manifest = manifest.unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").into());
    let parent = Path::new(&manifest).parent();
    parent.unwrap_or(Path::new(".")).to_owned()
}
