//! What the verifier says of the programs: printed, and within bounds.

use std::{fs, process::Command};

use aya::programs::ProgramInfo;
use gateway_common::maps::{
    PROGRAM_ANSWER, PROGRAM_EGRESS, PROGRAM_INGRESS, PROGRAM_LOOKUP, PROGRAM_TLS, PROGRAM_TLS_BACK,
};
use gateway_tests::{measured::measured, net::Net};
use gateway_user::bpf::{OBJECT, object::OBJECT_LOG};

/// The kernel's limit is a million; what is far below loads in a fraction of a second.
const INSTRUCTIONS: u32 = 250_000;
/// Those of TLS passthrough are one state machine each.
const INSTRUCTIONS_TLS: u32 = 650_000;

/// With another loader than ours.
#[test]
fn the_verifier_accepts_every_program() {
    let net = Net::new().expect("a directory and pins of our own");
    let file = net.dir().join("object");
    fs::write(&file, OBJECT).expect("a temporary file");
    let mut bpftool = Command::new("bpftool");
    bpftool.args(["prog", "loadall"]);
    let out = bpftool.arg(file).arg(net.pins()).output();
    let out = out.expect("bpftool starts; `cargo xtask setup` installs it");
    let said = String::from_utf8_lossy(&out.stderr);
    let tail: Vec<_> = said.lines().rev().take(20).collect();
    assert!(
        out.status.success(),
        "the kernel refused it, from the last line: {tail:#?}"
    );
    for (name, most) in [
        (PROGRAM_INGRESS, INSTRUCTIONS),
        (PROGRAM_EGRESS, INSTRUCTIONS),
        (PROGRAM_ANSWER, INSTRUCTIONS),
        (PROGRAM_LOOKUP, INSTRUCTIONS),
        (PROGRAM_TLS, INSTRUCTIONS_TLS),
        (PROGRAM_TLS_BACK, INSTRUCTIONS_TLS),
    ] {
        let info = ProgramInfo::from_pin(net.pins().join(name)).expect("every program is loaded");
        let verified = info.verified_instruction_count();
        let verified = verified.expect("Linux 5.16 or later tells");
        measured(format_args!("{name}: {verified} instructions verified"));
        assert!((50..most).contains(&verified), "{name}: {verified}");
    }
}

/// The variant with logging, too: nobody wants to mend it when it is needed.
#[test]
fn the_verifier_accepts_the_logging_variant() {
    use aya::{EbpfLoader, programs::Program};
    let mut ebpf = EbpfLoader::new().load(OBJECT_LOG).expect("its maps");
    for (name, program) in ebpf.programs_mut() {
        let loaded = match program {
            Program::Xdp(program) => program.load(),
            Program::SchedClassifier(program) => program.load(),
            Program::SkLookup(program) => program.load(),
            other => panic!("{name}: {other:?}"),
        };
        loaded.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
