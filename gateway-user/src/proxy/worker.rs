//! One worker: its thread, accept loop and housekeeping.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    hash::{BuildHasher, RandomState},
    io,
    ops::Deref,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use foldhash::HashMap;
use gateway_core::{
    balance::Rng,
    http::{Budget, Table},
    plan::BackendId,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, LocalOptions, LocalRuntime},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch},
    time,
};

use super::{
    Limits, Metrics,
    access_log::AccessLog,
    client::{Groups, Slot},
    connection,
    listeners::Listeners,
    metrics::Handles,
    mirror::Copies,
    pool::Pool,
    splice::Scratch,
    streaks::Streaks,
    upstream::{Failure, Kind},
};
use crate::health::Health;

/// How soon a worker notices that a frontend is gone, and closes its connections.
const HOUSEKEEPING: Duration = Duration::from_millis(100);
/// How long a worker that leaves waits for connections whose handshake began before: SYN-ACKs are
/// sent again after one second, and after two more (RFC 6298 section 2).
const LINGER: Duration = Duration::from_secs(4);
/// Pause after the kernel has no file descriptor or memory for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// What every worker's thread is started with.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) table: Arc<ArcSwap<Table>>,
    pub(super) limits: Limits,
    /// How many there are, but for those that leave.
    pub(super) workers: Arc<AtomicUsize>,
    pub(super) access_log: AccessLog,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
}

/// What a worker is told to do. Each replaces those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Serve,
    /// Take what was already sent this way, then end with the last connection.
    Leave,
    /// End, at the latest after this time.
    Stop(Duration),
}

/// What the connections of a worker share; it never leaves the thread.
pub(super) struct Worker {
    table: Arc<ArcSwap<Table>>,
    current: RefCell<Rc<Current>>,
    rng: RefCell<Rng>,
    pub(super) limits: Limits,
    workers: Arc<AtomicUsize>,
    pub(super) access_log: AccessLog,
    pub(super) pool: Rc<Pool>,
    pub(super) streaks: Streaks,
    pub(super) metrics: Handles,
    pub(super) groups: Groups,
    pub(super) scratch: Scratch,
    pub(super) copies: Copies,
    budgets: RefCell<HashMap<BackendId, Rc<Budget>>>,
}

/// A table with a count of its users in this worker: workers shall not pass one shared count back
/// and forth for each request.
pub(super) struct Current(Arc<Table>);

impl Deref for Current {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.0
    }
}

