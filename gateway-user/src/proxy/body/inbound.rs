//! Where the body of a request comes from.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use super::{
    BodyError,
    copy::{Copy, Feed},
};

pub(in crate::proxy) enum Inbound {
    /// From a client; what it sends is copied to all of the feeds.
    Client(Incoming, Vec<Feed>),
    /// A copy of what a client sends.
    Copy(Copy),
}

impl Inbound {
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let (incoming, feeds) = match self {
            Self::Client(incoming, feeds) => (incoming, feeds),
            Self::Copy(copy) => return copy.poll_frame(cx),
        };
        let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
        for feed in feeds {
            match &frame {
                Some(Ok(frame)) => feed.put(frame),
                Some(Err(_)) => feed.end(false),
                None => feed.end(true),
            }
            if incoming.is_end_stream() {
                feed.end(true);
            }
        }
        Poll::Ready(frame.map(|frame| Ok(frame?)))
    }

    pub(in crate::proxy) fn is_end_stream(&self) -> bool {
        match self {
            Self::Client(incoming, _) => incoming.is_end_stream(),
            Self::Copy(copy) => copy.is_end_stream(),
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Client(incoming, _) => incoming.size_hint(),
            Self::Copy(copy) => copy.size_hint(),
        }
    }
}
