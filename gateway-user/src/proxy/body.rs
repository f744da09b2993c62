//! Bodies in both directions: streamed frame by frame, never collected.

use std::{
    cell::Cell,
    fmt,
    future::{Future as _, poll_fn},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use thiserror::Error;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

mod copy;
mod drain;
mod inbound;
mod kept;
mod origin;
mod replay;

pub(super) use copy::copy;
pub(super) use drain::drain;
pub(super) use inbound::{Inbound, Room};
pub(super) use origin::{Held, Origin, Unsent};
pub(super) use replay::{Attempt, Replay};

use super::{client::InFlight, flag::Flag, metrics::Flight, pool::Lease, upstream::Kind};

type Polled = Poll<Option<Result<Frame<Bytes>, AnswerError>>>;

/// What goes to the backend.
pub(super) enum RequestBody {
    Empty,
    Stream(Box<Stream>),
    /// Of a body that may be sent again.
    Attempt(Attempt),
}

/// A client's body on its way.
pub(super) struct Stream {
    incoming: Inbound,
    sent: Sent,
    /// The longest pause that the client may make, and its end.
    pause: Option<(Duration, Pin<Box<Sleep>>)>,
}

/// Why a request's body did not get to its end.
#[derive(Debug, Error)]
pub(super) enum BodyError {
    #[error("the client broke off: {0}")]
    Client(#[from] hyper::Error),
    #[error("the client did not go on for {0:?}")]
    Silent(Duration),
    #[error("the request is sent again")]
    Elsewhere,
    #[error("the client sends more than it may")]
    TooLarge,
    #[error("the copy fell behind, or what it copies broke off")]
    NoCopy,
}

/// Why an answer did not get to its end.
#[derive(Debug, Error)]
pub(super) enum AnswerError {
    #[error(transparent)]
    Backend(#[from] hyper::Error),
    #[error("it took longer than its route allows")]
    Late,
    #[error("the request's body broke off")]
    Request(Kind),
}

impl AnswerError {
    fn flag(&self) -> Flag {
        match self {
            Self::Backend(_) => Flag::UpstreamClosed,
            Self::Late => Flag::UpstreamTimeout,
            Self::Request(kind) => (*kind).into(),
        }
    }
}

/// How far a request has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent(Rc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    /// The body was sent to its end; only then can the connection be used again.
    whole: Cell<bool>,
    /// The backend has answered: whether the client still sends is between the two.
    answered: Cell<bool>,
    /// What the client did wrong before the end of the body.
    fault: Cell<Option<Kind>>,
}

/// What goes to the client. It keeps what must live as long as the answer is under way.
pub(super) struct ResponseBody {
    source: Source,
    /// Nothing more comes.
    ended: bool,
    /// Dropped with the body: ends the request's metrics and marks the connection idle.
    flight: Flight,
    _in_flight: InFlight,
}

pub(super) enum Source {
    Own(Option<Bytes>),
    Upstream(Upstream),
}

/// A backend's body, with the connection to give back at its end.
pub(super) struct Upstream {
    incoming: Incoming,
    /// When it has to be through.
    deadline: Option<Pin<Box<Sleep>>>,
    lease: Option<(Lease, Sent)>,
}

impl RequestBody {
    /// `longest`: pause of the client before the body is given up; `None`: any.
    pub(super) fn new(incoming: Inbound, longest: Option<Duration>) -> (Self, Sent) {
        let sent = Sent::default();
        if incoming.is_end_stream() {
            sent.0.whole.set(true);
            return (Self::Empty, sent);
        }
        let stream = Stream::new(incoming, &sent, longest);
        (Self::Stream(Box::new(stream)), sent)
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

impl Stream {
    fn new(incoming: Inbound, sent: &Sent, longest: Option<Duration>) -> Self {
        Self {
            incoming,
            sent: sent.clone(),
            pause: longest.map(|longest| (longest, Box::pin(sleep(longest)))),
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(frame) = self.incoming.poll_frame(cx) else {
            return self.poll_pause(cx).map(|error| Some(Err(error)));
        };
        if let Some((longest, pause)) = &mut self.pause {
            pause.as_mut().reset(Instant::now() + *longest);
        }
        if let Some(Err(error)) = &frame {
            self.sent.0.fault.set(error.fault());
        }
        let complete = matches!(frame, Some(Ok(_))) && self.incoming.is_end_stream();
        if frame.is_none() || complete {
            self.sent.0.whole.set(true);
        }
        Poll::Ready(frame)
    }

    /// Ready when the client was silent for too long.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        let Some((longest, pause)) = &mut self.pause else {
            return Poll::Pending;
        };
        ready!(pause.as_mut().poll(cx));
        if self.sent.0.answered.get() {
            return Poll::Pending;
        }
        let error = BodyError::Silent(*longest);
        self.sent.0.fault.set(error.fault());
        Poll::Ready(error)
    }
}

impl Sent {
    pub(super) fn answered(&self) {
        self.0.answered.set(true);
    }

    /// What the client did wrong, if that broke the body off.
    pub(super) fn fault(&self) -> Option<Kind> {
        self.0.fault.get()
    }
}

impl BodyError {
    /// `None` where it is not the client's.
    pub(super) fn fault(&self) -> Option<Kind> {
        match self {
            Self::Client(_) => Some(Kind::Malformed),
            Self::Silent(_) => Some(Kind::Silent),
            Self::TooLarge => Some(Kind::TooLarge),
            Self::Elsewhere | Self::NoCopy => None,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Stream(stream) => stream.poll_frame(cx),
            Self::Attempt(attempt) => attempt.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Stream(stream) => stream.incoming.is_end_stream(),
            Self::Attempt(attempt) => attempt.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Stream(stream) => stream.incoming.size_hint(),
            Self::Attempt(attempt) => attempt.size_hint(),
        }
    }
}

impl Upstream {
    /// Reads to the end and throws it away; false if there is none in time.
    pub(super) async fn discard(mut self) -> bool {
        loop {
            match poll_fn(|cx| self.poll_frame(cx)).await {
                None => return true,
                Some(Ok(_)) => {}
                Some(Err(_)) => return false,
            }
        }
    }

    /// Reads to the end, with trailers; `None` if there are more than `most` bytes of data.
    pub(super) async fn collect(
        mut self,
        most: usize,
    ) -> Result<Option<(Vec<u8>, HeaderMap)>, AnswerError> {
        let (mut data, mut trailers) = (Vec::new(), HeaderMap::new());
        while let Some(frame) = poll_fn(|cx| self.poll_frame(cx)).await {
            match frame?.into_data() {
                Ok(piece) if piece.len() > most - data.len() => return Ok(None),
                Ok(piece) => data.extend_from_slice(&piece),
                Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
            }
        }
        Ok(Some((data, trailers)))
    }

    /// `deadline`: when the body is broken off, if it is not through.
    pub(super) fn new(
        incoming: Incoming,
        lease: Lease,
        sent: Sent,
        deadline: Option<Instant>,
    ) -> Self {
        let mut body = Self {
            deadline: deadline.map(|deadline| Box::pin(sleep_until(deadline))),
            incoming,
            lease: Some((lease, sent)),
        };
        body.finish_if(false);
        body
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Polled {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            return self.poll_deadline(cx);
        };
        if matches!(frame, Some(Err(_))) {
            let lease = self.lease.take();
            if let Some(kind) = lease.and_then(|(_, sent)| sent.fault()) {
                return Poll::Ready(Some(Err(AnswerError::Request(kind))));
            }
        } else {
            self.finish_if(frame.is_none());
        }
        Poll::Ready(frame.map(|frame| Ok(frame?)))
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Polled {
        let Some(deadline) = &mut self.deadline else {
            return Poll::Pending;
        };
        ready!(deadline.as_mut().poll(cx));
        self.lease = None;
        Poll::Ready(Some(Err(AnswerError::Late)))
    }

    /// Gives the connection back if both bodies are through; a client that has not sent all of
    /// its own costs the connection.
    fn finish_if(&mut self, ended: bool) {
        if !ended && !self.incoming.is_end_stream() {
            return;
        }
        if let Some((lease, sent)) = self.lease.take()
            && sent.0.whole.get()
        {
            lease.give_back();
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

impl Source {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Polled {
        match self {
            Self::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Upstream(upstream) => upstream.poll_frame(cx),
        }
    }
}

impl ResponseBody {
    pub(super) fn new(source: Source, flight: Flight, in_flight: InFlight) -> Self {
        Self {
            source,
            ended: false,
            flight,
            _in_flight: in_flight,
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // Of our own answers nothing is left for a HEAD request, too.
        if let Source::Upstream(upstream) = &self.source
            && !self.ended
            && !upstream.incoming.is_end_stream()
        {
            self.flight.note(|entry| entry.flag(Flag::DownstreamClosed));
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let polled = self.source.poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                // Nobody asks for more after trailers.
                self.ended = frame.is_trailers();
                self.flight.note(|entry| entry.sent(bytes));
            }
            Poll::Ready(Some(Err(error))) => {
                self.ended = true;
                let flag = error.flag();
                self.flight.note(|entry| entry.flag(flag));
            }
            Poll::Ready(None) => self.ended = true,
            Poll::Pending => {}
        }
        polled
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
