//! The XDP hook of an interface.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use aya::programs::{
    ProgramError, ProgramInfo, Xdp, XdpMode as AyaMode, links::FdLink, loaded_programs,
    xdp::XdpLink,
};

use super::{
    super::{
        interface::{Interface, Mode},
        links,
        options::XdpMode,
        pins::Pins,
        settle::settled,
    },
    Attachment, Hook,
};

pub(super) const PREFIX: &str = "xdp-";
/// How long a program that was just detached may keep the hook busy.
const BUSY_LIMIT: Duration = Duration::from_secs(2);

/// What is on the hook before we begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// Our pinned link, in this mode.
    Ours(Mode),
    /// A pinned link of ours that leads elsewhere: its interface is gone or was made anew.
    Stale,
}

/// Refuses interfaces that carry another XDP program.
pub(super) fn look(pins: &Pins, interface: &Interface) -> Result<Found> {
    let pinned = links::program_id(&pins.link(&link_name(interface)))?;
    let ours = pinned.and_then(|id| interface.mode_of(id));
    match (ours, interface.xdp.first()) {
        (Some(mode), _) => Ok(Found::Ours(mode)),
        (None, Some(foreign)) => bail!(
            "the interface {} carries another XDP program (id {}, {}): nothing was changed; detach \
             it with what attached it, or `ip link set dev {} xdp off`, or leave this interface out",
            interface.name,
            foreign.program_id,
            program_name(foreign.program_id),
            interface.name
        ),
        (None, None) if pinned.is_some() => Ok(Found::Stale),
        (None, None) => Ok(Found::Nothing),
    }
}

/// Replaces our program, or attaches it, and reports what the kernel says afterwards.
pub(super) async fn attach(
    program: &mut Xdp,
    pins: &Pins,
    interface: &Interface,
    found: Found,
    wanted: XdpMode,
) -> Result<Attachment> {
    let name = link_name(interface);
    let mut note = None;
    match found {
        Found::Ours(mode) if fits(wanted, mode) => replace(program, pins, &name)
            .with_context(|| format!("cannot replace the XDP program of {}", interface.name))?,
        Found::Ours(_) | Found::Stale => {
            links::remove(&pins.link(&name))?;
            note = attach_new(program, pins, interface, wanted)?;
        }
        Found::Nothing => note = attach_new(program, pins, interface, wanted)?,
    }
    let id = program.info()?.id();
    let now = Interface::find(&interface.name).await?;
    let mode = now.mode_of(id).with_context(|| {
        format!(
            "{} does not run our XDP program after attaching it: start again",
            interface.name
        )
    })?;
    if mode == Mode::Generic && note.is_none() {
        note = Some("generic mode is in force since an earlier start".into());
    }
    Ok(Attachment {
        hook: Hook::Xdp,
        interface: Some(interface.name.clone()),
        mode: Some(mode),
        note: note.filter(|_| mode == Mode::Generic),
    })
}

/// A mode in force that need not be changed.
fn fits(wanted: XdpMode, mode: Mode) -> bool {
    match wanted {
        XdpMode::Auto => true,
        XdpMode::Driver => mode == Mode::Driver,
        XdpMode::Generic => mode == Mode::Generic,
    }
}

fn replace(program: &mut Xdp, pins: &Pins, name: &str) -> Result<()> {
    let link = links::open(&pins.link(name))?.context("the pinned link is gone")?;
    let id = program.attach_to_link(XdpLink::try_from(link)?)?;
    // The pin keeps it; pinning again would fail with EEXIST.
    drop(program.take_link(id)?);
    Ok(())
}

/// Attaches and pins; returns why it is generic mode although driver mode may be used.
fn attach_new(
    program: &mut Xdp,
    pins: &Pins,
    interface: &Interface,
    wanted: XdpMode,
) -> Result<Option<String>> {
    let mut link = |mode| attach_in(program, interface, mode);
    let (link, note) = match wanted {
        XdpMode::Generic => (link(AyaMode::Skb)?, Some("asked for".into())),
        XdpMode::Driver => (link(AyaMode::Driver)?, None),
        XdpMode::Auto => match link(AyaMode::Driver) {
            Ok(link) => (link, None),
            Err(error) => {
                let why = format!("the driver refused: {error:#}");
                tracing::warn!(interface = interface.name, why, "XDP runs in generic mode");
                (link(AyaMode::Skb)?, Some(why))
            }
        },
    };
    links::pin(link, &pins.link(&link_name(interface)))?;
    Ok(note)
}

fn attach_in(program: &mut Xdp, interface: &Interface, mode: AyaMode) -> Result<FdLink> {
    let context = || format!("cannot attach XDP to {} in mode {mode:?}", interface.name);
    let mut attached = program.attach_to_if_index(interface.index, mode);
    settled(BUSY_LIMIT, || {
        let busy = attached.as_ref().is_err_and(is_busy);
        if busy {
            attached = program.attach_to_if_index(interface.index, mode);
        }
        Ok(!busy)
    })?;
    let id = attached.with_context(context)?;
    let link = program.take_link(id)?;
    // A netlink attachment, which aya falls back to, ends with the process.
    FdLink::try_from(link).map_err(|error| {
        anyhow!(error)
            .context(context())
            .context("the kernel gave no link that can be pinned")
    })
}

fn is_busy(error: &ProgramError) -> bool {
    matches!(error, ProgramError::SyscallError(e)
        if e.io_error.kind() == std::io::ErrorKind::ResourceBusy)
}

fn link_name(interface: &Interface) -> String {
    format!("{PREFIX}{}", interface.name)
}

fn program_name(id: u32) -> String {
    let found = loaded_programs()
        .flatten()
        .find(|program| program.id() == id);
    let name = found.as_ref().and_then(ProgramInfo::name_as_str);
    name.map_or_else(
        || "of unknown name".into(),
        |name| format!("named {name:?}"),
    )
}
