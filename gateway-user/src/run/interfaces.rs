//! Which interfaces traffic arrives on, where none is named.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use futures_util::TryStreamExt as _;
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};

/// Those of the default routes; without one, all that are up but the loopback.
///
/// # Errors
/// Where there is none, or the kernel does not tell.
pub(super) async fn uplinks() -> Result<Vec<String>> {
    let read = |path| std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let routes = read("/proc/thread-self/net/route")?;
    let mut found = default_routes(&routes);
    if found.is_empty() {
        found = up().await?;
    }
    if found.is_empty() {
        bail!("no interface is up but the loopback: name those to serve with --interface");
    }
    Ok(found.into_iter().collect())
}

/// Interfaces of the IPv4 default routes, from the kernel's table (`Iface Destination ... Mask`).
fn default_routes(table: &str) -> BTreeSet<String> {
    let routes = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [name, destination, _, _, _, _, _, mask, ..] = fields[..] else {
            return None;
        };
        (destination == "00000000" && mask == "00000000").then(|| name.to_owned())
    });
    // Unreachable and blackhole routes are listed with `*`.
    routes.filter(|name| name != "*" && name != "lo").collect()
}

async fn up() -> Result<BTreeSet<String>> {
    let (connection, handle, _) = rtnetlink::new_connection().context("cannot open netlink")?;
    let connection = tokio::spawn(connection);
    let links = handle.link().get().execute();
    let links: Result<BTreeMap<u32, LinkMessage>, _> = links
        .map_ok(|link| (link.header.index, link))
        .try_collect()
        .await;
    connection.abort();
    let links = links.context("cannot list the network interfaces")?;
    let wanted = links.values().filter(|link| {
        link.header.flags.contains(LinkFlags::Up)
            && !link.header.flags.contains(LinkFlags::Loopback)
    });
    Ok(wanted.filter_map(name).collect())
}

fn name(link: &LinkMessage) -> Option<String> {
    link.attributes
        .iter()
        .find_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name.clone()),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_routes_are_those_without_destination_and_mask() {
        let table = "\
Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0  00000000 0101A8C0 0003 0 0 100 00000000 0 0 0
eth0  0001A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0
eth1  00000000 0102A8C0 0003 0 0 200 00000000 0 0 0
eth2  00000000 00000000 0001 0 0 0   00000080 0 0 0
*     00000000 00000000 0200 0 0 0   00000000 0 0 0
";
        assert_eq!(
            default_routes(table),
            ["eth0", "eth1"].map(String::from).into()
        );
        assert_eq!(default_routes(""), BTreeSet::new());
    }
}
