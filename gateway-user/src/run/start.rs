//! Everything that must work before the daemon can serve, in the order of how easily it fails.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use anyhow::Result;
use arc_swap::ArcSwap;
use gateway_core::{
    addresses::Addressing, announce::Members, http, l4::Drains, translate::Settings,
};
use prometheus_client::registry::Registry;
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};

use super::{
    backoff::Backoff, caution::Caution, daemon::Daemon, descriptors, neighbours::Conflicts,
    node::Choice, path::RealPath, privileges, reconcile::Reconciler, source::Source,
    sweeper::Sweeper, watcher::Watcher,
};
use crate::{
    admin::{self, InForce, Shown},
    bpf::{Datapath, Options, events::Claim},
    cli,
    health::Checker,
    metrics::{self, Reloads, certificates::Certificates, kernel::Kernel},
    proxy::{Limits, Proxy, ProxyOptions},
    status::report::AttachmentRow,
};

impl Daemon {
    /// `claimed` gets what other stations say of our addresses.
    ///
    /// # Errors
    /// Where something is missing; the message says what to do. Nothing is left behind then,
    /// but what an earlier daemon had put in force.
    pub(super) async fn start(
        options: &cli::Run,
        source: &Source,
        claimed: mpsc::Sender<Claim>,
    ) -> Result<Self> {
        let listener = admin::bind(options.admin, "--admin").await?;
        let scrapes = match options.metrics {
            Some(address) => Some(admin::bind(address, "--metrics").await?),
            None => None,
        };
        privileges::require()?;
        descriptors::raise()?;
        let kernel = open(options).await?;

        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let choice = Choice::new(options, u32::try_from(cores)?);
        let table = Arc::new(ArcSwap::from_pointee(http::Table::default()));
        let limits = Limits::default();
        // The others once the objects had their say.
        let workers = NonZeroUsize::MIN;
        let proxy = Proxy::start(&ProxyOptions { workers, limits }, table.clone())?;

        let mut registry = metrics::registry();
        let reloads = Reloads::register(&mut registry);
        proxy.metrics().register(&mut registry);
        let health = proxy.health().clone();
        health.register(&mut registry);
        source.register(&mut registry);
        let in_force = Arc::<ArcSwap<InForce>>::default();
        registry.register_collector(Box::new(Certificates {
            in_force: Arc::clone(&in_force),
        }));
        let sweeper = watch_flows(&kernel, &mut registry, &in_force)?;
        let stats = kernel.open_stats()?;
        let watcher = Watcher::start(stats, Arc::clone(&in_force), Arc::clone(&health))?;
        let checker = Checker::start(Arc::clone(&health))?;
        let shown = Arc::new(Shown::new(registry, in_force));
        let mut tasks = tasks(&kernel, listener, shown.clone(), claimed)?;
        if let Some(listener) = scrapes {
            serve_scrapes(&mut tasks, listener, shown.clone())?;
        }

        let settings = Settings {
            addressing: addressing(options),
            ..Settings::default()
        };
        let path = RealPath::new(kernel, table, proxy, choice)?;
        Ok(Self {
            caution: Caution::default(),
            reconciler: Reconciler::new(path, settings, Members::none()),
            backoff: Backoff::default(),
            sweeper,
            _watcher: watcher,
            _checker: checker,
            drains: Drains::new(Duration::ZERO),
            epoch: Instant::now(),
            conflicts: Conflicts::new(),
            health,
            reloads,
            shown,
            _tasks: tasks,
        })
    }
}

fn addressing(options: &cli::Run) -> Addressing {
    let defaults = options.addresses.clone();
    if options.source.kubernetes {
        // Not before this node leads.
        Addressing::cluster(defaults, false)
    } else {
        Addressing::standalone(defaults)
    }
}

async fn open(options: &cli::Run) -> Result<Datapath> {
    let wanted = Options {
        pin_dir: options.pin_dir.clone(),
        interfaces: options.interfaces.clone(),
        xdp_mode: options.xdp_mode,
        kernel_log: options.kernel_log,
    };
    let kernel = Datapath::open(&wanted).await?;
    for row in kernel.attachments().iter().map(AttachmentRow::from) {
        tracing::info!("program attached: {row}");
    }
    Ok(kernel)
}

/// Registers the kernel's metrics, and starts what keeps its flow table small.
fn watch_flows(
    kernel: &Datapath,
    registry: &mut Registry,
    in_force: &Arc<ArcSwap<InForce>>,
) -> Result<Sweeper> {
    let flows = Arc::default();
    let sweeper = Sweeper::start(
        kernel.open_flows()?,
        kernel.open_splices()?,
        Arc::clone(&flows),
    )?;
    let stats = kernel.open_stats()?;
    let in_force = Arc::clone(in_force);
    registry.register_collector(Box::new(Kernel {
        stats,
        in_force,
        flows,
    }));
    Ok(sweeper)
}

/// What runs beside the main loop: admin requests and the kernel's events.
fn tasks(
    kernel: &Datapath,
    listener: TcpListener,
    shown: Arc<Shown>,
    claims: mpsc::Sender<Claim>,
) -> Result<JoinSet<()>> {
    let mut tasks = JoinSet::new();
    let events = kernel.open_events()?;
    tasks.spawn(async move {
        if let Err(error) = events.run(claims).await {
            tracing::warn!(
                "drops and claims to our addresses are counted, but not told any more: {error:#}"
            );
        }
    });
    tracing::info!("admin requests at http://{}", listener.local_addr()?);
    tasks.spawn(async {
        if let Err(error) = admin::serve(listener, shown).await {
            tracing::error!("{error:#}");
        }
    });
    Ok(tasks)
}

/// Metrics for scrapers on other hosts.
fn serve_scrapes(tasks: &mut JoinSet<()>, listener: TcpListener, shown: Arc<Shown>) -> Result<()> {
    tracing::info!("metrics at http://{}/metrics", listener.local_addr()?);
    tasks.spawn(async {
        if let Err(error) = admin::serve_metrics(listener, shown).await {
            tracing::error!("{error:#}");
        }
    });
    Ok(())
}
