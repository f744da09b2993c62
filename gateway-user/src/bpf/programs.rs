//! Pins of the programs themselves, beside those of their links: `capture` puts others in their
//! place, and they come back from here.

use std::os::fd::AsFd as _;

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    maps::{MapData, ProgramArray},
    programs::ProgramInfo,
};
use gateway_common::maps::{
    PROGRAM_TLS, PROGRAM_TLS_EGRESS, PROGRAM_TLS_INGRESS, SLOT_TLS, SLOT_TLS_EGRESS,
    SLOT_TLS_INGRESS, TCX_PROGRAMS, XDP_PROGRAMS,
};

use super::{
    attach::{PACKETS, program_of},
    links,
    object_fd::{self, LinkFd},
    pins::{Pins, clear, names},
};

/// Pins the loaded programs, in place of those of an earlier start.
pub(super) fn pin(ebpf: &mut Ebpf, pins: &Pins) -> Result<()> {
    for name in PACKETS {
        let path = pins.program(name);
        let shown = path.display();
        clear(&path)?;
        let program = ebpf.program_mut(name);
        let program = program.with_context(|| format!("the BPF object has no program {name}"))?;
        program
            .pin(&path)
            .with_context(|| format!("cannot pin a program at {shown}"))?;
    }
    Ok(())
}

/// Programs that others go on with: by the array that they lie in, and their slot.
const TAIL_CALLED: [(&str, u32, &str); 3] = [
    (XDP_PROGRAMS, SLOT_TLS, PROGRAM_TLS),
    (TCX_PROGRAMS, SLOT_TLS_EGRESS, PROGRAM_TLS_EGRESS),
    (TCX_PROGRAMS, SLOT_TLS_INGRESS, PROGRAM_TLS_INGRESS),
];

/// Puts the programs of TLS passthrough where those on the links find them, in place of those of an
/// earlier start. The arrays are pinned: the kernel empties one that no user holds.
///
/// # Errors
/// Where the object lacks one of them, or the kernel refuses.
pub(super) fn fill(ebpf: &Ebpf, pins: &Pins) -> Result<()> {
    for (array, slot, name) in TAIL_CALLED {
        let program = ebpf.program(name);
        let program = program.with_context(|| format!("the BPF object has no program {name}"))?;
        let mut programs: ProgramArray<MapData> = pins.open(array)?;
        let put = programs.set(slot, program.fd()?, 0);
        put.with_context(|| format!("cannot put the program {name} into the map {array}"))?;
    }
    Ok(())
}

/// Puts the programs of `ebpf` in the place of those on our links; returns how many.
pub(super) fn replace(ebpf: &Ebpf, pins: &Pins) -> Result<usize> {
    let mut replaced = 0;
    for (link, name) in on_links(pins)? {
        let program = ebpf.program(name);
        let program = program.with_context(|| format!("the BPF object has no program {name}"))?;
        let fd = program.fd()?;
        replaced += usize::from(update(pins, &link, fd.as_fd())?);
    }
    Ok(replaced)
}

/// Puts the pinned programs back where others are on our links.
pub(super) fn restore(pins: &Pins) -> Result<()> {
    for (link, name) in on_links(pins)? {
        let path = pins.program(name);
        let pinned = ProgramInfo::from_pin(&path)
            .with_context(|| format!("cannot open the program {}", path.display()))?;
        if links::program_id(&pins.link(&link))? != Some(pinned.id()) {
            let fd = object_fd::program(&path)
                .with_context(|| format!("cannot open the program {}", path.display()))?;
            update(pins, &link, fd.as_fd())?;
        }
    }
    Ok(())
}

/// As [`restore`], unless somebody captures: one that was killed could not do it.
pub(super) fn restore_abandoned(pins: &Pins) -> Result<()> {
    match pins.lock_programs()? {
        Some(_lock) => restore(pins),
        None => Ok(()),
    }
}

/// Names of links that carry packets, each with that of its program.
fn on_links(pins: &Pins) -> Result<Vec<(String, &'static str)>> {
    let all = names(&pins.links_dir())?.into_iter();
    let with_program = all.filter_map(|link| program_of(&link).map(|program| (link, program)));
    Ok(with_program.collect())
}

/// `false` where the link is gone meanwhile.
fn update(pins: &Pins, link: &str, program: std::os::fd::BorrowedFd<'_>) -> Result<bool> {
    let context = || format!("cannot replace the program of the link {link}");
    let Some(open) = LinkFd::open(&pins.link(link)).with_context(context)? else {
        return Ok(false);
    };
    match open.update(program) {
        // Its interface is gone.
        Err(error) if error.raw_os_error() == Some(libc::ENOLINK) => Ok(false),
        done => done.map(|()| true).with_context(context),
    }
}
