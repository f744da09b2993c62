//! Makes the Gateways' addresses this node's, without putting them on an interface.
//!
//! A route `local ADDRESS dev lo table local` is enough for the kernel to deliver packets, and to
//! answer ARP (for IPv6 it does not answer): so the XDP program decides who may. Our routes carry a
//! protocol number of their own; no other is ever touched. They stay when the daemon dies, as the
//! maps do.

pub mod plan;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use anyhow::{Context as _, Result, bail};
use futures_util::TryStreamExt as _;
use plan::{LocalRoute, changes, elsewhere};
use rtnetlink::{
    Error, Handle, RouteMessageBuilder,
    packet_route::route::{
        RouteAddress, RouteAttribute, RouteMessage, RouteProtocol, RouteScope, RouteType,
    },
};
use tokio::task::JoinHandle;

/// `rtm_protocol` of our routes: free in rtnetlink.h and iproute2's rt_protos.
pub const PROTOCOL: u8 = 88;
/// Index of the loopback interface in every network namespace.
const LOOPBACK: u32 = 1;
/// `RT_TABLE_LOCAL` (rtnetlink.h): what is delivered to this node.
const LOCAL_TABLE: u8 = 255;
const EEXIST: i32 = 17;
const ESRCH: i32 = 3;

/// A netlink socket in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Addresses {
    handle: Handle,
    connection: JoinHandle<()>,
}

/// What became of each address that had to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub changed: BTreeSet<IpAddr>,
    /// Those that could not be, with the reason. One does not keep the others back.
    pub failed: BTreeMap<IpAddr, String>,
}

impl Done {
    fn note(&mut self, address: IpAddr, result: Result<()>) {
        match result {
            Ok(()) => drop(self.changed.insert(address)),
            Err(error) => drop(self.failed.insert(address, format!("{error:#}"))),
        }
    }
}

impl Addresses {
    /// Needs a tokio runtime.
    pub fn open() -> Result<Self> {
        let (connection, handle, _) =
            rtnetlink::new_connection().context("cannot open a netlink socket")?;
        Ok(Self {
            handle,
            connection: tokio::spawn(connection),
        })
    }

    /// Makes the `wanted` addresses local where they are not yet. Call it before traffic for them
    /// is expected.
    ///
    /// # Errors
    /// Where the routes in force cannot be listed; nothing is changed then.
    pub async fn add(&self, wanted: &BTreeSet<IpAddr>) -> Result<Done> {
        let mut done = Done::default();
        for address in changes(wanted, &self.local_routes().await?).add {
            let request = self.handle.route().add(message(address)).execute().await;
            let context =
                || format!("cannot make {address} local: root and `ip link set lo up` are needed");
            done.note(address, unless(EEXIST, request).with_context(context));
        }
        Ok(done)
    }

    /// Those of `wanted` that are local without us: interfaces have them.
    ///
    /// # Errors
    /// Where the routes in force cannot be listed.
    pub async fn on_interfaces(&self, wanted: &BTreeSet<IpAddr>) -> Result<BTreeSet<IpAddr>> {
        Ok(elsewhere(wanted, &self.local_routes().await?))
    }

    /// Removes our routes of addresses that are not `wanted`. Call it when nothing serves them any
    /// more.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub async fn retain(&self, wanted: &BTreeSet<IpAddr>) -> Result<Done> {
        let mut done = Done::default();
        for address in changes(wanted, &self.local_routes().await?).remove {
            let request = self.handle.route().del(message(address)).execute().await;
            let context = || format!("cannot remove the local route of {address}");
            done.note(address, unless(ESRCH, request).with_context(context));
        }
        Ok(done)
    }

    /// All routes that make addresses local, also those of interfaces.
    async fn local_routes(&self) -> Result<Vec<LocalRoute>> {
        let mut found = Vec::new();
        for family in [
            RouteMessageBuilder::<std::net::Ipv4Addr>::new().build(),
            RouteMessageBuilder::<std::net::Ipv6Addr>::new().build(),
        ] {
            let mut routes = self.handle.route().get(family).execute();
            while let Some(route) = routes.try_next().await.context("cannot list routes")? {
                found.extend(local_route(&route));
            }
        }
        Ok(found)
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Addresses that a route of ours makes local. Needs a tokio runtime.
pub async fn all() -> Result<BTreeSet<IpAddr>> {
    let routes = Addresses::open()?.local_routes().await?;
    let ours = routes.into_iter().filter(|route| route.ours);
    Ok(ours.map(|route| route.address).collect())
}

/// Removes every route of ours; returns the addresses. Needs a tokio runtime.
///
/// # Errors
/// Where one cannot be removed; the others are.
pub async fn remove_all() -> Result<BTreeSet<IpAddr>> {
    let done = Addresses::open()?.retain(&BTreeSet::new()).await?;
    if !done.failed.is_empty() {
        bail!("{}", reasons(&done.failed));
    }
    Ok(done.changed)
}

/// Why addresses failed, as one line.
pub fn reasons(failed: &BTreeMap<IpAddr, String>) -> String {
    failed.values().cloned().collect::<Vec<_>>().join("; ")
}

/// The error number `harmless` says that there was nothing to do.
fn unless(harmless: i32, result: std::result::Result<(), Error>) -> Result<()> {
    match result {
        Err(Error::NetlinkError(error)) if error.raw_code() == -harmless => Ok(()),
        other => Ok(other?),
    }
}

fn message(address: IpAddr) -> RouteMessage {
    let (host, route_address) = match address {
        IpAddr::V4(v4) => (32, RouteAddress::Inet(v4)),
        IpAddr::V6(v6) => (128, RouteAddress::Inet6(v6)),
    };
    let (family, scope) = match address {
        IpAddr::V4(_) => (
            RouteMessageBuilder::<std::net::Ipv4Addr>::new().build(),
            RouteScope::Host,
        ),
        IpAddr::V6(_) => (
            RouteMessageBuilder::<std::net::Ipv6Addr>::new().build(),
            RouteScope::Universe,
        ),
    };
    let mut message = family;
    message.header.destination_prefix_length = host;
    message.header.table = LOCAL_TABLE;
    message.header.protocol = RouteProtocol::from(PROTOCOL);
    message.header.scope = scope;
    message.header.kind = RouteType::Local;
    message.attributes = vec![
        RouteAttribute::Destination(route_address),
        RouteAttribute::Oif(LOOPBACK),
    ];
    message
}

/// `None` for routes of other kinds and tables.
fn local_route(route: &RouteMessage) -> Option<LocalRoute> {
    let header = &route.header;
    if header.kind != RouteType::Local || header.table != LOCAL_TABLE {
        return None;
    }
    let destination = route
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(v4)) => Some(IpAddr::V4(*v4)),
            RouteAttribute::Destination(RouteAddress::Inet6(v6)) => Some(IpAddr::V6(*v6)),
            _ => None,
        });
    Some(LocalRoute {
        address: destination?,
        prefix: header.destination_prefix_length,
        ours: u8::from(header.protocol) == PROTOCOL,
    })
}
