//! The data path in force: opened once by the daemon, outlives it in the kernel.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::IpAddr,
    os::fd::AsRawFd,
};

use anyhow::{Context as _, Result, bail, ensure};
use aya::{Ebpf, maps::MapError};
use gateway_common::{
    abi,
    maps::{LISTENERS_MAX, LISTENERS_V6},
};
use gateway_core::l4::{MapOp, Tables, trace::Clock};

use super::{
    attach::{Attachment, Survey, Uplink, attach_all, attached_before},
    bpffs,
    capacity::Capacity,
    clock, compat,
    events::Events,
    flows::{self, Flows},
    kernel_log, load,
    maps::Maps,
    object::{OBJECT, OBJECT_LOG},
    options::{Options, XdpMode},
    pins::{Lock, Pins},
    programs, read, resize, snat,
    splices::Splices,
    stats::Stats,
    tls::Tls,
    unload, version,
};

/// What failed is tried again each time after so many looks at the interfaces.
pub(super) const RETRY: u32 = 30;

/// Dropping it leaves programs, maps and links in force.
pub struct Datapath {
    pins: Pins,
    ebpf: Ebpf,
    maps: Maps,
    stats: Stats,
    tables: Tables,
    attachments: Vec<Attachment>,
    uplinks: Vec<Uplink>,
    /// Of IPv4 and IPv6.
    snat: [abi::Snat; 2],
    /// Names or patterns.
    interfaces: Vec<String>,
    /// Names of those that could not be attached to, for now.
    failed: BTreeSet<String>,
    /// At the interfaces, since the start.
    looks: u32,
    xdp_mode: XdpMode,
    hz: u32,
    flows: Capacity,
    tls: Tls,
    object: &'static [u8],
    kernel_log: bool,
    _lock: Lock,
}

impl Datapath {
    /// Takes over the pinned data path, or makes one. Everything that can be refused is checked
    /// before anything changes; a first start that fails leaves nothing behind.
    ///
    /// Needs root, and a tokio runtime in the network namespace of the interfaces.
    pub async fn open(options: &Options) -> Result<Self> {
        let object = if options.kernel_log {
            OBJECT_LOG
        } else {
            OBJECT
        };
        version::check(object)?;
        bpffs::ensure(&options.pin_dir)?;
        let pins = Pins::new(&options.pin_dir);
        let first = !pins.root().exists();
        pins.create_root()?;
        let lock = pins.lock()?;
        let opened = match Self::check(&pins, object, options).await {
            Ok(survey) => Self::start(pins.clone(), lock, object, options, &survey).await,
            Err(error) => Err(error),
        };
        if opened.is_err() && first {
            unload::remove_all(&pins).context("cannot clean up after a failed start")?;
        }
        opened
    }

    async fn check(pins: &Pins, object: &[u8], options: &Options) -> Result<Survey> {
        pins.refuse_other_versions()?;
        compat::check(pins, object)?;
        if options.interfaces.is_empty() {
            return Survey::take(pins, &attached_before(pins)?).await;
        }
        let survey = Survey::take(pins, &options.interfaces).await?;
        survey.require_all()?;
        Ok(survey)
    }

