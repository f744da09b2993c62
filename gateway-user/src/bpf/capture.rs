//! Packets at the entry and exit of the programs: see gateway-ebpf/src/capture.

use std::{
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
};

use anyhow::{Context as _, Result};
use aya::maps::{Array, Map, MapData, PerCpuArray, RingBuf};
use aya_obj::Object;
use gateway_common::{
    capture::{
        CAPTURED, LOST, Record, SETTINGS, SETTINGS_WORDS, SKB_ENTRY, SKB_EXIT, Settings, XDP_ENTRY,
        XDP_EXIT,
    },
    maps::PROGRAM_INGRESS,
};
use tokio::io::unix::AsyncFd;

use super::{
    kernel_types,
    object::OBJECT_CAPTURE,
    object_fd,
    pins::Pins,
    programs::PACKETS,
    tracing::{When, attach, load},
    watch::watch,
};

/// A packet, as it was before or after a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub record: Record,
    /// The first `record.captured` bytes.
    pub bytes: Vec<u8>,
}

/// Programs of our own around those of the data path. Dropping it takes them away; so does the end
/// of the process, however it comes.
pub struct Capture {
    ring: AsyncFd<RingBuf<MapData>>,
    lost: PerCpuArray<MapData, u64>,
    _links: Vec<OwnedFd>,
}

impl Capture {
    /// Begins; `settings` need no offsets. Needs a tokio runtime, and the privileges of `run`.
    ///
    /// # Errors
    /// Where nothing is pinned, or the kernel refuses.
    pub fn begin(pin_dir: &Path, settings: Settings) -> Result<Self> {
        let pins = Pins::read_only(pin_dir)?;
        let offsets = kernel_types::offsets()?;
        let settings = Settings {
            offsets,
            ..settings
        };
        let mut object = Object::parse(OBJECT_CAPTURE).context("cannot parse the BPF object")?;
        let mut maps = create(&mut object)?;
        let configured: Map = take(&mut maps, SETTINGS)?;
        let mut configured: Array<MapData, [u32; SETTINGS_WORDS]> = configured.try_into()?;
        configured.set(0, settings.words(), 0)?;
        let links = attach_all(&object, &pins)?;
        let ring: RingBuf<MapData> = take(&mut maps, CAPTURED)?.try_into()?;
        Ok(Self {
            ring: watch(ring).context("cannot watch the ring of packets")?,
            lost: take(&mut maps, LOST)?.try_into()?,
            _links: links,
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

/// Makes the object's maps, and writes them into its instructions.
fn create(object: &mut Object) -> Result<Vec<(String, Map)>> {
    let mut made = Vec::new();
    for (name, map) in &object.maps {
        let data = MapData::create(map.clone(), name, None)
            .with_context(|| format!("cannot create the BPF map {name}: run as root"))?;
        made.push((name.clone(), map.clone(), data));
    }
    let sections = object
        .functions
        .keys()
        .map(|(section, _)| *section)
        .collect();
    let named = made.iter().map(|(name, map, data)| {
        use std::os::fd::AsRawFd as _;
        (name.as_str(), data.fd().as_fd().as_raw_fd(), map)
    });
    object.relocate_maps(named, &sections)?;
    object.relocate_calls(&sections)?;
    made.into_iter()
        .map(|(name, _, data)| Ok((name, Map::from_map_data(data)?)))
        .collect()
}

fn take(maps: &mut Vec<(String, Map)>, name: &str) -> Result<Map> {
    let at = maps.iter().position(|(known, _)| known == name);
    let at = at.with_context(|| format!("the BPF object has no map {name}"))?;
    Ok(maps.swap_remove(at).1)
}

/// Around every program that packets go through.
fn attach_all(object: &Object, pins: &Pins) -> Result<Vec<OwnedFd>> {
    let mut links = Vec::new();
    for target in PACKETS {
        let path = pins.program(target);
        let fd = object_fd::get(&path, 0).with_context(|| {
            format!(
                "cannot open the program {}: is a daemon of this version in force?",
                path.display()
            )
        })?;
        let [entry, exit] = match target {
            PROGRAM_INGRESS => [XDP_ENTRY, XDP_EXIT],
            _ => [SKB_ENTRY, SKB_EXIT],
        };
        for (name, when) in [(exit, When::After), (entry, When::Before)] {
            let program = object.programs.get(name);
            let program =
                program.with_context(|| format!("the BPF object has no program {name}"))?;
            let function = object.functions.get(&program.function_key());
            let function = function.with_context(|| format!("the program {name} has no code"))?;
            let license = &program.license;
            let loaded = load(&function.instructions, name, license, when, fd.as_fd())?;
            let link = attach(&loaded);
            links.push(link.with_context(|| format!("cannot attach {name} to {target}"))?);
        }
    }
    Ok(links)
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
