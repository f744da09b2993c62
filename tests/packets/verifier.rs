//! What the verifier says of the programs: printed, and within bounds.

use std::{fs, process::Command};

use gateway_common::maps::{PROGRAM_ANSWER, PROGRAM_EGRESS, PROGRAM_INGRESS, PROGRAM_LOOKUP};
use gateway_tests::{measured::measured, net::Net};
use gateway_user::bpf::{OBJECT, object::OBJECT_LOG};

/// The kernel's limit is a million; what is far below loads in a fraction of a second.
const INSTRUCTIONS: usize = 250_000;
/// Bytes of one function's frame. The kernel's limit is 512 for a chain of calls, which it judges
/// itself; a frame above this leaves no room for callers.
const FRAME: usize = 352;

#[derive(Debug)]
struct Verified {
    program: String,
    instructions: usize,
    /// Bytes of the program's own frame and of each function's.
    stack: Vec<usize>,
}

/// Loads an object with another loader than ours, and reads what the verifier logged.
fn load(object: &[u8]) -> Vec<Verified> {
    let net = Net::new().expect("a directory and pins of our own");
    let file = net.dir().join("object");
    fs::write(&file, object).expect("a temporary file");
    let mut bpftool = Command::new("bpftool");
    bpftool.args(["--debug", "prog", "loadall"]);
    let out = bpftool.arg(file).arg(net.pins()).output();
    let out = out.expect("bpftool starts; `cargo xtask setup` installs it");
    let said = String::from_utf8_lossy(&out.stderr);
    let tail: Vec<_> = said.lines().rev().take(20).collect();
    assert!(
        out.status.success(),
        "the kernel refused it, from the last line: {tail:#?}"
    );
    said.split("-- BEGIN PROG LOAD LOG --")
        .zip(said.split("-- BEGIN PROG LOAD LOG --").skip(1))
        .map(|(before, log)| read(before, log).expect("stack depth and instructions in the log"))
        .collect()
}

/// `... prog 'NAME': ` is before the log, `stack depth A+B` and `processed N insns` at its end.
fn read(before: &str, log: &str) -> Option<Verified> {
    let line = |start| log.lines().find_map(|line| line.strip_prefix(start));
    let depths = line("stack depth ")?.split('+');
    Some(Verified {
        program: before.trim_end().rsplit('\'').nth(1)?.into(),
        instructions: line("processed ")?.split(' ').next()?.parse().ok()?,
        stack: depths.map(str::parse).collect::<Result<_, _>>().ok()?,
    })
}

#[test]
fn the_verifier_accepts_every_program() {
    let programs = load(OBJECT);
    for wanted in [
        PROGRAM_INGRESS,
        PROGRAM_EGRESS,
        PROGRAM_ANSWER,
        PROGRAM_LOOKUP,
    ] {
        let found = programs.iter().find(|p| p.program == wanted);
        let Verified {
            instructions,
            stack,
            ..
        } = found.expect("every program is loaded");
        measured(format_args!(
            "{wanted}: {instructions} instructions verified, stack {stack:?}"
        ));
        assert!(
            (50..INSTRUCTIONS).contains(instructions),
            "{wanted}: {instructions}"
        );
        assert!(
            stack.iter().all(|&frame| frame <= FRAME),
            "{wanted}: {stack:?}"
        );
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