    async fn start(
        pins: Pins,
        lock: Lock,
        object: &'static [u8],
        options: &Options,
        survey: &Survey,
    ) -> Result<Self> {
        pins.create_dirs()?;
        let hz = load::hz()?;
        let mut ebpf = load::load(object, &pins, hz, None, programs::in_force(&pins))?;
        if options.kernel_log {
            kernel_log::forward(&mut ebpf)?;
        }
        let mut maps = Maps::open(&pins)?;
        maps.ensure_secret()?;
        programs::fill(&ebpf, &pins)?;
        let tables = read::tables(&maps)?;
        let attachments = attach_all(&mut ebpf, &pins, survey, options.xdp_mode).await?;
        let failed = attachments.iter().find_map(Attachment::refused);
        if let (false, Some((_, why))) = (options.interfaces.is_empty(), failed) {
            bail!("{why}");
        }
        programs::pin(&mut ebpf, &pins)?;
        let uplinks = survey.uplinks(&attachments);
        maps.set_uplinks(&entries(&uplinks))?;
        snat::check_ports();
        let snat = snat::find(&uplinks).await?;
        maps.set_snat(snat)?;
        Ok(Self {
            snat,
            stats: Stats::open(&pins)?,
            ebpf,
            maps,
            tables,
            failed: survey.failed(&attachments),
            attachments,
            uplinks,
            interfaces: match options.interfaces.as_slice() {
                [] => attached_before(&pins)?,
                named => named.to_vec(),
            },
            looks: 0,
            xdp_mode: options.xdp_mode,
            hz,
            flows: Capacity::new(flows::entries(&pins)?),
            tls: Tls::new(object, pins.clone(), hz),
            object,
            kernel_log: options.kernel_log,
            pins,
            _lock: lock,
        })
    }

    /// What the maps hold: read back at the start, then kept in step by [`Self::apply`].
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Where the programs run, with the mode that the kernel reports.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// Interfaces with an Ethernet address, as of the last look.
    pub fn uplinks(&self) -> &[Uplink] {
        &self.uplinks
    }

    /// Addresses of this node that packets for its pods may come to in an outer header (DSR).
    pub fn tunnel(&self) -> BTreeSet<IpAddr> {
        let able = self.snat.iter().filter(|snat| snat.ports != 0);
        able.map(|snat| snat.address.into()).collect()
    }

    /// Which interfaces the programs shall be on, by name or pattern, from the next
    /// [`Self::follow_interfaces`] on; whether that is new.
    pub fn set_interfaces(&mut self, wanted: Vec<String>) -> bool {
        let news = self.interfaces != wanted;
        self.interfaces = wanted;
        news
    }

    /// Sees to it that the programs are on every interface that is asked for, and on no other:
    /// some may be new, made anew, gone, or have another Ethernet address; and those of a capture
    /// that was killed are still there. Whether [`Self::attachments`] or [`Self::uplinks`]
    /// changed. What has not changed stays as it is.
    pub async fn follow_interfaces(&mut self) -> Result<bool> {
        programs::restore_abandoned(&self.pins)?;
        self.looks = self.looks.wrapping_add(1);
        self.follow_flows();
        self.tls.retry(self.looks).await;
        let survey = Survey::take(&self.pins, &self.interfaces).await?;
        if self.looks.is_multiple_of(RETRY) {
            self.failed.clear();
        }
        if survey.is_in_force(&self.pins, &self.attachments, &self.failed)? {
            return self.follow_uplinks(&survey).await;
        }
        let mode = self.xdp_mode;
        let now = attach_all(&mut self.ebpf, &self.pins, &survey, mode).await?;
        self.failed = survey.failed(&now);
        let changed = self.attachments != now;
        self.attachments = now;
        Ok(self.follow_uplinks(&survey).await? || changed)
    }

    /// Entries that the table of established flows shall have, from the next
    /// [`Self::follow_interfaces`] on; whether it has another number.
    pub fn set_flow_entries(&mut self, wanted: u32) -> bool {
        self.flows.want(wanted)
    }

    /// What of the data path is not as it was asked for, and why.
    pub fn refusals(&self) -> impl Iterator<Item = &str> {
        self.flows.refusal().into_iter().chain(self.tls.refusal())
    }

    /// Makes that table as large as it shall be, without loss.
    fn follow_flows(&mut self) {
        let Some(entries) = self.flows.due(self.looks) else {
            return;
        };
        let done = resize::resize(self.object, &self.pins, self.hz, entries);
        let done = done.and_then(|mut ebpf| {
            if self.kernel_log {
                kernel_log::forward(&mut ebpf)?;
            }
            self.ebpf = ebpf;
            Ok(())
        });
        self.flows.tried(self.looks, done);
    }

