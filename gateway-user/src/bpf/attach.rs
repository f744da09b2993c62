//! Programs on their hooks: kept, replaced in place, or attached anew.

mod lookup;
mod tcx;
mod xdp;

use std::fmt;

use anyhow::{Context as _, Result};
use aya::{Ebpf, programs::ProgramError};
use gateway_common::maps::{PROGRAM_ANSWER, PROGRAM_EGRESS, PROGRAM_INGRESS, PROGRAM_LOOKUP};
use gateway_core::announce::MacAddress;
use serde::Serialize;

use super::{
    interface::{Interface, Mode},
    links,
    options::XdpMode,
    pins::{Pins, names},
};

/// Note of an interface that was deleted.
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
    /// XDP cannot answer here: a program at tcx ingress does.
    pub detour: bool,
}

/// What the interfaces carry now. Made before anything is changed.
#[derive(Debug)]
pub(super) struct Survey(Vec<(Interface, xdp::Found)>);

impl Survey {
    /// Looks at every interface; an error where one is missing, or another XDP program runs.
    pub(super) async fn take(pins: &Pins, interfaces: &[String]) -> Result<Self> {
        let mut found = Vec::new();
        for name in interfaces {
            let interface = Interface::find(name).await?;
            let on_it = xdp::look(pins, &interface)?;
            found.push((interface, on_it));
        }
        Ok(Self(found))
    }
}

impl Survey {
    /// As [`Survey::take`], of those that exist; and the names of those that do not.
    pub(super) async fn take_present(
        pins: &Pins,
        interfaces: &[String],
    ) -> Result<(Self, Vec<String>)> {
        let (mut found, mut gone) = (Vec::new(), Vec::new());
        for name in interfaces {
            match Interface::find(name).await {
                Ok(interface) => {
                    let on_it = xdp::look(pins, &interface)?;
                    found.push((interface, on_it));
                }
                Err(_) => gone.push(name.clone()),
            }
        }
        Ok((Self(found), gone))
    }

    /// Interfaces with an Ethernet address, given where programs run.
    pub(super) fn uplinks(&self, attachments: &[Attachment]) -> Vec<Uplink> {
        let driver = |name: &str| {
            let mut here = attachments.iter();
            here.any(|a| a.interface.as_deref() == Some(name) && a.mode == Some(Mode::Driver))
        };
        let uplink = |interface: &Interface| {
            Some(Uplink {
                name: interface.name.clone(),
                index: interface.index,
                mac: MacAddress(interface.mac?),
                detour: interface.veth && driver(&interface.name),
            })
        };
        self.0.iter().filter_map(|(i, _)| uplink(i)).collect()
    }

    /// Whether every interface carries our programs.
    pub(super) fn is_whole(&self, pins: &Pins) -> Result<bool> {
        for (interface, found) in &self.0 {
            let answers = !interface.veth || tcx::in_force(tcx::ANSWERS, pins, interface)?;
            let replies = tcx::in_force(tcx::REPLIES, pins, interface)?;
            if !matches!(found, xdp::Found::Ours(_)) || !answers || !replies {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Puts the loaded programs in force everywhere, atomically where older ones of ours run, then
/// detaches from interfaces that are no longer wanted.
pub(super) async fn attach_all(
    ebpf: &mut Ebpf,
    pins: &Pins,
    survey: &Survey,
    mode: XdpMode,
) -> Result<Vec<Attachment>> {
    let mut done = Vec::new();
    // Replies first: a request that is sent on must find its way back.
    for (interface, _) in &survey.0 {
        let program = program(ebpf, PROGRAM_EGRESS)?;
        done.push(tcx::attach(program, tcx::REPLIES, pins, interface)?);
    }
    for (interface, _) in survey.0.iter().filter(|(i, _)| i.veth) {
        let program = program(ebpf, PROGRAM_ANSWER)?;
        done.push(tcx::attach(program, tcx::ANSWERS, pins, interface)?);
    }
    done.push(lookup::attach(program(ebpf, PROGRAM_LOOKUP)?, pins)?);
    for (interface, found) in &survey.0 {
        let program = program(ebpf, PROGRAM_INGRESS)?;
        done.push(xdp::attach(program, pins, interface, *found, mode).await?);
    }
    detach_unwanted(pins, &survey.0)?;
    done.sort_by(|a, b| (&a.interface, a.hook).cmp(&(&b.interface, b.hook)));
    Ok(done)
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
        let interface = [xdp::PREFIX, tcx::REPLIES.prefix, tcx::ANSWERS.prefix]
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
    /// What stands for the programs on an interface that does not exist any more.
    pub(super) fn gone(interface: String) -> Self {
        Self {
            hook: Hook::Xdp,
            interface: Some(interface),
            mode: None,
            note: Some(GONE.into()),
        }
    }

    pub(super) fn is_gone(&self, interface: &str) -> bool {
        self.interface.as_deref() == Some(interface) && self.note.as_deref() == Some(GONE)
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
