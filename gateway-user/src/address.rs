//! Makes the Gateways' addresses this node's, without putting them on an interface.
//!
//! A route `local ADDRESS dev lo table local` is enough for the kernel to deliver packets and to
//! answer ARP. Ours carry a protocol number of our own; no other route is ever touched. They stay
//! when the daemon dies, as the maps do. (IPv6 routes deliver too, but nobody answers neighbour
//! discovery for them yet.)

pub mod plan;

use std::{collections::BTreeSet, net::IpAddr};

use anyhow::{Context as _, Result};
use futures_util::TryStreamExt as _;
use plan::{LocalRoute, changes};
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

    /// Makes the `wanted` addresses local where they are not yet; returns those that were added.
    /// Call it before traffic for them is expected.
    pub async fn add(&self, wanted: &BTreeSet<IpAddr>) -> Result<BTreeSet<IpAddr>> {
        let add = changes(wanted, &self.local_routes().await?).add;
        for address in &add {
            let request = self.handle.route().add(message(*address)).execute().await;
            match request {
                Err(Error::NetlinkError(error)) if error.raw_code() == -EEXIST => {}
                other => other.with_context(|| {
                    format!("cannot make {address} local: root and `ip link set lo up` are needed")
                })?,
            }
        }
        Ok(add)
    }

    /// Removes our routes of addresses that are not `wanted`; returns those that were removed.
    /// Call it when nothing serves them any more.
    pub async fn retain(&self, wanted: &BTreeSet<IpAddr>) -> Result<BTreeSet<IpAddr>> {
        let remove = changes(wanted, &self.local_routes().await?).remove;
        for address in &remove {
            let request = self.handle.route().del(message(*address)).execute().await;
            match request {
                Err(Error::NetlinkError(error)) if error.raw_code() == -ESRCH => {}
                other => {
                    other.with_context(|| format!("cannot remove the local route of {address}"))?;
                }
            }
        }
        Ok(remove)
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
pub async fn remove_all() -> Result<BTreeSet<IpAddr>> {
    Addresses::open()?.retain(&BTreeSet::new()).await
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
