//! A line of JSON for each request, for Gateways that ask for it.
//!
//! Workers hand finished lines to a thread that writes them: a reader that is slow costs lines,
//! which are counted, and never a request.

use std::{
    io::{self, BufWriter, Write},
    net::SocketAddr,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Instant,
};

use gateway_core::http::ListenerId;
use http::{Request, StatusCode, Version};
use k8s_openapi::jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use tokio::sync::oneshot;

/// Lines that may wait to be written.
const WAITING: usize = 8192;

/// Where workers put their lines; the thread ends with the last of it.
#[derive(Clone, Debug)]
pub(super) struct AccessLog {
    lines: SyncSender<Vec<u8>>,
    /// Lines that nobody took in time.
    lost: Counter,
}

/// A request on its way; written when dropped.
pub(super) struct Entry {
    log: AccessLog,
    started: Instant,
    line: Line,
}

/// What a line says; a field without a value is not written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    /// When the request's head was there (RFC 3339, UTC).
    time: String,
    client: String,
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    path: String,
    protocol: &'static str,
    /// Namespace and name.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listener: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<SocketAddr>,
    /// Not there if the client went away before an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Of the answer's body, as far as it was sent.
    response_bytes: u64,
    /// To the last byte of the answer.
    duration_ms: f64,
}

impl AccessLog {
    /// Starts the thread that writes. The receiver hears when the last line is written, or when
    /// `out` fails, after which all lines are lost.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn start(
        out: Box<dyn Write + Send>,
        lost: Counter,
    ) -> io::Result<(Self, oneshot::Receiver<()>)> {
        let (lines, waiting) = sync_channel(WAITING);
        let (done, finished) = oneshot::channel();
        thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || {
                // Dropped at the end, which is what the receiver waits for.
                let _done: oneshot::Sender<()> = done;
                if let Err(error) = write(&waiting, out) {
                    tracing::warn!(%error, "the access log cannot be written any more");
                }
            })?;
        Ok((Self { lines, lost }, finished))
    }

    pub(super) fn entry<B>(&self, request: &Request<B>, client: &str) -> Entry {
        let (uri, headers) = (request.uri(), request.headers());
        let host = headers.get(http::header::HOST);
        let host = uri
            .authority()
            .map(|a| a.as_str().as_bytes())
            .or(host.map(AsRef::as_ref));
        let path = uri.path_and_query().map_or(uri.path(), |p| p.as_str());
        let line = Line {
            time: Timestamp::now().to_string(),
            client: client.to_owned(),
            method: request.method().to_string(),
            host: host.map(|host| String::from_utf8_lossy(host).into_owned()),
            path: path.to_owned(),
            protocol: protocol(request.version()),
            gateway: None,
            listener: None,
            upstream: None,
            status: None,
            response_bytes: 0,
            duration_ms: 0.0,
        };
        Entry {
            log: self.clone(),
            started: Instant::now(),
            line,
        }
    }
}

/// Writes lines until nobody is left to hand in more; flushes whenever none waits.
fn write(waiting: &Receiver<Vec<u8>>, out: Box<dyn Write + Send>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    while let Ok(line) = waiting.recv() {
        out.write_all(&line)?;
        // Empty or without senders: the next turn of the outer loop finds out which.
        while let Ok(line) = waiting.try_recv() {
            out.write_all(&line)?;
        }
        out.flush()?;
    }
    Ok(())
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

impl Entry {
    pub(super) fn at(&mut self, listener: &ListenerId) {
        self.line.gateway = Some(listener.gateway.to_string());
        self.line.listener = Some(listener.listener.clone());
    }

    pub(super) fn sent_to(&mut self, upstream: SocketAddr) {
        self.line.upstream = Some(upstream);
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        self.line.status = Some(status.as_u16());
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.line.response_bytes += bytes as u64;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.line.duration_ms = self.started.elapsed().as_secs_f64() * 1_000.0;
        // Text and numbers only: it cannot fail.
        let Ok(mut line) = serde_json::to_vec(&self.line) else {
            return;
        };
        line.push(b'\n');
        if self.log.lines.try_send(line).is_err() {
            self.log.lost.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Takes one line for each permission that it is given.
    struct Slow(Receiver<()>, Sender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            self.1.send(bytes.to_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn request() -> Request<()> {
        let request = Request::get("/a?b=c").header("host", "web.example.com");
        request.body(()).unwrap()
    }

    #[test]
    fn a_line_has_what_is_known() {
        let (permit, permits) = channel();
        let (sender, written) = channel();
        let out = Box::new(Slow(permits, sender));
        let (log, _finished) = AccessLog::start(out, Counter::default()).unwrap();
        let mut entry = log.entry(&request(), "192.0.2.7");
        entry.answered(StatusCode::OK);
        entry.sent(5);
        drop(entry);
        permit.send(()).unwrap();
        let mut line: serde_json::Value = serde_json::from_slice(&written.recv().unwrap()).unwrap();
        let time = line["time"].take();
        assert!(
            time.as_str().unwrap().parse::<Timestamp>().is_ok(),
            "{time}"
        );
        assert!(line["durationMs"].take().as_f64().is_some());
        let expected = serde_json::json!({
            "time": null, "client": "192.0.2.7", "method": "GET", "host": "web.example.com",
            "path": "/a?b=c", "protocol": "HTTP/1.1", "status": 200, "responseBytes": 5,
            "durationMs": null,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_no_time() {
        let (permit, permits) = channel::<()>();
        let (sender, _written) = channel();
        let lost = Counter::default();
        let out = Box::new(Slow(permits, sender));
        let (log, _finished) = AccessLog::start(out, lost.clone()).unwrap();
        // As many as may wait, what the writer's buffer takes (many lines), and some more.
        let requests = 3 * WAITING;
        for _ in 0..requests {
            drop(log.entry(&request(), "192.0.2.7"));
        }
        assert!(lost.get() > 0 && lost.get() < requests as u64);
        drop(permit);
    }
}
