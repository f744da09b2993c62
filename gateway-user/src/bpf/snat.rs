//! What far backends see as their client: an address of this node, and ports that nothing else uses.

use std::{fs, net::IpAddr};

use anyhow::{Context as _, Result};
use futures_util::TryStreamExt as _;
use gateway_common::{
    abi::Snat,
    maps::{SNAT_FIRST_PORT, SNAT_PORTS},
};
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage, AddressScope};

use super::attach::Uplink;

/// Ports that the kernel chooses from for connections of its own, first and last.
const CHOSEN_PORTS: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// For IPv4 and IPv6: the first global address on the uplinks; where there is none, no ports.
pub(super) async fn find(uplinks: &[Uplink]) -> Result<[Snat; 2]> {
    let (connection, handle, _) =
        rtnetlink::new_connection().context("cannot open a netlink socket")?;
    let connection = tokio::spawn(connection);
    let mut found = [Snat::default(); 2];
    for uplink in uplinks {
        let request = handle.address().get().set_link_index_filter(uplink.index);
        let addresses = request.execute().try_collect::<Vec<_>>().await;
        let addresses = addresses.context("cannot list the node's addresses")?;
        for address in addresses.iter().filter_map(global) {
            let snat = &mut found[usize::from(address.is_ipv6())];
            if snat.ports == 0 {
                *snat = Snat {
                    address: address.into(),
                    first_port: SNAT_FIRST_PORT,
                    ports: SNAT_PORTS,
                    mtu: uplink.mtu,
                    pad: 0,
                };
            }
        }
    }
    connection.abort();
    Ok(found)
}

fn global(message: &AddressMessage) -> Option<IpAddr> {
    if message.header.scope != AddressScope::Universe {
        return None;
    }
    message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
}

/// Warns where the kernel may give our ports to others.
pub(super) fn check_ports() {
    let range = fs::read_to_string(CHOSEN_PORTS).unwrap_or_default();
    if let Some(last) = clash(&range) {
        tracing::warn!(
            last,
            "net.ipv4.ip_local_port_range reaches into ports {SNAT_FIRST_PORT} to {}, which \
             connections to TCP and UDP backends on other nodes come from: end it at {}",
            SNAT_FIRST_PORT + SNAT_PORTS - 1,
            SNAT_FIRST_PORT - 1
        );
    }
}

/// The last port of the range, where that is one of ours.
fn clash(range: &str) -> Option<u32> {
    let last = range.split_whitespace().nth(1)?.parse().ok()?;
    (last >= SNAT_FIRST_PORT).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_range_that_reaches_into_ours_clashes() {
        assert_eq!(clash("32768\t60999\n"), None);
        assert_eq!(clash("1024\t65535\n"), Some(65_535));
        assert_eq!(clash(""), None);
    }
}
