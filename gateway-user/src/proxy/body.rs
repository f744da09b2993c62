//! Bodies in both directions: streamed frame by frame, never collected.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::{client::InFlight, metrics::Flight, pool::Lease};

type Polled = Poll<Option<Result<Frame<Bytes>, hyper::Error>>>;

/// What goes to the backend.
pub(super) enum RequestBody {
    Empty,
    Stream { incoming: Incoming, sent: Sent },
}

/// Whether a request's body was sent to its end; only then can the connection be used again.
#[derive(Clone, Debug)]
pub(super) struct Sent(Rc<Cell<bool>>);

/// What goes to the client. It keeps what must live as long as the answer is under way.
pub(super) struct ResponseBody {
    source: Source,
    /// Dropped with the body: ends the request's metrics and marks the connection idle.
    _guards: (Flight, InFlight),
}

pub(super) enum Source {
    Own(Option<Bytes>),
    Upstream(Upstream),
}

/// A backend's body, with the connection to give back at its end.
pub(super) struct Upstream {
    incoming: Incoming,
    lease: Option<(Lease, Sent)>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming) -> (Self, Sent) {
        let empty = incoming.is_end_stream();
        let sent = Sent(Rc::new(Cell::new(empty)));
        if empty {
            return (Self::Empty, sent);
        }
        let noted = sent.clone();
        (Self::Stream { incoming, sent }, noted)
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let Self::Stream { incoming, sent } = self.get_mut() else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
        let complete = matches!(frame, None | Some(Ok(_))) && incoming.is_end_stream();
        if frame.is_none() || complete {
            sent.0.set(true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Stream { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Stream { incoming, .. } => incoming.size_hint(),
        }
    }
}

impl Upstream {
    pub(super) fn new(incoming: Incoming, lease: Lease, sent: Sent) -> Self {
        let mut body = Self {
            incoming,
            lease: Some((lease, sent)),
        };
        body.finish_if(false);
        body
    }

    /// Gives the connection back if both bodies are through; a client that has not sent all of
    /// its own costs the connection.
    fn finish_if(&mut self, ended: bool) {
        if !ended && !self.incoming.is_end_stream() {
            return;
        }
        if let Some((lease, sent)) = self.lease.take()
            && sent.0.get()
        {
            lease.give_back();
        }
    }
}

impl ResponseBody {
    pub(super) fn new(source: Source, flight: Flight, in_flight: InFlight) -> Self {
        Self {
            source,
            _guards: (flight, in_flight),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        match &mut self.source {
            Source::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Source::Upstream(upstream) => {
                let frame = ready!(Pin::new(&mut upstream.incoming).poll_frame(cx));
                if matches!(frame, Some(Err(_))) {
                    upstream.lease = None;
                } else {
                    upstream.finish_if(frame.is_none());
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own(bytes) => bytes.is_none(),
            Source::Upstream(upstream) => upstream.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Source::Upstream(upstream) => upstream.incoming.size_hint(),
        }
    }
}
