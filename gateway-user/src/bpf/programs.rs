//! The programs themselves: pinned beside their links, and put where packets find them, on the links
//! and in the arrays that others go on from. `capture` puts others in their place, and they come back
//! from their pins.

use std::os::fd::{AsFd as _, BorrowedFd};

use anyhow::{Context as _, Result};
use aya::{Ebpf, programs::ProgramInfo};
use gateway_common::maps::{
    PROGRAM_TLS, PROGRAM_TLS_EGRESS, PROGRAM_TLS_INGRESS, SLOT_TLS, SLOT_TLS_EGRESS,
    SLOT_TLS_INGRESS, TCX_PROGRAMS, XDP_PROGRAMS,
};

use super::{
    attach::{PACKETS, program_of},
    links,
    object_fd::{self, LinkFd, ProgramsFd},
    pins::{Pins, clear, names},
};

/// Where a program is that packets go through.
enum Place {
    /// On the link of this name.
    Link(String),
    /// In a slot of the array of this name, from where others go on with it.
    Slot(&'static str, u32),
}

/// Programs that others go on with: by the array that they lie in, and their slot.
const TAIL_CALLED: [(&str, u32, &str); 3] = [
    (XDP_PROGRAMS, SLOT_TLS, PROGRAM_TLS),
    (TCX_PROGRAMS, SLOT_TLS_EGRESS, PROGRAM_TLS_EGRESS),
    (TCX_PROGRAMS, SLOT_TLS_INGRESS, PROGRAM_TLS_INGRESS),
];

/// Pins the loaded programs, in place of those of an earlier start.
pub(super) fn pin(ebpf: &mut Ebpf, pins: &Pins) -> Result<()> {
    let tail_called = TAIL_CALLED.map(|(_, _, name)| name);
    for name in PACKETS.into_iter().chain(tail_called) {
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

/// Puts the programs of TLS passthrough where those on the links find them, in place of those of an
/// earlier start. The arrays are pinned: the kernel empties one that no user holds.
///
/// # Errors
/// Where the object lacks one of them, or the kernel refuses.
pub(super) fn fill(ebpf: &Ebpf, pins: &Pins) -> Result<()> {
    slots().try_for_each(|(place, name)| put(ebpf, pins, &place, name).map(drop))
}

/// Puts the programs of `ebpf` in the place of those that packets go through; returns on how many
/// links.
pub(super) fn replace(ebpf: &Ebpf, pins: &Pins) -> Result<usize> {
    fill(ebpf, pins)?;
    let mut replaced = 0;
    for (place, name) in on_links(pins)? {
        replaced += usize::from(put(ebpf, pins, &place, name)?);
    }
    Ok(replaced)
}

/// Puts the pinned programs back where others are.
pub(super) fn restore(pins: &Pins) -> Result<()> {
    for (place, name) in slots().chain(on_links(pins)?) {
        let path = pins.program(name);
        let context = || format!("cannot open the program {}", path.display());
        let pinned = ProgramInfo::from_pin(&path).with_context(context)?;
        if place.id(pins)? != Some(pinned.id()) {
            let fd = object_fd::program(&path).with_context(context)?;
            place.put(pins, fd.as_fd())?;
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

/// Slots of arrays, each with the name of its program.
fn slots() -> impl Iterator<Item = (Place, &'static str)> {
    let slots = TAIL_CALLED.into_iter();
    slots.map(|(array, slot, name)| (Place::Slot(array, slot), name))
}

/// Links that carry packets, each with the name of its program.
fn on_links(pins: &Pins) -> Result<Vec<(Place, &'static str)>> {
    let all = names(&pins.links_dir())?.into_iter();
    let with_program = all.filter_map(|link| {
        let program = program_of(&link)?;
        Some((Place::Link(link), program))
    });
    Ok(with_program.collect())
}

/// Puts a program of `ebpf` there; `false` where the link is gone meanwhile.
fn put(ebpf: &Ebpf, pins: &Pins, place: &Place, name: &str) -> Result<bool> {
    let program = ebpf.program(name);
    let program = program.with_context(|| format!("the BPF object has no program {name}"))?;
    place.put(pins, program.fd()?.as_fd())
}

impl Place {
    /// Id of the program that is there.
    fn id(&self, pins: &Pins) -> Result<Option<u32>> {
        match self {
            Self::Link(link) => links::program_id(&pins.link(link)),
            Self::Slot(array, slot) => {
                let id = ProgramsFd::open(&pins.map(array)).and_then(|open| open.id(*slot));
                id.with_context(|| format!("cannot read slot {slot} of the map {array}"))
            }
        }
    }

    /// `false` where the link is gone meanwhile.
    fn put(&self, pins: &Pins, program: BorrowedFd<'_>) -> Result<bool> {
        match self {
            Self::Link(link) => update(pins, link, program),
            Self::Slot(array, slot) => {
                let open = ProgramsFd::open(&pins.map(array));
                let put = open.and_then(|open| open.put(*slot, program));
                let context =
                    || format!("cannot put a program into slot {slot} of the map {array}");
                put.map(|()| true).with_context(context)
            }
        }
    }
}

fn update(pins: &Pins, link: &str, program: BorrowedFd<'_>) -> Result<bool> {
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
