//! What the object must be: without calls to memory functions, without logging.

use gateway_user::bpf::{OBJECT, object::OBJECT_LOG};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget};

/// Byte loops: each costs a hit more than all of its lookups.
#[test]
fn programs_call_no_memory_function() {
    let file = object::File::parse(OBJECT).expect("an ELF object");
    let mut relocations = 0;
    for section in file.sections() {
        let name = section.name().expect("a section name").to_owned();
        if name.starts_with(".BTF") || name.starts_with(".debug") {
            continue;
        }
        for (offset, relocation) in section.relocations() {
            relocations += 1;
            let RelocationTarget::Symbol(index) = relocation.target() else {
                continue;
            };
            let symbol = file.symbol_by_index(index).expect("a symbol");
            let target = symbol.name().unwrap_or_default();
            assert!(
                !target.starts_with("mem"),
                "{name}+{offset:#x} calls {target}"
            );
        }
    }
    assert!(
        relocations > 20,
        "the programs use maps: {relocations} relocations"
    );
}

/// Logging is compiled into its own object only.
#[test]
fn only_the_development_object_logs() {
    let logs = |bytes: &[u8]| {
        let file = object::File::parse(bytes).expect("an ELF object");
        file.symbols()
            .any(|s| s.name().is_ok_and(|name| name == "AYA_LOGS"))
    };
    assert!(logs(OBJECT_LOG));
    assert!(!logs(OBJECT));
}
