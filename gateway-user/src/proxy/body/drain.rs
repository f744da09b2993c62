//! The rest of a body that nobody wants.

use std::{future::poll_fn, pin::Pin, time::Duration};

use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

/// How long a client may go on sending after the answer.
const LONGEST: Duration = Duration::from_secs(5);

/// Reads on for a while, and throws away what comes: closing a connection with unread bytes resets
/// it, and with that may take the answer away from a client that still sends (RFC 9112
/// section 9.6).
pub(in crate::proxy) fn drain(mut incoming: Incoming) {
    let all = async move {
        while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {}
    };
    tokio::task::spawn_local(timeout(LONGEST, all));
}
