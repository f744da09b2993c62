//! Requests that parsers are known to read in different ways, each with what becomes of it.
//!
//! Every one carries a second request as bait, where a parser that reads it differently would
//! begin a new message. The backend keeps every byte and reads strictly: what it gets is either
//! nothing or the one message that was meant, framed anew.

mod backend;
mod bodies;
mod heads;
mod http2;
mod lines;
mod passed;

use tokio::io::AsyncWriteExt as _;

use self::backend::{Backend, Message};
use crate::{bed::Bed, raw::Raw};

/// What a differing parser would take for a request of its own.
const BAIT: &str = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";

/// A request by name, and the bytes of it.
struct Case {
    what: &'static str,
    bytes: String,
}

impl Case {
    /// Lines of the head as they are, without the empty line that ends it.
    fn head(what: &'static str, head: &str) -> Self {
        let bytes = format!("{head}\r\n0\r\n\r\n{BAIT}");
        Self { what, bytes }
    }
}

/// Answered with the status, and closed; the backend sees nothing.
async fn refused(status: u16, cases: Vec<Case>) {
    let backend = Backend::start().await;
    let bed = Bed::to(backend.address);
    for Case { what, bytes } in &cases {
        let mut raw = Raw::connect(bed.address).await;
        raw.send(bytes).await;
        let answer = raw.answer().await;
        assert_eq!(answer.map(|a| a.status), Some(status), "{what}");
        assert!(raw.closes().await, "{what}: the connection stays open");
        assert_eq!(backend.take(), [], "{what}: reached the backend");
    }
    bed.stop().await;
    assert_eq!(backend.take(), [], "reached the backend late");
}

/// Begun in good faith, and broken off: the backend never sees a whole message.
async fn broken_off(cases: Vec<Case>) {
    let backend = Backend::start().await;
    let bed = Bed::to(backend.address);
    for Case { what, bytes } in &cases {
        let mut raw = Raw::connect(bed.address).await;
        raw.send(bytes).await;
        // What waits for more gets to know that there is none.
        raw.0.get_mut().shutdown().await.unwrap();
        if let Some(answer) = raw.answer().await {
            assert_eq!(answer.status, 400, "{what}");
        }
        assert!(raw.closes().await, "{what}: the connection stays open");
        assert_eq!(backend.take(), [], "{what}: a whole message");
    }
    bed.stop().await;
    assert_eq!(backend.take(), [], "a whole message, late");
}

/// Reaches the backend as exactly this message, and the connection goes on behind it.
async fn passed(cases: Vec<(Case, Message)>) {
    let backend = Backend::start().await;
    let bed = Bed::to(backend.address);
    for (Case { what, bytes }, expected) in cases {
        let mut raw = Raw::connect(bed.address).await;
        raw.send(&bytes).await;
        assert_eq!(raw.answer().await.map(|a| a.status), Some(200), "{what}");
        assert_eq!(backend.take(), [expected], "{what}");
    }
    bed.stop().await;
    assert_eq!(backend.take(), [], "more than was sent");
}
