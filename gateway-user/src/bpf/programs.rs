//! Pins of the programs themselves, beside those of their links: who captures attaches to them, and
//! asking the kernel for a program by its id would need `CAP_SYS_ADMIN`.

use std::{fs, io};

use anyhow::{Context as _, Result};
use aya::Ebpf;
use gateway_common::maps::{PROGRAM_ANSWER, PROGRAM_EGRESS, PROGRAM_INGRESS};

use super::pins::Pins;

/// Programs that packets go through.
pub(super) const PACKETS: [&str; 3] = [PROGRAM_INGRESS, PROGRAM_EGRESS, PROGRAM_ANSWER];

/// Pins the loaded programs, in place of those of an earlier start.
pub(super) fn pin(ebpf: &mut Ebpf, pins: &Pins) -> Result<()> {
    for name in PACKETS {
        let path = pins.program(name);
        let shown = path.display();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {shown}"));
            }
            _ => {}
        }
        let program = ebpf.program_mut(name);
        let program = program.with_context(|| format!("the BPF object has no program {name}"))?;
        program
            .pin(&path)
            .with_context(|| format!("cannot pin a program at {shown}"))?;
    }
    Ok(())
}
