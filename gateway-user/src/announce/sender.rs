//! Announcements onto the wire.

use std::{collections::BTreeSet, net::IpAddr, os::fd::OwnedFd};

use anyhow::{Context as _, Result};
use gateway_common::header::{ETHER_ARP, ETHER_IPV6};
use gateway_core::announce::frames::announcements;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, sendto, socket_with};

use super::link::LinkAddress;
use crate::bpf::Uplink;

/// A packet socket that receives nothing.
#[derive(Debug)]
pub(super) struct Sender {
    socket: OwnedFd,
    /// Interfaces that the last announcement could not be sent on: said once.
    failing: BTreeSet<String>,
}

impl Sender {
    pub(super) fn open() -> Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None);
        Ok(Self {
            socket: socket.context("cannot open a packet socket: root or CAP_NET_RAW is needed")?,
            failing: BTreeSet::new(),
        })
    }

    /// Sends on every uplink; one that is down does not keep the others back.
    pub(super) fn announce(&mut self, uplinks: &[Uplink], address: IpAddr) {
        for uplink in uplinks {
            match self.send(uplink, address) {
                Ok(()) => {
                    tracing::debug!(interface = uplink.name, "announced {address}");
                    self.failing.remove(&uplink.name);
                }
                Err(error) if self.failing.insert(uplink.name.clone()) => {
                    tracing::warn!(
                        interface = uplink.name,
                        "cannot announce {address}, it is tried again: {error}"
                    );
                }
                Err(_) => {}
            }
        }
    }

    fn send(&self, uplink: &Uplink, address: IpAddr) -> rustix::io::Result<()> {
        let protocol = match address {
            IpAddr::V4(_) => ETHER_ARP,
            IpAddr::V6(_) => ETHER_IPV6,
        };
        let to = LinkAddress::new(uplink.index, protocol);
        for frame in announcements(uplink.mac, address) {
            sendto(&self.socket, &frame, SendFlags::empty(), &to)?;
        }
        Ok(())
    }
}
