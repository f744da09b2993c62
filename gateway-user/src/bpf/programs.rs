//! The programs themselves: pinned beside their links, and put where packets find them, on the links
//! and in the arrays that others go on from. `capture` puts others in their place, and they come back
//! from their pins.

use std::os::fd::{AsFd as _, BorrowedFd};

use anyhow::{Context as _, Result};
use aya::{Ebpf, programs::ProgramInfo};
use gateway_common::maps::{SLOT_TLS, TAIL_CALLED};

use super::{
    attach::{PACKETS, program_of},
    links, load,
    object_fd::{self, LinkFd, ProgramsFd},
    pins::{Pins, clear, names},
};

/// Where a program is that packets go through.
enum Place {
    /// On the link of this name.
    Link(String),
    /// In the array of this name, from where others go on with it.
    Array(&'static str),
}

/// Whether `program` is one of TLS passthrough. Where there is no listener for them they are not loaded,
/// for the verifier takes seconds; and once they are, they stay, for connections outlive listeners.
pub(super) fn is_tls(program: &str) -> bool {
    TAIL_CALLED.iter().any(|(_, name)| *name == program)
}

/// Whether the programs of TLS passthrough are in force, since this start or an earlier one.
pub(super) fn have_tls(pins: &Pins) -> bool {
    TAIL_CALLED
        .iter()
        .all(|(_, name)| pins.program(name).exists())
}

/// Whether `program` is one of those that are in force.
pub(super) fn in_force(pins: &Pins) -> impl Fn(&str) -> bool {
    let tls = have_tls(pins);
    move |program| tls || !is_tls(program)
}

/// Brings those of TLS passthrough into force. The maps are those that are pinned.
///
/// # Errors
/// Where the kernel refuses: it hands packets for them to the stack, and so to the proxy, as before.
pub(super) fn start_tls(object: &[u8], pins: &Pins, hz: u32) -> Result<()> {
    let mut ebpf = load::load(object, pins, hz, None, is_tls)?;
    // One who captures meanwhile finds them.
    pin(&mut ebpf, pins)?;
    fill(&ebpf, pins)
}

/// Pins those programs that are loaded, in place of those of an earlier start.
pub(super) fn pin(ebpf: &mut Ebpf, pins: &Pins) -> Result<()> {
    let tail_called = TAIL_CALLED.map(|(_, name)| name);
    for name in PACKETS.into_iter().chain(tail_called) {
        let path = pins.program(name);
        let shown = path.display();
        let program = ebpf.program_mut(name);
        let program = program.with_context(|| format!("the BPF object has no program {name}"))?;
        if program.fd().is_err() {
            continue;
        }
        clear(&path)?;
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
    arrays(pins).try_for_each(|(place, name)| put(ebpf, pins, &place, name).map(drop))
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
    for (place, name) in arrays(pins).chain(on_links(pins)?) {
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

/// Arrays whose programs are in force, each with the name of its program.
fn arrays(pins: &Pins) -> impl Iterator<Item = (Place, &'static str)> {
    let all = have_tls(pins).then_some(TAIL_CALLED).into_iter().flatten();
    all.map(|(array, name)| (Place::Array(array), name))
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
            Self::Array(array) => {
                let id = ProgramsFd::open(&pins.map(array)).and_then(|open| open.id(SLOT_TLS));
                id.with_context(|| format!("cannot read the map {array}"))
            }
        }
    }

    /// `false` where the link is gone meanwhile.
    fn put(&self, pins: &Pins, program: BorrowedFd<'_>) -> Result<bool> {
        match self {
            Self::Link(link) => update(pins, link, program),
            Self::Array(array) => {
                let open = ProgramsFd::open(&pins.map(array));
                let put = open.and_then(|open| open.put(SLOT_TLS, program));
                let context = || format!("cannot put a program into the map {array}");
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
