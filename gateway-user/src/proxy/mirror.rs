//! Copies of requests for mirrors. They go their own way beside the request: whatever becomes of
//! them, nobody waits, and nobody hears their answers.

use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};

use gateway_core::{http::Mirror, plan::Timeouts};
use http::request::Parts;

use super::{
    body::{self, Inbound, Origin, Room, Upstream},
    metrics::MirrorOutcome,
    outgoing,
    upstream::{self, Outgoing},
    worker::Worker,
};

/// Copies of one worker that may be under way; more are not made.
const UNDER_WAY: usize = 1024;
/// A mirror that has not answered by then is given up.
const LONGEST: Duration = Duration::from_secs(30);

/// How many copies are under way.
#[derive(Default)]
pub(super) struct Copies(Rc<Cell<usize>>);

/// Counts a copy as under way until dropped.
struct Slot(Rc<Cell<usize>>);

impl Copies {
    fn take(&self) -> Option<Slot> {
        let used = self.0.get();
        if used >= UNDER_WAY {
            return None;
        }
        self.0.set(used + 1);
        Some(Slot(self.0.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Sends copies of a request to those of `mirrors` whose share it falls into. `parts` is its head
/// before it was made fit for a backend's protocol. The body that is returned feeds the copies.
pub(super) fn start<'m>(
    worker: &Rc<Worker>,
    mirrors: impl Iterator<Item = &'m Arc<Mirror>>,
    parts: &Parts,
    trailers: bool,
    origin: Origin,
    room: Room,
) -> Inbound {
    let mut feeds = Vec::new();
    for mirror in mirrors.filter(|mirror| mirror.takes(worker.random())) {
        let Some(slot) = worker.copies.take() else {
            worker.metrics.mirrored(MirrorOutcome::Dropped);
            continue;
        };
        let (feed, copy) = body::copy(origin.size_hint());
        if origin.is_end_stream() {
            feed.end(true);
        }
        feeds.push(feed);
        let (body, parts) = (Inbound::Copy(copy), parts.clone());
        let copied = send(worker.clone(), mirror.clone(), parts, trailers, body);
        tokio::task::spawn_local(async move {
            let _slot = slot;
            copied.await;
        });
    }
    Inbound::Client(origin, feeds, room)
}

async fn send(
    worker: Rc<Worker>,
    mirror: Arc<Mirror>,
    mut parts: Parts,
    trailers: bool,
    body: Inbound,
) {
    let backend = &mirror.backend;
    let ready = outgoing::fit(&mut parts, backend, body.is_end_stream(), trailers, None).is_ok();
    let request = Outgoing {
        parts,
        body,
        pause: None,
        timeouts: Timeouts {
            request: Some(LONGEST),
            backend: None,
        },
        retry: None,
        seat: None,
    };
    let mut whole = false;
    if ready
        && let Some(to) = &backend.target
        && let Ok(reply) = upstream::send(&worker, backend, &to.endpoints, request).await
    {
        let body = reply.response.into_body();
        let body = Upstream::new(body, reply.lease, reply.sent, reply.deadline);
        whole = body.discard().await;
    }
    worker.metrics.mirrored(match whole {
        true => MirrorOutcome::Answered,
        false => MirrorOutcome::Failed,
    });
}
