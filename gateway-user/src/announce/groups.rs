//! Membership in the groups that questions for IPv6 addresses are sent to.
//!
//! Nobody has told the card of an address that is on no interface: without these, its filter and
//! the switches (which listen to MLD) keep the questions from us.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr},
    os::fd::OwnedFd,
};

use gateway_core::announce::frames::solicited_node;
use rustix::net::{
    AddressFamily, SocketFlags, SocketType, socket_with, sockopt::set_ipv6_add_membership,
};

use crate::bpf::Uplink;

/// By index of the interface and group. Dropping a socket leaves its group.
#[derive(Debug, Default)]
pub(super) struct Groups {
    joined: BTreeMap<(u32, Ipv6Addr), Option<OwnedFd>>,
}

impl Groups {
    /// Joins the groups of these addresses on these interfaces, and leaves all others.
    pub(super) fn follow(&mut self, uplinks: &[Uplink], owned: &BTreeSet<IpAddr>) {
        let mut wanted = BTreeMap::new();
        for address in owned {
            let IpAddr::V6(v6) = address else { continue };
            for uplink in uplinks {
                wanted.insert((uplink.index, solicited_node(*v6)), (uplink, v6));
            }
        }
        self.joined.retain(|key, _| wanted.contains_key(key));
        for ((index, group), (uplink, address)) in wanted {
            self.joined.entry((index, group)).or_insert_with(|| {
                let joined = join(index, &group);
                if let Err(error) = &joined {
                    tracing::warn!(
                        interface = uplink.name,
                        "questions for {address} may not arrive: cannot join {group}, is IPv6 \
                         turned off there? {error}"
                    );
                }
                joined.ok()
            });
        }
    }
}

/// A socket of its own: one cannot join a group twice, and several addresses may share one.
fn join(interface: u32, group: &Ipv6Addr) -> rustix::io::Result<OwnedFd> {
    let socket = socket_with(
        AddressFamily::INET6,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    set_ipv6_add_membership(&socket, group, interface)?;
    Ok(socket)
}
