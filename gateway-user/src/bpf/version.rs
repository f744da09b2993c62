//! The layout version that an object was compiled with.

use anyhow::{Context as _, Result, bail};
use gateway_common::maps::{ABI_VERSION, GLOBAL_ABI};
use object::{File, Object as _, ObjectSection as _, ObjectSymbol as _};

/// Refuses an object that was built from other map layouts than this program: a stale build.
pub(super) fn check(object: &[u8]) -> Result<()> {
    let found = abi_of(object).context("the embedded BPF object does not tell its version")?;
    if found != ABI_VERSION {
        bail!(
            "the embedded BPF object is of version {found}, this program of {ABI_VERSION}: \
             build again from a clean tree (`cargo clean -p gateway-user`)"
        );
    }
    Ok(())
}

/// Value of the `u32` global [`GLOBAL_ABI`].
fn abi_of(bytes: &[u8]) -> Option<u32> {
    let file = File::parse(bytes).ok()?;
    let symbol = file.symbols().find(|s| s.name() == Ok(GLOBAL_ABI))?;
    let section = file.section_by_index(symbol.section_index()?).ok()?;
    let at = symbol.address().checked_sub(section.address())?;
    let value = section.data().ok()?.get(usize::try_from(at).ok()?..)?;
    Some(u32::from_le_bytes(*value.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::object::{OBJECT, OBJECT_LOG};

    #[test]
    fn both_objects_carry_this_version() {
        assert_eq!(abi_of(OBJECT), Some(ABI_VERSION));
        assert_eq!(abi_of(OBJECT_LOG), Some(ABI_VERSION));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let error = check(b"not an ELF file").expect_err("it has no version");
        assert!(error.to_string().contains("does not tell its version"));
    }
}
