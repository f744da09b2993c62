//! What the interfaces carry now. Made before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use gateway_core::{
    announce::MacAddress,
    plan::node::{is_pattern, selects},
};

use super::{
    super::{interface::Interface, pins::Pins},
    Attachment, Uplink, tcx, xdp,
};

/// Every interface that is asked for.
#[derive(Debug, Default)]
pub(in super::super) struct Survey {
    here: Vec<(Interface, xdp::Found)>,
    /// Names of those that do not exist.
    gone: Vec<String>,
    /// Those that are there and not to be touched, with the reason: another XDP program runs.
    occupied: BTreeMap<String, String>,
}

impl Survey {
    /// Looks at the interfaces that `wanted` names, and at those that fit its patterns.
    pub(in super::super) async fn take(pins: &Pins, wanted: &[String]) -> Result<Self> {
        let mut survey = Self::default();
        for name in names(wanted).await? {
            let Ok(interface) = Interface::find(&name).await else {
                survey.gone.push(name);
                continue;
            };
            match xdp::look(pins, &interface) {
                Ok(found) => survey.here.push((interface, found)),
                Err(error) => {
                    survey.occupied.insert(name, format!("{error:#}"));
                }
            }
        }
        Ok(survey)
    }

    /// An error where an interface is missing, or another XDP program runs.
    pub(in super::super) fn require_all(&self) -> Result<()> {
        if let Some(name) = self.gone.first() {
            bail!("there is no interface {name}: see `ip link` for those there are");
        }
        if let Some(why) = self.occupied.values().next() {
            bail!("{why}");
        }
        Ok(())
    }

    pub(super) fn here(&self) -> &[(Interface, xdp::Found)] {
        &self.here
    }

    /// What stands for the programs where there are none.
    pub(super) fn without(&self) -> Vec<Attachment> {
        let gone = self.gone.iter().map(|name| Attachment::gone(name));
        let occupied = self.occupied.iter();
        let occupied = occupied.map(|(name, why)| Attachment::none(name, why.clone()));
        gone.chain(occupied).collect()
    }

    /// Interfaces with an Ethernet address, given where programs run.
    pub(in super::super) fn uplinks(&self, attachments: &[Attachment]) -> Vec<Uplink> {
        use super::Mode::Driver;
        let mode = |name: &str| {
            let mut here = attachments.iter().filter(|a| a.takes_packets());
            here.find(|a| a.interface.as_deref() == Some(name))?.mode
        };
        let uplink = |interface: &Interface| {
            let mode = mode(&interface.name)?;
            Some(Uplink {
                name: interface.name.clone(),
                index: interface.index,
                mac: MacAddress(interface.mac?),
                mtu: interface.mtu,
                detour: interface.veth && mode == Driver,
            })
        };
        self.here.iter().filter_map(|(i, _)| uplink(i)).collect()
    }

    /// Names of the interfaces that are free for us, and did not take our programs all the same.
    pub(in super::super) fn failed(&self, attachments: &[Attachment]) -> BTreeSet<String> {
        let refused = attachments.iter().filter_map(Attachment::refused);
        let here = |name: &str| self.here.iter().any(|(i, _)| i.name == name);
        let failed = refused.filter(|(name, _)| here(name));
        failed.map(|(name, _)| name.to_owned()).collect()
    }

    /// Whether the programs are where they should be, but for interfaces that are given up.
    pub(in super::super) fn is_in_force(
        &self,
        pins: &Pins,
        attachments: &[Attachment],
        given_up: &BTreeSet<String>,
    ) -> Result<bool> {
        let without = self.without();
        let mut left: Vec<&Attachment> = attachments.iter().collect();
        left.retain(|known| !without.contains(known));
        if left.len() + without.len() != attachments.len() {
            return Ok(false);
        }
        left.retain(|known| known.interface.is_some());
        for (interface, found) in &self.here {
            left.retain(|known| known.interface.as_ref() != Some(&interface.name));
            if !given_up.contains(&interface.name) && !is_whole(interface, *found, pins)? {
                return Ok(false);
            }
        }
        // Others are not asked for any more.
        Ok(left.is_empty())
    }
}

/// Whether an interface carries our programs.
fn is_whole(interface: &Interface, found: xdp::Found, pins: &Pins) -> Result<bool> {
    let behind = tcx::in_force(tcx::BEHIND, pins, interface)?;
    let replies = tcx::in_force(tcx::REPLIES, pins, interface)?;
    Ok(matches!(found, xdp::Found::Ours(_)) && behind && replies)
}

/// Names of interfaces: those that are wanted by name, and those there are that fit a pattern.
async fn names(wanted: &[String]) -> Result<Vec<String>> {
    let (patterns, mut names): (Vec<_>, Vec<_>) =
        wanted.iter().cloned().partition(|name| is_pattern(name));
    if !patterns.is_empty() {
        let fits = |name: &String| patterns.iter().any(|pattern| selects(pattern, name));
        names.extend(Interface::names().await?.into_iter().filter(fits));
    }
    names.sort();
    names.dedup();
    Ok(names)
}
