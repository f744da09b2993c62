//! The data path in force: opened once by the daemon, outlives it in the kernel.

use std::{collections::BTreeMap, os::fd::AsRawFd};

use anyhow::{Context as _, Result, ensure};
use aya::{Ebpf, TestRun as _, TestRunOptions, programs::Xdp};
use gateway_common::{
    abi,
    maps::{LISTENERS_MAX, LISTENERS_V6, PROGRAM_CLOCK},
};
use gateway_core::l4::{MapOp, Sweep, Tables};

use super::{
    attach::{Attachment, Survey, Uplink, attach_all},
    bpffs, compat,
    events::Events,
    flows::Flows,
    kernel_log, load,
    maps::Maps,
    object::{OBJECT, OBJECT_LOG},
    options::{Options, XdpMode},
    pins::{Lock, Pins},
    read,
    stats::Stats,
    unload, version,
};

/// Dropping it leaves programs, maps and links in force.
pub struct Datapath {
    pins: Pins,
    ebpf: Ebpf,
    maps: Maps,
    stats: Stats,
    tables: Tables,
    attachments: Vec<Attachment>,
    uplinks: Vec<Uplink>,
    interfaces: Vec<String>,
    xdp_mode: XdpMode,
    hz: u32,
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
        Survey::take(pins, &options.interfaces).await
    }

    async fn start(
        pins: Pins,
        lock: Lock,
        object: &[u8],
        options: &Options,
        survey: &Survey,
    ) -> Result<Self> {
        pins.create_dirs()?;
        let hz = load::hz()?;
        let mut ebpf = load::load(object, &pins, hz)?;
        if options.kernel_log {
            kernel_log::forward(&mut ebpf)?;
        }
        let mut maps = Maps::open(&pins)?;
        let tables = read::tables(&maps)?;
        let attachments = attach_all(&mut ebpf, &pins, survey, options.xdp_mode).await?;
        let uplinks = survey.uplinks(&attachments);
        maps.set_uplinks(&entries(&uplinks))?;
        Ok(Self {
            stats: Stats::open(&pins)?,
            pins,
            ebpf,
            maps,
            tables,
            attachments,
            uplinks,
            interfaces: options.interfaces.clone(),
            xdp_mode: options.xdp_mode,
            hz,
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

    /// Attaches to interfaces that were made anew since the last look, and notes those that are
    /// gone or have another Ethernet address; whether [`Self::attachments`] or [`Self::uplinks`]
    /// changed.
    pub async fn follow_interfaces(&mut self) -> Result<bool> {
        let (survey, gone) = Survey::take_present(&self.pins, &self.interfaces).await?;
        let known = |name: &String| self.attachments.iter().any(|a| a.is_gone(name));
        if survey.is_whole(&self.pins)? && gone.iter().all(known) {
            return self.follow_uplinks(&survey);
        }
        let before = std::mem::take(&mut self.attachments);
        let mode = self.xdp_mode;
        let mut now = attach_all(&mut self.ebpf, &self.pins, &survey, mode).await?;
        now.extend(gone.into_iter().map(Attachment::gone));
        now.sort_by(|a, b| (&a.interface, a.hook).cmp(&(&b.interface, b.hook)));
        self.attachments = now;
        Ok(self.follow_uplinks(&survey)? || self.attachments != before)
    }

    /// Writes down the Ethernet addresses; whether any changed.
    fn follow_uplinks(&mut self, survey: &Survey) -> Result<bool> {
        let uplinks = survey.uplinks(&self.attachments);
        let changed = self.uplinks != uplinks;
        if changed {
            self.maps.set_uplinks(&entries(&uplinks))?;
            self.uplinks = uplinks;
        }
        Ok(changed)
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

    /// The reader of drop events.
    pub fn open_events(&self) -> Result<Events> {
        Events::open(&self.pins)
    }

    /// What the next sweep of the flow table shall judge by; see [`Flows::sweep`].
    pub fn sweep(&self) -> Result<Sweep> {
        Ok(Sweep {
            now: self.now()?,
            hz: self.hz,
            backends: self.tables.backends.keys().copied().collect(),
        })
    }

    /// Low 32 bits of the kernel's jiffies, which flows are stamped with.
    fn now(&self) -> Result<u32> {
        let clock = self.ebpf.program(PROGRAM_CLOCK);
        let clock: &Xdp = clock.context("the BPF object has no clock")?.try_into()?;
        let options = TestRunOptions {
            data_in: Some(&[0; 64]),
            ..TestRunOptions::default()
        };
        let run = clock
            .test_run(options)
            .context("cannot read the kernel's jiffies")?;
        Ok(run.return_value)
    }
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
