//! What the object must be: small, without calls to memory functions, readable by tools.

use aya::programs::loaded_programs;
use gateway_common::{abi::Counter, maps};
use gateway_user::bpf::{OBJECT, object::OBJECT_LOG};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget};

use crate::{
    fixture,
    frames::{SYN, tcp},
    kernel::Kernel,
    path::{Hook, Path as _},
};

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

/// The kernel takes every program; prints what the verifier did.
#[test]
fn the_verifier_accepts_every_program() {
    let kernel = Kernel::new(&fixture::config());
    let wanted = [
        maps::PROGRAM_INGRESS,
        maps::PROGRAM_EGRESS,
        maps::PROGRAM_LOOKUP,
    ];
    for name in wanted {
        let program = kernel.ebpf().program(name).expect("program in the object");
        let info = program.info().expect("a loaded program");
        let verified = info
            .verified_instruction_count()
            .expect("kernel 5.16 or later");
        let bytes = info.size_translated().expect("kernel 4.13 or later");
        println!("{name}: {} instructions, {verified} verified", bytes / 8);
        assert!(
            verified < 20_000,
            "{name}: {verified} verified instructions"
        );
    }
    let ours = |name: &str| wanted.iter().any(|full| full.starts_with(name));
    let loaded = loaded_programs()
        .flatten()
        .filter(|p| p.name_as_str().is_some_and(ours));
    assert!(loaded.count() >= wanted.len());
}

/// A drop is told once, with its reason; a flood of them is counted, not told.
#[test]
fn drops_are_told_sparingly() {
    let mut kernel = Kernel::new(&fixture::config());
    let frame = tcp(fixture::CLIENT, fixture::EMPTY, SYN).frame();
    for _ in 0..100 {
        assert!(!kernel.run(Hook::Ingress, &mut frame.clone()));
    }
    assert_eq!(kernel.counters().drop_no_backend.packets, 100);
    let events = kernel.events();
    let cpus = aya::util::nr_cpus().expect("the number of CPUs");
    assert!(
        (1..=cpus).contains(&events.len()),
        "{} events on {cpus} CPUs",
        events.len()
    );
    for event in events {
        assert_eq!(
            Counter::from_index(event.reason),
            Some(Counter::DropNoBackend)
        );
        assert_eq!(event.bytes as usize, frame.len());
        assert_eq!(event.key.source_port, fixture::CLIENT.1);
    }
}
