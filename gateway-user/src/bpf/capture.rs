//! Packets at the entry and exit of the programs: an object that copies them out takes the place of
//! the one in force, on the same links and maps, until the capture ends.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use aya::{
    Ebpf,
    maps::{Array, MapData, PerCpuArray, RingBuf},
};
use gateway_common::capture::{CAPTURED, LOST, Record, SETTINGS, SETTINGS_WORDS, Settings};
use tokio::io::unix::AsyncFd;

use super::{
    load,
    object::OBJECT_CAPTURE,
    pins::{Lock, Pins},
    programs,
    settle::settled,
    watch::watch,
};

/// A daemon looks for abandoned captures now and then; more than that takes another capture.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

/// A packet, as it was before or after a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub record: Record,
    /// The first `record.captured` bytes.
    pub bytes: Vec<u8>,
}

/// A capture under way. Dropping it puts the programs back that were in force; where the process is
/// killed, a daemon does so within a second.
pub struct Capture {
    ring: AsyncFd<RingBuf<MapData>>,
    lost: PerCpuArray<MapData, u64>,
    _swap: Swap,
}

/// Our programs are on the links.
struct Swap {
    pins: Pins,
    _ebpf: Ebpf,
    _lock: Lock,
}

impl Capture {
    /// Begins. Needs a tokio runtime, and the privileges of `run`.
    ///
    /// # Errors
    /// Where nothing is in force, somebody else captures, or the kernel refuses.
    pub fn begin(pin_dir: &Path, settings: &Settings) -> Result<Self> {
        let pins = Pins::new(pin_dir);
        pins.ensure_present()?;
        let mut lock = None;
        settled(LOCK_LIMIT, || {
            lock = pins.lock_programs()?;
            Ok(lock.is_some())
        })?;
        let lock = lock.context("somebody else captures: one at a time")?;
        programs::restore(&pins)?;
        let wanted = programs::in_force(&pins);
        let mut ebpf = load::load(OBJECT_CAPTURE, &pins, load::hz()?, None, wanted)?;
        let map = |ebpf: &mut Ebpf, name: &str| {
            let map = ebpf.take_map(name);
            map.with_context(|| format!("the BPF object has no map {name}"))
        };
        let configured = map(&mut ebpf, SETTINGS)?;
        let mut configured: Array<MapData, [u32; SETTINGS_WORDS]> = configured.try_into()?;
        configured.set(0, settings.words(), 0)?;
        let ring: RingBuf<MapData> = map(&mut ebpf, CAPTURED)?.try_into()?;
        let ring = watch(ring).context("cannot watch the ring of packets")?;
        let lost = map(&mut ebpf, LOST)?.try_into()?;
        let swap = Swap {
            pins,
            _ebpf: ebpf,
            _lock: lock,
        };
        let replaced = programs::replace(&swap._ebpf, &swap.pins)?;
        ensure!(replaced > 0, "no program is attached to an interface");
        Ok(Self {
            ring,
            lost,
            _swap: swap,
        })
    }

    /// The next packet, as soon as there is one.
    pub async fn next(&mut self) -> Result<Packet> {
        loop {
            let ready = self.ring.readable_mut().await;
            let mut ready = ready.context("cannot read the ring of packets")?;
            if let Some(item) = ready.get_inner_mut().next() {
                return parse(&item).context("a packet of another layout");
            }
            ready.clear_ready();
        }
    }

    /// Packets that found the ring full.
    pub fn lost(&self) -> Result<u64> {
        let per_cpu = self.lost.get(&0, 0).context("cannot read what was lost")?;
        Ok(per_cpu.iter().sum())
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        if let Err(error) = programs::restore(&self.pins) {
            tracing::error!("the programs of the capture stay in force: {error:#}");
        }
    }
}

/// Reads a [`Record`] field by field: the ring hands out bytes of any alignment. `None` where it
/// is cut.
fn parse(bytes: &[u8]) -> Option<Packet> {
    let mut rest = bytes;
    let record = Record {
        time: u64::from_ne_bytes(chunk(&mut rest)?),
        interface: u32::from_ne_bytes(chunk(&mut rest)?),
        length: u32::from_ne_bytes(chunk(&mut rest)?),
        captured: u32::from_ne_bytes(chunk(&mut rest)?),
        hook: u32::from_ne_bytes(chunk(&mut rest)?),
        verdict: i32::from_ne_bytes(chunk(&mut rest)?),
        pad: u32::from_ne_bytes(chunk(&mut rest)?),
    };
    let bytes = rest.get(..record.captured as usize)?.to_vec();
    Some(Packet { record, bytes })
}

fn chunk<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_in_the_order_of_its_fields() {
        let mut bytes = 9_u64.to_ne_bytes().to_vec();
        for word in [2_u32, 60, 3, 1, 5, 0] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend([7, 8, 9, 99]);
        let expected = Packet {
            record: Record {
                time: 9,
                interface: 2,
                length: 60,
                captured: 3,
                hook: 1,
                verdict: 5,
                pad: 0,
            },
            bytes: vec![7, 8, 9],
        };
        assert_eq!(parse(&bytes), Some(expected));
        assert_eq!(parse(&bytes[..34]), None, "cut");
        assert_eq!(parse(&bytes[..31]), None, "cut");
    }
}