    /// Writes down the Ethernet addresses; whether any changed.
    async fn follow_uplinks(&mut self, survey: &Survey) -> Result<bool> {
        let uplinks = survey.uplinks(&self.attachments);
        let changed = self.uplinks != uplinks;
        if changed {
            self.maps.set_uplinks(&entries(&uplinks))?;
            self.uplinks = uplinks;
        }
        let snat = snat::find(&self.uplinks).await?;
        self.maps.set_snat(snat)?;
        let changed = changed || self.snat != snat;
        self.snat = snat;
        Ok(changed)
    }

    /// Loads the programs that `ops` need and that are not in force yet. Where the kernel refuses,
    /// [`Self::refusals`] say so, and the proxy serves in their place.
    pub async fn prepare(&mut self, ops: &[MapOp]) {
        self.tls.follow(&self.tables, ops).await;
    }

    /// Writes to the maps, in order. On an error those before it are done, and [`Self::tables`]
    /// tells what is in force: compile and diff against it again.
    pub fn apply(&mut self, ops: &[MapOp]) -> Result<()> {
        for op in ops {
            if let MapOp::PutBackend(id, _) = op
                && !self.tables.backends.contains_key(id)
            {
                self.maps.clear_stats(*id)?;
            }
            self.maps.apply(op)?;
            self.tables.apply(op);
        }
        Ok(())
    }

    /// Gives IPv4 connections that are steered to this worker to a listening TCP socket.
    pub fn set_socket(&mut self, worker: u32, socket: &impl AsRawFd) -> Result<()> {
        self.set_slot(worker, worker, socket)
    }

    /// The same for IPv6 connections.
    pub fn set_socket_v6(&mut self, worker: u32, socket: &impl AsRawFd) -> Result<()> {
        self.set_slot(worker, LISTENERS_V6.saturating_add(worker), socket)
    }

    /// Takes the sockets of the workers from this one on away again; their connections stay.
    pub fn clear_sockets(&mut self, first: u32, count: u32) -> Result<()> {
        for worker in (first..LISTENERS_MAX).take(count as usize) {
            for slot in [worker, LISTENERS_V6.saturating_add(worker)] {
                match self.maps.listeners.clear_index(&slot) {
                    Ok(()) => {}
                    // The kernel has it no more, or had none for this family.
                    Err(MapError::SyscallError(error)) if is_empty_slot(&error.io_error) => {}
                    Err(error) => {
                        return Err(error).context("cannot take a worker's socket away");
                    }
                }
            }
        }
        Ok(())
    }

    fn set_slot(&mut self, worker: u32, slot: u32, socket: &impl AsRawFd) -> Result<()> {
        ensure!(
            worker < LISTENERS_MAX,
            "there is no worker {worker}: at most {LISTENERS_MAX}"
        );
        let set = self.maps.listeners.set(slot, socket, 0);
        set.with_context(|| format!("cannot hand worker {worker} its socket: it must listen"))
    }

    /// What the programs counted.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// A second handle on the counters, for another thread.
    pub fn open_stats(&self) -> Result<Stats> {
        Stats::open(&self.pins)
    }

    /// A handle on the flow table, for a thread that may block.
    pub fn open_flows(&self) -> Result<Flows> {
        Flows::open(&self.pins)
    }

    /// The same on the tables of TLS passthrough.
    pub fn open_splices(&self) -> Result<Splices> {
        Splices::open(&self.pins)
    }

    /// The reader of drop events.
    pub fn open_events(&self) -> Result<Events> {
        Events::open(&self.pins)
    }

    /// What flows are stamped with, now; see [`Flows::sweep`].
    pub fn clock(&self) -> Result<Clock> {
        Ok(Clock {
            now: clock::read(&self.ebpf)?,
            hz: self.hz,
        })
    }
}

fn is_empty_slot(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
    )
}

/// As the map of uplinks has them.
fn entries(uplinks: &[Uplink]) -> BTreeMap<u32, abi::LinkAddress> {
    let entry = |uplink: &Uplink| {
        let link = abi::LinkAddress {
            mac: uplink.mac.0,
            detour: uplink.detour.into(),
        };
        (uplink.index, link)
    };
    uplinks.iter().map(entry).collect()
}
