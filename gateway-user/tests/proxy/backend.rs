//! A backend that tells what it saw, and streams what it is asked for.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    body::{Body, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) requests: AtomicUsize,
    pub(crate) connections: AtomicUsize,
    /// Bytes of request bodies read, of response bodies given out.
    pub(crate) read: AtomicU64,
    pub(crate) written: AtomicU64,
}

/// A body of this many zero bytes in pieces of 64 KiB, made as they are asked for.
struct Zeros {
    left: u64,
    seen: Arc<Seen>,
}

/// Hides the length of a body, so that it is sent in chunks and trailers can follow.
pub(crate) struct Unsized<B>(pub(crate) B);

impl Backend {
    /// `name` is in the `x-backend` header of each answer.
    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let shared = seen.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                shared.connections.fetch_add(1, SeqCst);
                let seen = shared.clone();
                let service = service_fn(move |request| answer(name, seen.clone(), request));
                // A client that goes away is what some tests are about.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(SeqCst)
    }
}

/// An address that refuses connections.
pub(crate) async fn refusing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

async fn answer(
    name: &'static str,
    seen: Arc<Seen>,
    request: Request<Incoming>,
) -> Result<Answer, hyper::Error> {
    seen.requests.fetch_add(1, SeqCst);
    let (parts, mut body) = request.into_parts();
    if parts.uri.path() == "/zeros/slow" {
        std::future::pending::<()>().await;
    }
    if let Some(count) = parts.uri.path().strip_prefix("/zeros/") {
        let left = count.parse().unwrap();
        return Ok(Response::new(Zeros { left, seen }.boxed()));
    }
    if let Some(delay) = parts.uri.path().strip_prefix("/slow/") {
        tokio::time::sleep(Duration::from_millis(delay.parse().unwrap())).await;
    }
    if parts.uri.path() == "/stall" {
        // A beginning without an end.
        let first = Full::from("begun").with_trailers(std::future::pending());
        return Ok(Response::new(Unsized(first).boxed()));
    }
    if parts.uri.path() == "/ignore-body" {
        // Answers while the request's body is still on its way.
        return Ok(Response::new(Full::from("early").boxed()));
    }
    let mut trailers = HeaderMap::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) => {
                length += data.len() as u64;
                seen.read.fetch_add(data.len() as u64, SeqCst);
            }
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    let mut text = format!("{} {}\n", parts.method, parts.uri);
    for (key, value) in parts.headers.iter().chain(&trailers) {
        text += &format!("{key}: {}\n", value.to_str().unwrap());
    }
    text += &format!("body of {length} bytes\n");
    let mut response = Response::builder()
        .header("x-backend", name)
        .header("x-old", "1");
    let full = Full::from(text);
    if parts.uri.path() != "/trailers" {
        return Ok(response.body(full.boxed()).unwrap());
    }
    response = response.header("trailer", "x-checksum");
    let checksum = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-checksum"),
        HeaderValue::from_static("42"),
    )]);
    let body = full.with_trailers(std::future::ready(Some(Ok(checksum))));
    Ok(response.body(Unsized(body).boxed()).unwrap())
}

impl<B: Body + Unpin> Body for Unsized<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }
}

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static PIECE: [u8; 65536] = [0; 65536];
        let count = self.left.min(PIECE.len() as u64);
        if count == 0 {
            return Poll::Ready(None);
        }
        self.left -= count;
        self.seen.written.fetch_add(count, SeqCst);
        let piece = Bytes::from_static(&PIECE[..count as usize]);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}
