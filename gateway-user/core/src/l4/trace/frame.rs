//! A frame made up for a trace: plain headers and no payload.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use gateway_common::{
    abi::TCP,
    header::{Ip as _, Ipv4, Ipv6},
};

use super::Tuple;

const ETHER: usize = 14;
const TCP_BYTES: usize = 20;
const UDP_BYTES: usize = 8;
const SYN: u8 = 2;
const HOPS: u8 = 64;

/// A SYN or an empty datagram. Its checksums are those of nobody: what forwards only corrects them.
pub(super) fn build(tuple: &Tuple) -> Vec<u8> {
    let protocol = tuple.transport.protocol();
    let bytes = if protocol == TCP {
        TCP_BYTES
    } else {
        UDP_BYTES
    };
    let mut frame = vec![0_u8; ETHER - 2];
    match (tuple.source.ip(), tuple.destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            frame.extend(0x0800_u16.to_be_bytes());
            let length = (20 + bytes) as u16;
            frame.extend([0x45, 0]);
            frame.extend(length.to_be_bytes());
            frame.extend([0, 0, 0, 0, HOPS, protocol as u8, 0, 0]);
            frame.extend(source.octets());
            frame.extend(destination.octets());
        }
        (source, destination) => {
            frame.extend(0x86dd_u16.to_be_bytes());
            frame.extend([0x60, 0, 0, 0]);
            frame.extend((bytes as u16).to_be_bytes());
            frame.extend([protocol as u8, HOPS]);
            frame.extend(v6(source).octets());
            frame.extend(v6(destination).octets());
        }
    }
    frame.extend(tuple.source.port().to_be_bytes());
    frame.extend(tuple.destination.port().to_be_bytes());
    if protocol == TCP {
        frame.extend([0, 0, 0, 0, 0, 0, 0, 0, 5 << 4, SYN, 0xff, 0xff, 0, 0, 0, 0]);
    } else {
        frame.extend((UDP_BYTES as u16).to_be_bytes());
        frame.extend([0, 0]);
    }
    frame
}

/// Where the outer header leads, if a frame that was made here has got one.
pub(super) fn outer_destination(frame: &[u8]) -> Option<IpAddr> {
    let ip = frame.get(ETHER..)?;
    match ip.first()? >> 4 {
        4 if *ip.get(9)? == Ipv4::TUNNEL => {
            let bytes: [u8; 4] = *ip.get(16..)?.first_chunk()?;
            Some(Ipv4Addr::from(bytes).into())
        }
        6 if *ip.get(6)? == Ipv6::TUNNEL => {
            let bytes: [u8; 16] = *ip.get(24..)?.first_chunk()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// Source and destination of a frame that was made here; `None` in an outer header.
pub(super) fn addresses(frame: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    if outer_destination(frame).is_some() {
        return None;
    }
    let ip = frame.get(ETHER..)?;
    let v4 = |at: usize| {
        let bytes: [u8; 4] = *ip.get(at..)?.first_chunk()?;
        Some(IpAddr::from(Ipv4Addr::from(bytes)))
    };
    let v6 = |at: usize| {
        let bytes: [u8; 16] = *ip.get(at..)?.first_chunk()?;
        Some(IpAddr::from(Ipv6Addr::from(bytes)))
    };
    let (source, destination, l4) = match ip.first()? >> 4 {
        4 => (v4(12)?, v4(16)?, 20),
        6 => (v6(8)?, v6(24)?, 40),
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes(*ip.get(l4 + at..)?.first_chunk()?));
    Some((
        SocketAddr::new(source, port(0)?),
        SocketAddr::new(destination, port(2)?),
    ))
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}
