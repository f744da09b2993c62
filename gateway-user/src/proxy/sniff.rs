//! Tells HTTP/1 from HTTP/2 with prior knowledge on a fresh connection, without reading from it.

use std::{io, time::Duration};

use tokio::{net::TcpStream, time};

/// What an HTTP/2 client sends first (RFC 9113 section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Wait for the rest of a preface that arrived in part; peeking cannot wait for more bytes.
const PAUSE: Duration = Duration::from_millis(2);
/// Waits grow up to this, so that clients which never send the rest cost little.
const PAUSE_MAX: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Looks at the first bytes. `None`: the client closed without sending any.
pub(super) async fn protocol(stream: &TcpStream) -> io::Result<Option<Protocol>> {
    let mut buffer = [0; PREFACE.len()];
    let mut pause = PAUSE;
    loop {
        let count = stream.peek(&mut buffer).await?;
        match decide(&buffer[..count]) {
            Some(protocol) => return Ok(Some(protocol)),
            None if count == 0 => return Ok(None),
            None => time::sleep(pause).await,
        }
        pause = longer(pause);
    }
}

fn longer(pause: Duration) -> Duration {
    PAUSE_MAX.min(pause * 2)
}

fn decide(bytes: &[u8]) -> Option<Protocol> {
    if bytes == PREFACE {
        Some(Protocol::Http2)
    } else if PREFACE.starts_with(bytes) {
        None
    } else {
        Some(Protocol::Http1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        assert_eq!(decide(PREFACE), Some(Protocol::Http2));
        assert_eq!(decide(b"GET / HTTP/1.1\r\n"), Some(Protocol::Http1));
        assert_eq!(decide(b"PRI * HTTP/1.1\r\n"), Some(Protocol::Http1));
        assert_eq!(decide(b"PRI"), None);
        assert_eq!(decide(b"P"), None);
        assert_eq!(decide(b""), None);
    }

    #[test]
    fn half_a_preface_is_looked_at_some_fifty_times_in_ten_seconds() {
        let pauses = std::iter::successors(Some(PAUSE), |pause| Some(longer(*pause)));
        let looks = pauses.take_while({
            let mut waited = Duration::ZERO;
            move |pause| {
                waited += *pause;
                waited < Duration::from_secs(10)
            }
        });
        let looks = looks.count();
        assert!((40..70).contains(&looks), "{looks}");
    }
}
