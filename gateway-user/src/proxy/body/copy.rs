//! A copy of a request's body for a mirror. Who reads it slowly never slows the request: what
//! waits is bounded, and a reader that is further behind loses the copy.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::{BodyError, kept::Kept};

/// Most bytes of data that wait for the reader.
const WAITING: usize = 256 * 1024;

type Polled = Poll<Option<Result<Frame<Bytes>, BodyError>>>;

/// Where frames are put in.
pub(in crate::proxy) struct Feed(Rc<RefCell<State>>);

/// Where they come out.
pub(in crate::proxy) struct Copy {
    state: Rc<RefCell<State>>,
    /// Of the body as a whole.
    hint: SizeHint,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Kept>,
    bytes: usize,
    /// How the body ended: whole, or broken off.
    ended: Option<bool>,
    reader: Option<Waker>,
}

/// `hint`: of the body that is copied.
pub(in crate::proxy) fn copy(hint: SizeHint) -> (Feed, Copy) {
    let state = Rc::<RefCell<State>>::default();
    (Feed(state.clone()), Copy { state, hint })
}

impl Feed {
    pub(super) fn put(&self, frame: &Frame<Bytes>) {
        let mut state = self.0.borrow_mut();
        if state.ended.is_some() {
            return;
        }
        if let Some(frame) = Kept::of(frame) {
            state.bytes += frame.len();
            state.waiting.push_back(frame);
        }
        if state.bytes > WAITING {
            state.end(false);
        }
        state.wake();
    }

    pub(in crate::proxy) fn end(&self, whole: bool) {
        let mut state = self.0.borrow_mut();
        state.end(whole);
        state.wake();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.end(false);
    }
}

impl State {
    /// The first end counts.
    fn end(&mut self, whole: bool) {
        if self.ended.is_none() {
            self.ended = Some(whole);
        }
        if self.ended == Some(false) {
            self.waiting = VecDeque::new();
        }
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl Copy {
    pub(super) fn poll_frame(&self, cx: &Context<'_>) -> Polled {
        let mut state = self.state.borrow_mut();
        if let Some(frame) = state.waiting.pop_front() {
            state.bytes -= frame.len();
            return Poll::Ready(Some(Ok(frame.into())));
        }
        match state.ended {
            Some(true) => Poll::Ready(None),
            Some(false) => Poll::Ready(Some(Err(BodyError::NoCopy))),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let state = self.state.borrow();
        state.ended == Some(true) && state.waiting.is_empty()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

#[cfg(test)]
mod tests;