/// Runs a worker to its end. `ready` hears whether it could start; `done` is dropped at the end.
pub(super) fn run(
    shared: Shared,
    listeners: Listeners,
    orders: watch::Receiver<Order>,
    ready: &mpsc::Sender<Result<()>>,
    done: oneshot::Sender<()>,
) {
    // Held to the end: its drop tells that the worker has ended, even by a panic.
    let _done = done;
    let (runtime, accepting) = match prepare(listeners) {
        Ok(both) => both,
        Err(error) => {
            // Nobody listens only if the whole start was given up.
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    let worker = Rc::new(Worker {
        current: RefCell::new(Rc::new(Current(shared.table.load_full()))),
        table: shared.table,
        rng: RefCell::new(Rng::new(RandomState::new().hash_one(0))),
        pool: Rc::new(Pool::new(&shared.limits)),
        streaks: Streaks::new(shared.health),
        limits: shared.limits,
        workers: shared.workers,
        access_log: shared.access_log,
        metrics: Handles::new(shared.metrics),
        groups: Groups::default(),
        scratch: Scratch::default(),
        copies: Copies::default(),
        budgets: RefCell::default(),
    });
    runtime.block_on(serve(worker, accepting, orders));
}

/// The sockets of a worker, polled by its runtime.
struct Accepting {
    v4: TcpListener,
    v6: Option<TcpListener>,
    /// Which family comes first the next time, so that neither waits for the other.
    v6_first: Cell<bool>,
}

impl Accepting {
    fn poll(&self, context: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        let mut sockets = [Some(&self.v4), self.v6.as_ref()];
        if self.v6_first.replace(!self.v6_first.get()) {
            sockets.reverse();
        }
        for socket in sockets.into_iter().flatten() {
            if let Poll::Ready(accepted) = socket.poll_accept(context) {
                return Poll::Ready(accepted.map(|(stream, _)| stream));
            }
        }
        Poll::Pending
    }
}

fn prepare(listeners: Listeners) -> Result<(LocalRuntime, Accepting)> {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().build_local(LocalOptions::default());
    let runtime = runtime.context("cannot make a proxy runtime")?;
    let entered = runtime.enter();
    let polled =
        |listener| TcpListener::from_std(listener).context("cannot poll the listening socket");
    let accepting = Accepting {
        v4: polled(listeners.v4)?,
        v6: listeners.v6.map(polled).transpose()?,
        v6_first: Cell::new(false),
    };
    drop(entered);
    Ok((runtime, accepting))
}

async fn serve(worker: Rc<Worker>, accepting: Accepting, orders: watch::Receiver<Order>) {
    let all = worker.limits.connections.clamp(1, u32::MAX as usize) as u32;
    let permits = Arc::new(Semaphore::new(all as usize));
    let housekeeping = tokio::task::spawn_local(keep_house(worker.clone()));
    let (mut leave, mut stop) = (orders.clone(), orders);
    let mut accepting = Some(accepting);
    tokio::select! {
        () = accept_until_left(&worker, &mut accepting, &permits, &mut leave) => {}
        deadline = stopped(&mut stop) => {
            if let Some(accepting) = accepting {
                accept_backlog(&worker, &accepting, &permits);
            }
            worker.groups.close_all();
            // Every permit is back when every connection has ended; else the deadline ends them.
            let _ = time::timeout(deadline, permits.acquire_many(all)).await;
        }
    }
    housekeeping.abort();
}

/// The life of a worker that is not stopped; returns when it was told to leave, and its last
/// connection has ended.
async fn accept_until_left(
    worker: &Rc<Worker>,
    accepting: &mut Option<Accepting>,
    permits: &Arc<Semaphore>,
    orders: &mut watch::Receiver<Order>,
) {
    if let Some(accepting) = accepting.as_ref() {
        tokio::select! {
            () = accept_all(worker, accepting, permits) => {}
            _ = orders.wait_for(|order| *order != Order::Serve) => {}
        }
        worker.groups.leave();
        // The kernel sends nobody here any more, but a handshake may be half done.
        let _ = time::timeout(LINGER, accept_all(worker, accepting, permits)).await;
        accept_backlog(worker, accepting, permits);
    }
    *accepting = None;
    let all = worker.limits.connections.clamp(1, u32::MAX as usize) as u32;
    // An error: the semaphore was closed, which it never is.
    let _ = permits.acquire_many(all).await;
}

/// Returns the time that is left, once the worker is told to stop; none where the proxy was dropped.
async fn stopped(orders: &mut watch::Receiver<Order>) -> Duration {
    let stop = orders
        .wait_for(|order| matches!(order, Order::Stop(_)))
        .await;
    match stop.as_deref() {
        Ok(Order::Stop(deadline)) => *deadline,
        _ => Duration::ZERO,
    }
}

async fn accept_all(worker: &Rc<Worker>, accepting: &Accepting, permits: &Arc<Semaphore>) {
    // The semaphore is never closed.
    while let Ok(permit) = permits.clone().acquire_owned().await {
        match poll_fn(|context| accepting.poll(context)).await {
            Ok(stream) => spawn(worker, stream, permit),
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections; is the open-file limit too low?");
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Takes what clients have already opened, so that closing the socket resets none of it.
fn accept_backlog(worker: &Rc<Worker>, accepting: &Accepting, permits: &Arc<Semaphore>) {
    let mut context = Context::from_waker(Waker::noop());
    while let Ok(permit) = permits.clone().try_acquire_owned() {
        let Poll::Ready(Ok(stream)) = accepting.poll(&mut context) else {
            return;
        };
        spawn(worker, stream, permit);
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

fn spawn(worker: &Rc<Worker>, stream: TcpStream, permit: OwnedSemaphorePermit) {
    let worker = worker.clone();
    let slot = Slot {
        _permit: permit,
        _connected: worker.metrics.connection(),
    };
    tokio::task::spawn_local(async move { connection::serve(&worker, stream, slot).await });
}

async fn keep_house(worker: Rc<Worker>) {
    let mut interval = time::interval(HOUSEKEEPING);
    interval.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    let mut seen = worker.table();
    loop {
        interval.tick().await;
        worker.pool.drop_idle();
        worker.drop_budgets();
        let table = worker.table();
        if !Rc::ptr_eq(&seen, &table) {
            worker.groups.close_unless(|local| table.serves(local));
            seen = table;
        }
    }
}

impl Worker {
    /// The table now in force. A request keeps the one it began with.
    pub(super) fn table(&self) -> Rc<Current> {
        let newest = self.table.load();
        let mut current = self.current.borrow_mut();
        if !Arc::ptr_eq(&current.0, &newest) {
            *current = Rc::new(Current(Arc::clone(&newest)));
        }
        current.clone()
    }

    /// What this worker may take of a limit of the whole node.
    pub(super) fn share(&self, all: usize) -> usize {
        all.div_ceil(self.workers.load(Ordering::Relaxed).max(1))
    }

    /// Of what requests to a backend may be repeated.
    pub(super) fn budget(&self, of: &BackendId) -> Rc<Budget> {
        let mut budgets = self.budgets.borrow_mut();
        if let Some(budget) = budgets.get(of) {
            return budget.clone();
        }
        budgets.entry(of.clone()).or_default().clone()
    }

    /// Forgets budgets that no request uses.
    fn drop_budgets(&self) {
        let mut budgets = self.budgets.borrow_mut();
        budgets.retain(|_, budget| Rc::strong_count(budget) > 1);
    }

    /// Counts a failure. Those of connecting are counted per attempt.
    pub(super) fn failed(&self, failure: &Failure) {
        if !matches!(failure.kind, Kind::Connect | Kind::ConnectTimeout) {
            self.metrics.upstream_error(failure.kind);
        }
    }

    /// Uniform over all of u64.
    pub(super) fn random(&self) -> u64 {
        self.rng.borrow_mut().draw()
    }
}
