//! `cargo xtask tidy`: the rules of the code that no other tool knows.

use anyhow::Result;

pub(crate) fn run() -> Result<()> {
    Ok(())
}
