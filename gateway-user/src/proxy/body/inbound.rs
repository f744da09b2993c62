//! Where the body of a request comes from.

use std::{
    mem,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::{
    BodyError,
    copy::{Copy, Feed},
    drain::drain,
    origin::{Held, Origin},
};

pub(in crate::proxy) enum Inbound {
    /// From a client; what it sends is copied to all of the feeds.
    Client(Origin, Vec<Feed>, Room),
    /// A copy of what a client sends.
    Copy(Copy),
    /// It was larger than its room.
    Cut,
}

/// How much of a client's body is taken.
#[derive(Clone, Copy)]
pub(in crate::proxy) struct Room {
    /// Bytes that may still come.
    pub(in crate::proxy) left: u64,
    /// What is too much shares its connection with the answer, as in HTTP/1.
    pub(in crate::proxy) drain: bool,
}

impl Inbound {
    /// A body of our own.
    pub(in crate::proxy) fn own(bytes: Bytes) -> Self {
        let room = Room {
            left: u64::MAX,
            drain: false,
        };
        Self::Client(Origin::Held(Held::of(bytes)), Vec::new(), room)
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let (origin, feeds, room) = match self {
            Self::Client(origin, feeds, room) => (origin, feeds, room),
            Self::Copy(copy) => return copy.poll_frame(cx),
            Self::Cut => return Poll::Ready(Some(Err(BodyError::TooLarge))),
        };
        let frame = ready!(origin.poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && !room.take(frame)
        {
            return Poll::Ready(Some(Err(self.cut())));
        }
        for feed in feeds {
            match &frame {
                Some(Ok(frame)) => feed.put(frame),
                Some(Err(_)) => feed.end(false),
                None => feed.end(true),
            }
            if origin.is_end_stream() {
                feed.end(true);
            }
        }
        Poll::Ready(frame)
    }

    /// Ends a body that is too large, and its copies.
    fn cut(&mut self) -> BodyError {
        if let Self::Client(origin, feeds, room) = mem::replace(self, Self::Cut) {
            for feed in &feeds {
                feed.end(false);
            }
            if let Origin::Client(incoming) = origin
                && room.drain
            {
                drain(incoming);
            }
        }
        BodyError::TooLarge
    }

    pub(in crate::proxy) fn is_end_stream(&self) -> bool {
        match self {
            Self::Client(origin, ..) => origin.is_end_stream(),
            Self::Copy(copy) => copy.is_end_stream(),
            Self::Cut => false,
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Client(origin, ..) => origin.size_hint(),
            Self::Copy(copy) => copy.size_hint(),
            Self::Cut => SizeHint::default(),
        }
    }
}

impl Room {
    /// False if there is none left for the frame.
    fn take(&mut self, frame: &Frame<Bytes>) -> bool {
        let data = frame.data_ref().map_or(0, Bytes::len) as u64;
        let left = self.left.checked_sub(data);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}
