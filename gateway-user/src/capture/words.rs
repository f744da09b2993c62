//! Hooks, verdicts and packets in words.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use gateway_common::{
    abi::{TCP, UDP},
    capture::{AFTER, HOOK_TCX_EGRESS, HOOK_TCX_INGRESS},
};

const ETHER: usize = 14;

/// The hook, and on which side of the program.
pub(super) fn point(hook: u32) -> String {
    let name = match hook & !AFTER {
        HOOK_TCX_INGRESS => "tcx ingress",
        HOOK_TCX_EGRESS => "tcx egress",
        _ => "xdp",
    };
    let side = if hook & AFTER == 0 { "before" } else { "after" };
    format!("{name} {side}")
}

/// Of `enum xdp_action` (bpf.h).
pub(super) fn xdp(verdict: i32) -> &'static str {
    match verdict {
        1 => "DROP",
        2 => "PASS",
        3 => "TX",
        4 => "REDIRECT",
        _ => "ABORTED",
    }
}

/// Of `enum tcx_action_base` (bpf.h), which says PASS only where nobody else is asked.
pub(super) fn tcx(verdict: i32) -> &'static str {
    match verdict {
        -1 => "NEXT",
        0 => "PASS",
        2 => "DROP",
        7 => "REDIRECT",
        _ => "OTHER",
    }
}

/// Ends of TCP and UDP packets; of others, what they are.
pub(super) fn packet(bytes: &[u8]) -> String {
    match bytes.get(12..ETHER) {
        Some([0x08, 0x00]) => ipv4(&bytes[ETHER..]),
        Some([0x86, 0xdd]) => ipv6(&bytes[ETHER..]),
        Some([0x08, 0x06]) => Some("arp".to_owned()),
        Some([high, low]) => Some(format!("ethertype 0x{high:02x}{low:02x}")),
        _ => None,
    }
    .unwrap_or_else(|| "cut short".to_owned())
}

fn ipv4(ip: &[u8]) -> Option<String> {
    let words = usize::from(ip.first()? & 15);
    let source: [u8; 4] = *ip.get(12..)?.first_chunk()?;
    let destination: [u8; 4] = *ip.get(16..)?.first_chunk()?;
    let (source, destination) = (Ipv4Addr::from(source), Ipv4Addr::from(destination));
    let later = u16::from_be_bytes(*ip.get(6..)?.first_chunk()?) & 0x1fff != 0;
    let l4 = ip.get(words * 4..).filter(|_| !later);
    Some(ends(*ip.get(9)?, source.into(), destination.into(), l4))
}

fn ipv6(ip: &[u8]) -> Option<String> {
    let source: [u8; 16] = *ip.get(8..)?.first_chunk()?;
    let destination: [u8; 16] = *ip.get(24..)?.first_chunk()?;
    let (source, destination) = (Ipv6Addr::from(source), Ipv6Addr::from(destination));
    Some(ends(
        *ip.get(6)?,
        source.into(),
        destination.into(),
        ip.get(40..),
    ))
}

fn ends(protocol: u8, source: IpAddr, destination: IpAddr, l4: Option<&[u8]>) -> String {
    let name = match u32::from(protocol) {
        TCP => "tcp",
        UDP => "udp",
        _ => return format!("protocol {protocol} {source} -> {destination}"),
    };
    let port = |at: usize| Some(u16::from_be_bytes(*l4?.get(at..)?.first_chunk()?));
    match (port(0), port(2)) {
        (Some(from), Some(to)) => {
            let (source, destination) = (
                SocketAddr::new(source, from),
                SocketAddr::new(destination, to),
            );
            format!("{name} {source} -> {destination}")
        }
        _ => format!("{name} {source} -> {destination}, without ports"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_read_as_people_write_them() {
        let mut v4 = vec![0; 12];
        v4.extend([
            8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ]);
        v4.extend([0, 80, 1, 0]);
        assert_eq!(packet(&v4), "tcp 10.0.0.1:80 -> 10.0.0.2:256");
        assert_eq!(packet(&v4[..36]), "tcp 10.0.0.1 -> 10.0.0.2, without ports");
        assert_eq!(packet(&v4[..20]), "cut short");
        v4[20] = 1;
        assert_eq!(packet(&v4), "tcp 10.0.0.1 -> 10.0.0.2, without ports");
        v4[23] = 1;
        assert_eq!(packet(&v4), "protocol 1 10.0.0.1 -> 10.0.0.2");
        let mut v6 = vec![0; 12];
        v6.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 64]);
        v6.extend(Ipv6Addr::LOCALHOST.octets());
        v6.extend(Ipv6Addr::LOCALHOST.octets());
        v6.extend([0, 53, 0, 54]);
        assert_eq!(packet(&v6), "udp [::1]:53 -> [::1]:54");
        assert_eq!(
            packet(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0]),
            "ethertype 0x8100"
        );
        assert_eq!(packet(&[]), "cut short");
    }
}
