//! Bytes copied both ways between a client and a backend, whatever they mean.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use prometheus_client::metrics::counter::Counter;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{self, Instant},
};

/// One for all connections of a worker: those that wait hold no buffer of their own.
pub(super) struct Scratch(RefCell<Box<[u8]>>);

/// Most bytes that are read at once.
const SCRATCH: usize = 128 * 1024;

/// Counts bytes from and to clients.
pub(super) struct Meter {
    pub(super) received: Counter,
    pub(super) sent: Counter,
}

/// One direction.
#[derive(Default)]
struct Half {
    /// Read, and not yet taken by the other side.
    rest: Bytes,
    unflushed: bool,
    ended: bool,
    done: bool,
}

/// Copies until both sides have said their last byte; the end of one is passed on at once, while
/// the other may go on (half-close).
///
/// # Errors
/// A side broke off, or nothing moved for `idle`.
pub(super) async fn splice<A, B>(
    client: &mut A,
    backend: &mut B,
    scratch: &Scratch,
    idle: Duration,
    meter: &Meter,
) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let moved = Cell::new(Instant::now());
    let (mut up, mut down) = (Half::default(), Half::default());
    let copy = poll_fn(|cx| {
        let mut scratch = scratch.0.borrow_mut();
        let count = |counter: &Counter, bytes: usize| {
            counter.inc_by(bytes as u64);
            moved.set(Instant::now());
        };
        let received = |bytes| count(&meter.received, bytes);
        let sent = |bytes| count(&meter.sent, bytes);
        let up = up.poll(cx, client, backend, &mut scratch, received)?;
        let down = down.poll(cx, backend, client, &mut scratch, sent)?;
        match up.is_ready() && down.is_ready() {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    });
    tokio::select! {
        biased;
        done = copy => done,
        () = silence(&moved, idle) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Returns when nothing moved for `idle`.
async fn silence(moved: &Cell<Instant>, idle: Duration) {
    while moved.get().elapsed() < idle {
        time::sleep_until(moved.get() + idle).await;
    }
}

impl Half {
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
        scratch: &mut [u8],
        count: impl Fn(usize),
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        while !self.done {
            while self.rest.has_remaining() {
                let taken = ready!(Pin::new(&mut *writer).poll_write(cx, &self.rest))?;
                if taken == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.rest.advance(taken);
            }
            if self.ended {
                ready!(Pin::new(&mut *writer).poll_shutdown(cx))?;
                self.done = true;
                break;
            }
            let mut buffer = ReadBuf::new(scratch);
            if Pin::new(&mut *reader)
                .poll_read(cx, &mut buffer)?
                .is_pending()
            {
                if self.unflushed {
                    ready!(Pin::new(&mut *writer).poll_flush(cx))?;
                    self.unflushed = false;
                }
                return Poll::Pending;
            }
            let bytes = buffer.filled();
            self.ended = bytes.is_empty();
            if self.ended {
                continue;
            }
            count(bytes.len());
            self.unflushed = true;
            let taken = match Pin::new(&mut *writer).poll_write(cx, bytes)? {
                Poll::Ready(taken) => taken,
                Poll::Pending => 0,
            };
            self.rest = Bytes::copy_from_slice(bytes.get(taken..).unwrap_or_default());
        }
        Poll::Ready(Ok(()))
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self(RefCell::new(vec![0; SCRATCH].into()))
    }
}
