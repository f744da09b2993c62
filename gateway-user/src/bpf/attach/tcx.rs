//! The tcx egress hook of an interface; other programs may share it.

use anyhow::{Context as _, Result};
use aya::programs::{
    LinkOrder, SchedClassifier, TcAttachType, links::FdLink, tc::SchedClassifierLink,
    tc::TcAttachOptions,
};

use super::{
    super::{interface::Interface, links, pins::Pins},
    Attachment, Hook,
};

pub(super) const PREFIX: &str = "tcx-";

/// Replaces our program, or attaches it.
pub(super) fn attach(
    program: &mut SchedClassifier,
    pins: &Pins,
    interface: &Interface,
) -> Result<Attachment> {
    let context = || format!("cannot attach to tcx egress of {}", interface.name);
    if in_force(pins, interface).with_context(context)? {
        replace(program, pins, interface).with_context(context)?;
    } else {
        links::remove(&pins.link(&link_name(interface)))?;
        attach_new(program, pins, interface).with_context(context)?;
    }
    Ok(Attachment {
        hook: Hook::TcxEgress,
        interface: Some(interface.name.clone()),
        mode: None,
        note: None,
    })
}

/// Our pinned link leads to this interface, not to one of this name that was before it.
pub(super) fn in_force(pins: &Pins, interface: &Interface) -> Result<bool> {
    let leads_to = links::interface(&pins.link(&link_name(interface)))?;
    Ok(leads_to == Some(interface.index))
}

fn replace(program: &mut SchedClassifier, pins: &Pins, interface: &Interface) -> Result<()> {
    let link = links::open(&pins.link(&link_name(interface)))?.context("the pin is gone")?;
    let id = program.attach_to_link(SchedClassifierLink::try_from(link)?)?;
    // The pin keeps it; pinning again would fail with EEXIST.
    drop(program.take_link(id)?);
    Ok(())
}

fn attach_new(program: &mut SchedClassifier, pins: &Pins, interface: &Interface) -> Result<()> {
    // Last: what others say about a packet on its way out comes before we translate it.
    let options = TcAttachOptions::TcxOrder(LinkOrder::default());
    let id = program.attach_with_options(&interface.name, TcAttachType::Egress, options)?;
    let link = FdLink::try_from(program.take_link(id)?)?;
    links::pin(link, &pins.link(&link_name(interface)))
}

fn link_name(interface: &Interface) -> String {
    format!("{PREFIX}{}", interface.name)
}
