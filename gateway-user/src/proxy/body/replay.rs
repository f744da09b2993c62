//! A request's body that can be sent once more from its beginning, as long as little of it was
//! sent and nobody has answered: a backend that is going away hands requests back.

use std::{
    cell::RefCell,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::{BodyError, Inbound, RequestBody, Sent, Stream, kept::Kept};

/// Most bytes of data that are kept.
const KEPT: usize = 64 * 1024;

type Polled = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

/// What is kept of a body, and the rest of it. `None` for an empty one.
pub(in crate::proxy) struct Replay(Option<Rc<RefCell<State>>>);

struct State {
    stream: Stream,
    /// Frames read so far; `None` once they are not all kept.
    kept: Option<Vec<Kept>>,
    room: usize,
    ended: bool,
    /// Of the body as a whole.
    hint: SizeHint,
    /// How often the body was begun.
    attempts: usize,
    /// There will be no other attempt.
    last: bool,
}

/// One attempt to send the body; a later one ends it.
pub(in crate::proxy) struct Attempt {
    state: Rc<RefCell<State>>,
    number: usize,
    /// Frames that this attempt has sent.
    position: usize,
}

impl Replay {
    /// `longest`: as for [`RequestBody::new`].
    pub(in crate::proxy) fn new(incoming: Inbound, longest: Option<Duration>) -> (Self, Sent) {
        let sent = Sent::default();
        if incoming.is_end_stream() {
            sent.0.whole.set(true);
            return (Self(None), sent);
        }
        let state = State {
            hint: incoming.size_hint(),
            stream: Stream::new(incoming, &sent, longest),
            kept: Some(Vec::new()),
            room: KEPT,
            ended: false,
            attempts: 0,
            last: false,
        };
        (Self(Some(Rc::new(RefCell::new(state)))), sent)
    }

    pub(in crate::proxy) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the body can be sent from its beginning.
    pub(in crate::proxy) fn is_whole(&self) -> bool {
        let shared = self.0.as_ref();
        shared.is_none_or(|shared| shared.borrow().kept.is_some())
    }

    /// The body from its beginning; `None` if that is gone.
    pub(in crate::proxy) fn body(&self) -> Option<RequestBody> {
        let Some(shared) = &self.0 else {
            return Some(RequestBody::Empty);
        };
        let mut state = shared.borrow_mut();
        state.kept.as_ref()?;
        state.attempts += 1;
        Some(RequestBody::Attempt(Attempt {
            number: state.attempts,
            state: shared.clone(),
            position: 0,
        }))
    }

    /// Keeps nothing more: the backend has answered.
    pub(in crate::proxy) fn forget(self) {
        if let Some(shared) = self.0 {
            shared.borrow_mut().last = true;
        }
    }
}

impl State {
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Polled {
        if self.ended {
            return Poll::Ready(None);
        }
        let polled = self.stream.poll_frame(cx);
        if let Poll::Ready(frame) = &polled {
            self.ended = frame.is_none() || self.stream.incoming.is_end_stream();
            if let Some(Ok(frame)) = frame {
                self.keep(frame);
            }
        }
        polled
    }

    fn keep(&mut self, frame: &Frame<Bytes>) {
        let Some(kept) = self.kept.as_mut().filter(|_| !self.last) else {
            return;
        };
        match Kept::of(frame) {
            Some(frame) if frame.len() <= self.room => {
                self.room -= frame.len();
                kept.push(frame);
            }
            _ => self.kept = None,
        }
    }
}

impl Attempt {
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Polled {
        let mut state = self.state.borrow_mut();
        if state.attempts != self.number {
            return Poll::Ready(Some(Err(BodyError::Elsewhere)));
        }
        let kept = state.kept.as_ref().and_then(|kept| kept.get(self.position));
        if let Some(kept) = kept {
            self.position += 1;
            return Poll::Ready(Some(Ok(kept.clone().into())));
        }
        if state.last {
            state.kept = None;
        }
        let polled = state.poll_stream(cx);
        if matches!(polled, Poll::Ready(Some(Ok(_)))) {
            self.position += 1;
        }
        polled
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let state = self.state.borrow();
        let kept = state.kept.as_ref().map_or(0, Vec::len);
        state.ended && self.position >= kept
    }

    /// Of the whole body, wherever this attempt is: requests are labelled with it.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.state.borrow().hint
    }
}
