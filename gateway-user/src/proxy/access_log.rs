//! A line for each request, for Gateways that ask for it.
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

use gateway_core::{http::ListenerId, plan::LogFormat};
use http::{HeaderValue, Method, Request, StatusCode, Uri, Version, header::HOST};
use k8s_openapi::jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::oneshot;

mod line;

use line::Line;

use super::flag::Flag;

/// Lines that may wait to be written.
const WAITING: usize = 8192;

/// Where workers put their lines; the thread ends with the last of it.
#[derive(Clone, Debug)]
pub(super) struct AccessLog {
    lines: SyncSender<Vec<u8>>,
    /// Lines that nobody took in time.
    lost: Counter,
}

/// A request on its way; written when dropped. Clones of what came with it cost no more than a
/// count: a line is made of them only where one is written.
pub(super) struct Entry {
    log: AccessLog,
    format: LogFormat,
    /// Written only if the gateway or a backend fails.
    only_failure: bool,
    /// When the request's head was there.
    time: Timestamp,
    started: Instant,
    client: HeaderValue,
    method: Method,
    uri: Uri,
    host: Option<HeaderValue>,
    version: Version,
    id: Option<HeaderValue>,
    listener: Option<Arc<ListenerId>>,
    upstream: Option<SocketAddr>,
    status: Option<StatusCode>,
    flag: Option<Flag>,
    /// Of the answer's body, as far as it was sent.
    response_bytes: u64,
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

    /// What to write at the end of a request.
    pub(super) fn entry<B>(
        &self,
        request: &Request<B>,
        client: HeaderValue,
        format: LogFormat,
    ) -> Entry {
        Entry {
            log: self.clone(),
            format,
            only_failure: false,
            time: Timestamp::now(),
            started: Instant::now(),
            client,
            method: request.method().clone(),
            uri: request.uri().clone(),
            host: request.headers().get(HOST).cloned(),
            version: request.version(),
            id: None,
            listener: None,
            upstream: None,
            status: None,
            flag: None,
            response_bytes: 0,
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

impl Entry {
    /// By which other logs know the request.
    pub(super) fn named(mut self, id: Option<HeaderValue>) -> Self {
        self.id = id;
        self
    }

    /// Outside of the sample.
    pub(super) fn only_failure(mut self) -> Self {
        self.only_failure = true;
        self
    }

    pub(super) fn at(&mut self, listener: &Arc<ListenerId>) {
        self.listener = Some(listener.clone());
    }

    pub(super) fn sent_to(&mut self, upstream: SocketAddr) {
        self.upstream = Some(upstream);
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.response_bytes += bytes as u64;
    }

    /// The first one counts.
    pub(super) fn flag(&mut self, flag: Flag) {
        self.flag.get_or_insert(flag);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.flag(Flag::DownstreamClosed);
        }
        if self.only_failure && !self.flag.is_some_and(Flag::is_failure) {
            return;
        }
        let line = Line::new(self);
        let written = match self.format {
            LogFormat::Json => line.json(),
            LogFormat::Text => Some(line.text()),
        };
        let Some(mut bytes) = written else {
            return;
        };
        bytes.push(b'\n');
        if self.log.lines.try_send(bytes).is_err() {
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

    fn started() -> (AccessLog, Counter, Sender<()>, Receiver<Vec<u8>>) {
        let (permit, permits) = channel();
        let (sender, written) = channel();
        let lost = Counter::default();
        let out = Box::new(Slow(permits, sender));
        let (log, _finished) = AccessLog::start(out, lost.clone()).unwrap();
        (log, lost, permit, written)
    }

    fn request() -> Request<()> {
        let request = Request::get("/a?b=c").header("host", "web.example.com");
        request.body(()).unwrap()
    }

    const CLIENT: HeaderValue = HeaderValue::from_static("192.0.2.7");

    #[test]
    fn a_line_has_what_is_known() {
        let (log, _, permit, written) = started();
        let mut entry = log.entry(&request(), CLIENT, LogFormat::Json);
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
    fn failures_are_written_whatever_the_sample() {
        let (log, _, permit, written) = started();
        for (path, flag) in [
            ("/well", None),
            ("/elsewhere", Some(Flag::NoRoute)),
            ("/down", Some(Flag::UpstreamFailure)),
            // Its answer broke off.
            ("/broken", Some(Flag::UpstreamClosed)),
        ] {
            let request = Request::get(path).body(()).unwrap();
            let entry = log.entry(&request, CLIENT, LogFormat::Json);
            let mut entry = entry.only_failure();
            entry.answered(StatusCode::OK);
            flag.into_iter().for_each(|flag| entry.flag(flag));
        }
        drop(log);
        // The lines come in one write, or in two.
        permit.send(()).unwrap();
        permit.send(()).ok();
        let lines = String::from_utf8(written.iter().take(2).flatten().collect()).unwrap();
        let has = |path: &str| lines.contains(&format!("\"path\":\"{path}\""));
        assert!(has("/down") && has("/broken"), "{lines}");
        assert!(!has("/well") && !has("/elsewhere"), "{lines}");
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_no_time() {
        let (log, lost, permit, _written) = started();
        // As many as may wait, what the writer's buffer takes (many lines), and some more.
        let requests = 3 * WAITING;
        for _ in 0..requests {
            drop(log.entry(&request(), CLIENT, LogFormat::Json));
        }
        assert!(lost.get() > 0 && lost.get() < requests as u64);
        drop(permit);
    }
}
