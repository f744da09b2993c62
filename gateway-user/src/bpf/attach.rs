//! Programs on their hooks: kept, replaced in place, or attached anew.

mod lookup;
mod survey;
mod tcx;
mod xdp;

use std::fmt;

use anyhow::{Context as _, Result};
use aya::{Ebpf, programs::ProgramError};
use gateway_common::maps::{PROGRAM_ANSWER, PROGRAM_EGRESS, PROGRAM_INGRESS, PROGRAM_LOOKUP};
use gateway_core::announce::MacAddress;
use serde::Serialize;

pub(super) use self::survey::Survey;
use super::{
    interface::{Interface, Mode},
    links,
    options::XdpMode,
    pins::{Pins, names},
};

/// Note of an interface that is not there, or was deleted.
const GONE: &str = "the interface is gone; attached again when it is back";

/// A place where one of our programs runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attachment {
    pub hook: Hook,
    /// `None` for the network namespace.
    pub interface: Option<String>,
    /// As the kernel reports it, for [`Hook::Xdp`].
    pub mode: Option<Mode>,
    /// Why the mode is not the fastest, or no program runs.
    pub note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    Xdp,
    TcxIngress,
    TcxEgress,
    SkLookup,
}

/// An interface that the programs run on, with its Ethernet address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    pub name: String,
    pub index: u32,
    pub mac: MacAddress,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// XDP cannot answer here: a program at tcx ingress does.
    pub detour: bool,
}

/// Programs that packets go through.
pub(super) const PACKETS: [&str; 3] = [PROGRAM_INGRESS, PROGRAM_EGRESS, PROGRAM_ANSWER];

/// Name of the program that a link of an interface carries; `None` for other links.
pub(super) fn program_of(link: &str) -> Option<&'static str> {
    let prefixes = [xdp::PREFIX, tcx::REPLIES.prefix, tcx::BEHIND.prefix];
    let all = prefixes.into_iter().zip(PACKETS);
    let mut fits = all.filter(|(prefix, _)| link.starts_with(prefix));
    fits.next().map(|(_, program)| program)
}

/// Puts the loaded programs in force everywhere, atomically where older ones of ours run, then
/// detaches from interfaces that are no longer wanted. An interface that cannot be had is noted as
/// such, and keeps no other from its programs.
pub(super) async fn attach_all(
    ebpf: &mut Ebpf,
    pins: &Pins,
    survey: &Survey,
    mode: XdpMode,
) -> Result<Vec<Attachment>> {
    let mut done = survey.without();
    let mut here: Vec<&(Interface, xdp::Found)> = Vec::new();
    // Replies first: a request that is sent on must find its way back.
    for found in survey.here() {
        match attach_tcx(ebpf, pins, &found.0) {
            Ok(attached) => {
                done.extend(attached);
                here.push(found);
            }
            Err(error) => done.push(Attachment::failed(&found.0, &error)),
        }
    }
    done.push(lookup::attach(program(ebpf, PROGRAM_LOOKUP)?, pins)?);
    for (interface, found) in here {
        let program = program(ebpf, PROGRAM_INGRESS)?;
        let attached = xdp::attach(program, pins, interface, *found, mode).await;
        done.push(attached.unwrap_or_else(|error| Attachment::failed(interface, &error)));
    }
    detach_unwanted(pins, survey.here())?;
    done.sort_by(|a, b| (&a.interface, a.hook).cmp(&(&b.interface, b.hook)));
    Ok(done)
}

fn attach_tcx(ebpf: &mut Ebpf, pins: &Pins, interface: &Interface) -> Result<Vec<Attachment>> {
    let replies = program(ebpf, PROGRAM_EGRESS)?;
    let mut done = vec![tcx::attach(replies, tcx::REPLIES, pins, interface)?];
    let behind = program(ebpf, PROGRAM_ANSWER)?;
    done.push(tcx::attach(behind, tcx::BEHIND, pins, interface)?);
    Ok(done)
}

/// Names of the interfaces that an earlier start left our programs on.
pub(super) fn attached_before(pins: &Pins) -> Result<Vec<String>> {
    let links = names(&pins.links_dir())?;
    let interfaces = links
        .iter()
        .filter_map(|name| name.strip_prefix(xdp::PREFIX));
    Ok(interfaces.map(str::to_owned).collect())
}

/// A program of the object by name and type; loaded into the kernel by the caller.
fn program<'a, P>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut P>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    let program = ebpf.program_mut(name);
    let program = program.with_context(|| format!("the BPF object has no program {name}"))?;
    Ok(program.try_into()?)
}

/// Removes links of interfaces that are not in the survey.
fn detach_unwanted(pins: &Pins, wanted: &[(Interface, xdp::Found)]) -> Result<()> {
    for name in names(&pins.links_dir())? {
        let interface = [xdp::PREFIX, tcx::REPLIES.prefix, tcx::BEHIND.prefix]
            .into_iter()
            .find_map(|prefix| name.strip_prefix(prefix));
        let Some(interface) = interface else { continue };
        if !wanted.iter().any(|(i, _)| i.name == interface) {
            tracing::info!(
                interface,
                link = name,
                "detaching: no longer among the interfaces"
            );
            links::remove(&pins.link(&name))?;
        }
    }
    Ok(())
}

impl Attachment {
    /// What stands for the programs on an interface that does not exist.
    fn gone(interface: &str) -> Self {
        Self::none(interface, GONE.into())
    }

    fn failed(interface: &Interface, error: &anyhow::Error) -> Self {
        Self::none(&interface.name, format!("{error:#}"))
    }

    fn none(interface: &str, why: String) -> Self {
        Self {
            hook: Hook::Xdp,
            interface: Some(interface.into()),
            mode: None,
            note: Some(why),
        }
    }

    /// An interface that is there and cannot be served, with the reason.
    pub fn refused(&self) -> Option<(&str, &str)> {
        let note = self.note.as_deref().filter(|note| *note != GONE)?;
        let is_xdp = self.hook == Hook::Xdp && self.mode.is_none();
        Some((self.interface.as_deref()?, note)).filter(|_| is_xdp)
    }

    /// Whether packets are taken from an interface here.
    pub fn takes_packets(&self) -> bool {
        self.hook == Hook::Xdp && self.mode.is_some()
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xdp => "xdp",
            Self::TcxIngress => "tcx-ingress",
            Self::TcxEgress => "tcx-egress",
            Self::SkLookup => "sk-lookup",
        })
    }
}
