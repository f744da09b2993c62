//! Captured packets to a file, or as a line each.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, ErrorKind, Write},
    os::fd::OwnedFd,
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};
use gateway_common::capture::{AFTER, HOOK_XDP, Settings};
use gateway_core::pcapng;
use rustix::{
    net::netdevice::index_to_name,
    time::{ClockId, clock_gettime},
};

use super::words;
use crate::bpf::capture::Packet;

pub(super) struct Output {
    to: BufWriter<Box<dyn Write>>,
    /// Else lines of text.
    file: bool,
    snap: u32,
    /// Names of interfaces are asked through it.
    control: OwnedFd,
    names: BTreeMap<u32, String>,
    /// Interfaces of the file, by index and hook.
    known: BTreeMap<(u32, u32), u32>,
    /// From the clock of the programs to that of people, in nanoseconds.
    offset: u64,
}

impl Output {
    /// `-` is standard output; without a path, text goes there.
    pub(super) fn open(path: Option<&Path>, settings: &Settings, control: OwnedFd) -> Result<Self> {
        let to: Box<dyn Write> = match path {
            Some(path) if path != Path::new("-") => {
                let file = File::create(path);
                Box::new(file.with_context(|| format!("cannot write {}", path.display()))?)
            }
            _ => Box::new(io::stdout()),
        };
        let mut output = Self {
            to: BufWriter::new(to),
            file: path.is_some(),
            snap: settings.snap,
            control,
            names: BTreeMap::new(),
            known: BTreeMap::new(),
            offset: now(ClockId::Realtime)?.wrapping_sub(now(ClockId::Monotonic)?),
        };
        if output.file {
            let header = pcapng::header(concat!("xdp-gateway ", env!("CARGO_PKG_VERSION")));
            output.to.write_all(&header)?;
        }
        Ok(output)
    }

    /// `false` once nobody reads any more.
    pub(super) fn put(&mut self, packet: &Packet) -> Result<bool> {
        let written = if self.file {
            self.put_block(packet)
        } else {
            self.put_line(packet)
        };
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error).context("cannot write the packets"),
        }
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        match self.to.flush() {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).context("cannot write the packets")
            }
            _ => Ok(()),
        }
    }

    fn put_block(&mut self, packet: &Packet) -> io::Result<()> {
        let record = &packet.record;
        let key = (record.interface, record.hook);
        let interface = match self.known.get(&key) {
            Some(number) => *number,
            None => {
                let name = format!(
                    "{} {}",
                    self.name(record.interface),
                    words::point(record.hook)
                );
                self.to.write_all(&pcapng::interface(&name, self.snap))?;
                let number = self.known.len() as u32;
                self.known.insert(key, number);
                number
            }
        };
        let block = pcapng::packet(&pcapng::Packet {
            interface,
            time: record.time.wrapping_add(self.offset),
            length: record.length,
            bytes: &packet.bytes,
            comment: &comment(packet),
        });
        self.to.write_all(&block)
    }

    /// A person may be looking: each line at once.
    fn put_line(&mut self, packet: &Packet) -> io::Result<()> {
        let record = &packet.record;
        let time = Duration::from_nanos(record.time.wrapping_add(self.offset));
        let name = self.name(record.interface);
        writeln!(
            self.to,
            "{}.{:06} {name} {}: {}, {} bytes",
            time.as_secs(),
            time.subsec_micros(),
            comment(packet),
            words::packet(&packet.bytes),
            record.length
        )?;
        self.to.flush()
    }

    fn name(&mut self, index: u32) -> String {
        let control = &self.control;
        let name =
            || index_to_name(control, index).unwrap_or_else(|_| format!("interface {index}"));
        self.names.entry(index).or_insert_with(name).clone()
    }
}

/// Where it was seen, and what the program said.
fn comment(packet: &Packet) -> String {
    let record = &packet.record;
    let point = words::point(record.hook);
    if record.hook & AFTER == 0 {
        return point;
    }
    let verdict = match record.hook & !AFTER {
        HOOK_XDP => words::xdp(record.verdict),
        _ => words::tcx(record.verdict),
    };
    format!("{point} {verdict}")
}

fn now(clock: ClockId) -> Result<u64> {
    let time = Duration::try_from(clock_gettime(clock)).context("the clock is before 1970")?;
    Ok(time.as_nanos() as u64)
}
