//! The tcx hooks of an interface; other programs may share it.

use anyhow::{Context as _, Result};
use aya::programs::{
    LinkOrder, SchedClassifier, TcAttachType, links::FdLink, tc::SchedClassifierLink,
    tc::TcAttachOptions,
};

use super::{
    super::{interface::Interface, links, pins::Pins},
    Attachment, Hook,
};

/// One of the two directions.
#[derive(Clone, Copy)]
pub(super) struct Direction {
    /// Of the names of its links.
    pub(super) prefix: &'static str,
    kind: TcAttachType,
    hook: Hook,
}

/// Of the replies of backends.
pub(super) const REPLIES: Direction = Direction {
    prefix: "tcx-",
    kind: TcAttachType::Egress,
    hook: Hook::TcxEgress,
};
/// Behind XDP: packets of far flows, and questions for link addresses that XDP cannot answer.
pub(super) const BEHIND: Direction = Direction {
    prefix: "answer-",
    kind: TcAttachType::Ingress,
    hook: Hook::TcxIngress,
};

/// Replaces our program, or attaches it.
pub(super) fn attach(
    program: &mut SchedClassifier,
    direction: Direction,
    pins: &Pins,
    interface: &Interface,
) -> Result<Attachment> {
    let context = || format!("cannot attach to {} of {}", direction.hook, interface.name);
    if in_force(direction, pins, interface).with_context(context)? {
        replace(program, direction, pins, interface).with_context(context)?;
    } else {
        links::remove(&pins.link(&link_name(direction, interface)))?;
        attach_new(program, direction, pins, interface).with_context(context)?;
    }
    Ok(Attachment {
        hook: direction.hook,
        interface: Some(interface.name.clone()),
        mode: None,
        note: None,
    })
}

/// Our pinned link leads to this interface, not to one of this name that was before it.
pub(super) fn in_force(direction: Direction, pins: &Pins, interface: &Interface) -> Result<bool> {
    let leads_to = links::interface(&pins.link(&link_name(direction, interface)))?;
    Ok(leads_to == Some(interface.index))
}

fn replace(
    program: &mut SchedClassifier,
    direction: Direction,
    pins: &Pins,
    interface: &Interface,
) -> Result<()> {
    let link =
        links::open(&pins.link(&link_name(direction, interface)))?.context("the pin is gone")?;
    let id = program.attach_to_link(SchedClassifierLink::try_from(link)?)?;
    // The pin keeps it; pinning again would fail with EEXIST.
    drop(program.take_link(id)?);
    Ok(())
}

fn attach_new(
    program: &mut SchedClassifier,
    direction: Direction,
    pins: &Pins,
    interface: &Interface,
) -> Result<()> {
    // Last: what others say about a packet on its way out comes before we translate it.
    let options = TcAttachOptions::TcxOrder(LinkOrder::default());
    let id = program.attach_with_options(&interface.name, direction.kind, options)?;
    let link = FdLink::try_from(program.take_link(id)?)?;
    links::pin(link, &pins.link(&link_name(direction, interface)))
}

fn link_name(direction: Direction, interface: &Interface) -> String {
    format!("{}{}", direction.prefix, interface.name)
}
