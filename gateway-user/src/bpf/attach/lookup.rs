//! The sk_lookup hook of the network namespace; other programs may share it.

use std::fs::{self, File};

use anyhow::{Context as _, Result};
use aya::programs::{SkLookup, links::FdLink};

use super::{
    super::{links, pins::Pins},
    Attachment, Hook,
};

const NAME: &str = "sk_lookup";
/// Until the older link is gone.
const NEW: &str = "sk_lookup-new";
const NAMESPACE: &str = "/proc/thread-self/ns/net";

/// Attaches, then drops the link of an earlier start: for a moment both select, from the same
/// sockets, so no connection is missed. (aya cannot replace the program of such a link.)
pub(super) fn attach(program: &mut SkLookup, pins: &Pins) -> Result<Attachment> {
    let context = "cannot attach sk_lookup to the network namespace";
    links::remove(&pins.link(NEW))?;
    let namespace = File::open(NAMESPACE).context(context)?;
    let id = program.attach(namespace).context(context)?;
    links::pin(FdLink::from(program.take_link(id)?), &pins.link(NEW))?;
    links::remove(&pins.link(NAME))?;
    fs::rename(pins.link(NEW), pins.link(NAME)).context(context)?;
    Ok(Attachment {
        hook: Hook::SkLookup,
        interface: None,
        mode: None,
        note: None,
    })
}
