//! What the programs tell: dropped packets, into the log with their reason; and who else claims an
//! address of this node.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result};
use aya::maps::{MapData, RingBuf};
use gateway_common::{
    abi::{Counter, Event, FlowKey, Kind, LinkAddress, TCP},
    addr::Addr,
    maps,
};
use gateway_core::announce::MacAddress;
use tokio::{io::unix::AsyncFd, sync::mpsc};

use super::{pins::Pins, watch::watch};

/// Reader of the ring buffer. Each event goes to one reader only.
pub struct Events {
    ring: AsyncFd<RingBuf<MapData>>,
}

impl Events {
    /// Needs a tokio runtime.
    pub fn open(pins: &Pins) -> Result<Self> {
        let ring = watch(pins.open(maps::EVENTS)?).context("cannot watch the event ring")?;
        Ok(Self { ring })
    }

    /// The next event, as soon as there is one. The programs limit their rate.
    pub async fn next(&mut self) -> Result<Event> {
        loop {
            let ready = self.ring.readable_mut().await;
            let mut ready = ready.context("cannot read the event ring")?;
            if let Some(item) = ready.get_inner_mut().next() {
                return parse(&item).context("an event of another layout");
            }
            ready.clear_ready();
        }
    }

    /// Logs drops, and hands on claims, until it is cancelled or the ring fails.
    pub async fn run(mut self, claims: mpsc::Sender<Claim>) -> Result<()> {
        loop {
            let event = self.next().await?;
            match Claim::of(&event) {
                // One that finds no room is repeated by whoever claims.
                Some(claim) => drop(claims.try_send(claim)),
                None => log(&event),
            }
        }
    }
}

/// Somebody else says that an address of this node is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub address: IpAddr,
    pub mac: MacAddress,
}

impl Claim {
    /// `None` for events of other kinds.
    pub fn of(event: &Event) -> Option<Self> {
        let kind = Counter::from_index(event.reason)?.kind();
        (kind == Kind::Conflict).then(|| Self {
            address: event.key.destination.into(),
            mac: MacAddress(event.station.mac),
        })
    }
}

fn log(event: &Event) {
    let reason = Counter::from_index(event.reason).map(Counter::describe);
    let FlowKey {
        source,
        destination,
        source_port,
        destination_port,
        protocol,
        ..
    } = event.key;
    tracing::warn!(
        reason = reason.map_or("unknown", |r| r.name),
        protocol = if u32::from(protocol) == TCP { "tcp" } else { "udp" },
        from = %SocketAddr::new(IpAddr::from(source), source_port),
        to = %SocketAddr::new(IpAddr::from(destination), destination_port),
        bytes = event.bytes,
        "packet not delivered: {}",
        reason.map_or("reason of another version", |r| r.help)
    );
}

/// Reads an [`Event`] field by field: the ring hands out bytes of any alignment. `None` for bytes
/// of another size.
pub fn parse(bytes: &[u8]) -> Option<Event> {
    let mut rest = bytes;
    let event = Event {
        key: FlowKey {
            source: Addr {
                bytes: take(&mut rest)?,
            },
            destination: Addr {
                bytes: take(&mut rest)?,
            },
            source_port: u16::from_ne_bytes(take(&mut rest)?),
            destination_port: u16::from_ne_bytes(take(&mut rest)?),
            protocol: u16::from_ne_bytes(take(&mut rest)?),
            direction: u16::from_ne_bytes(take(&mut rest)?),
        },
        reason: u32::from_ne_bytes(take(&mut rest)?),
        bytes: u32::from_ne_bytes(take(&mut rest)?),
        station: LinkAddress {
            mac: take(&mut rest)?,
            detour: u16::from_ne_bytes(take(&mut rest)?),
        },
    };
    (bytes.len() == size_of::<Event>()).then_some(event)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_event_is_read_in_the_order_of_its_fields() {
        let expected = Event {
            key: FlowKey {
                source: Ipv4Addr::new(10, 0, 0, 1).into(),
                destination: Ipv4Addr::new(10, 0, 0, 2).into(),
                source_port: 0x0102,
                destination_port: 0x0304,
                protocol: 6,
                direction: 1,
            },
            reason: Counter::RefuseNoBackend as u32,
            bytes: 60,
            station: LinkAddress::new([2, 0, 0, 0, 0, 7]),
        };
        let mut bytes = Vec::new();
        bytes.extend(expected.key.source.bytes);
        bytes.extend(expected.key.destination.bytes);
        for half in [0x0102_u16, 0x0304, 6, 1] {
            bytes.extend(half.to_ne_bytes());
        }
        bytes.extend(expected.reason.to_ne_bytes());
        bytes.extend(60_u32.to_ne_bytes());
        bytes.extend([2, 0, 0, 0, 0, 7, 0, 0]);
        assert_eq!(parse(&bytes), Some(expected));
        assert_eq!(Claim::of(&expected), None);
        let claim = Event {
            reason: Counter::ConflictArp as u32,
            ..expected
        };
        let said = Claim {
            address: Ipv4Addr::new(10, 0, 0, 2).into(),
            mac: MacAddress([2, 0, 0, 0, 0, 7]),
        };
        assert_eq!(Claim::of(&claim), Some(said));
        bytes.push(0);
        assert_eq!(parse(&bytes), None, "longer than an event");
        assert_eq!(parse(&bytes[..55]), None, "shorter than an event");
    }
}
