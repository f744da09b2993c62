//! A client's body as it comes, or as it was read before the request could go on.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tokio::time::timeout;

use super::{BodyError, drain, kept::Kept};

pub(in crate::proxy) enum Origin {
    Client(Incoming),
    Held(Held),
}

/// A whole body, trailers included.
#[derive(Clone)]
pub(in crate::proxy) struct Held {
    frames: VecDeque<Kept>,
    /// Of the body as it came: requests are labelled with it.
    hint: SizeHint,
}

/// A client's body while it is open whether the request may go on.
pub(in crate::proxy) struct Unsent {
    body: Origin,
    /// It shares its connection with the answer, as in HTTP/1.
    shared: bool,
    /// The client waits to be asked for it.
    awaited: bool,
}

impl Origin {
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::Client(incoming) => {
                let frame = ready!(Pin::new(incoming).poll_frame(cx));
                Poll::Ready(frame.map(|frame| Ok(frame?)))
            }
            Self::Held(held) => {
                let frame = held.frames.pop_front();
                Poll::Ready(frame.map(|frame| Ok(frame.into())))
            }
        }
    }

    pub(in crate::proxy) fn is_end_stream(&self) -> bool {
        match self {
            Self::Client(incoming) => incoming.is_end_stream(),
            Self::Held(held) => held.frames.is_empty(),
        }
    }

    pub(in crate::proxy) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Client(incoming) => incoming.size_hint(),
            Self::Held(held) => held.hint,
        }
    }
}

impl Held {
    /// A body of our own.
    pub(in crate::proxy) fn of(bytes: Bytes) -> Self {
        let hint = SizeHint::with_exact(bytes.len() as u64);
        let frames = (!bytes.is_empty()).then_some(Kept::Data(bytes));
        Self {
            frames: frames.into_iter().collect(),
            hint,
        }
    }

    /// Its data in one piece, which is small.
    pub(in crate::proxy) fn bytes(&self) -> Bytes {
        let pieces = self.frames.iter().filter_map(|frame| match frame {
            Kept::Data(data) => Some(data),
            Kept::Trailers(_) => None,
        });
        let mut whole = BytesMut::with_capacity(self.len());
        pieces.for_each(|piece| whole.extend_from_slice(piece));
        whole.freeze()
    }

    /// Bytes of data.
    fn len(&self) -> usize {
        self.frames.iter().map(Kept::len).sum()
    }
}

impl Unsent {
    /// `shared`, `awaited`: as its fields.
    pub(in crate::proxy) fn new(incoming: Incoming, shared: bool, awaited: bool) -> Self {
        Self {
            body: Origin::Client(incoming),
            shared,
            awaited,
        }
    }

    /// Bytes of the whole body, where the client says it.
    pub(in crate::proxy) fn length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The body for a backend.
    pub(in crate::proxy) fn take(self) -> Origin {
        self.body
    }

    /// Reads the body to its end, unless that was done before. `longest`: as for
    /// [`super::RequestBody::new`].
    ///
    /// # Errors
    /// It has more than `most` bytes of data, breaks off, or pauses for too long.
    pub(in crate::proxy) async fn hold(
        &mut self,
        most: usize,
        longest: Duration,
    ) -> Result<&Held, BodyError> {
        let small = |size: u64| size <= most as u64;
        if !small(self.body.size_hint().lower()) {
            return Err(BodyError::TooLarge);
        }
        if let Origin::Client(incoming) = &mut self.body {
            // Reading asks the client for it.
            self.awaited &= incoming.is_end_stream();
            self.body = Origin::Held(read(incoming, most, longest).await?);
        }
        match &self.body {
            Origin::Held(held) if small(held.len() as u64) => Ok(held),
            _ => Err(BodyError::TooLarge),
        }
    }

    /// Nobody wants the body; the connection may still be used for other requests.
    pub(in crate::proxy) fn give_up(&mut self) {
        let nothing = Origin::Held(Held::of(Bytes::new()));
        if let Origin::Client(incoming) = mem::replace(&mut self.body, nothing)
            && self.shared
            && !self.awaited
        {
            drain(incoming);
        }
    }
}

async fn read(incoming: &mut Incoming, most: usize, longest: Duration) -> Result<Held, BodyError> {
    let hint = incoming.size_hint();
    let (mut frames, mut room) = (VecDeque::new(), most);
    while !incoming.is_end_stream() {
        let next = poll_fn(|cx| Pin::new(&mut *incoming).poll_frame(cx));
        let next = timeout(longest, next).await;
        let Some(frame) = next.map_err(|_| BodyError::Silent(longest))? else {
            break;
        };
        if let Some(frame) = Kept::of(&frame?) {
            room = room.checked_sub(frame.len()).ok_or(BodyError::TooLarge)?;
            frames.push_back(frame);
        }
    }
    Ok(Held { frames, hint })
}
