//! Waiting for a map's file descriptor in tokio.

use std::{io, os::fd::AsRawFd};

use tokio::io::unix::AsyncFd;

/// Wakes when `inner` can be read. `inner` must own its descriptor, as aya's types do.
#[expect(
    deprecated,
    reason = "its successor is the same call behind an unsafe block; the promise is in the comment"
)]
pub(super) fn watch<T: AsRawFd>(inner: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::new(inner)
}
