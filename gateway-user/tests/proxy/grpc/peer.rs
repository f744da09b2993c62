//! Both ends of calls: a server that does what the method's name says, and a caller.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use gateway_user::proxy::Limits;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Empty, Full, combinators::BoxBody};
use hyper::{
    body::{Body, Frame, Incoming},
    client::conn::http2,
    server,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};

use crate::bed::{Bed, Rule, To};

pub(super) type AnyBody = BoxBody<Bytes, hyper::Error>;

/// A server of HTTP/2 with prior knowledge.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Seen>,
    leave: watch::Sender<bool>,
}

#[derive(Default)]
pub(super) struct Seen {
    pub(super) calls: AtomicUsize,
    pub(super) connections: AtomicUsize,
    /// Calls of `Wait` that wait now.
    pub(super) waiting: AtomicUsize,
    pub(super) written: AtomicUsize,
}

/// A body of what is sent into the channel, open until the sender is dropped.
pub(super) struct Messages(mpsc::UnboundedReceiver<Bytes>);

/// Zero bytes without end.
struct Zeros(Arc<Seen>);

/// Counts a call as waiting until dropped.
struct Waiting(Arc<Seen>);

impl Server {
    pub(super) async fn start() -> Self {
        Self::with_streams(250).await
    }

    /// Allows so many streams on a connection.
    pub(super) async fn with_streams(streams: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (leave, left) = watch::channel(false);
        let shared = seen.clone();
        tokio::spawn(async move {
            let mut leaving = left.clone();
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    _ = leaving.wait_for(|left| *left) => return,
                };
                shared.connections.fetch_add(1, SeqCst);
                tokio::spawn(serve(stream, streams, shared.clone(), left.clone()));
            }
        });
        Self {
            address,
            seen,
            leave,
        }
    }

    /// Takes no more connections, and ends those that there are as a pod does that is told to stop.
    pub(super) fn leave(&self) {
        self.leave.send_replace(true);
    }
}

async fn serve(stream: TcpStream, streams: u32, seen: Arc<Seen>, mut left: watch::Receiver<bool>) {
    let service = service_fn(move |request| answer(seen.clone(), request));
    let mut builder = server::conn::http2::Builder::new(TokioExecutor::new());
    builder.max_concurrent_streams(streams);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A proxy that goes away is what some tests are about.
        _ = connection.as_mut() => return,
        _ = left.wait_for(|left| *left) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(seen: Arc<Seen>, request: Request<Incoming>) -> hyper::Result<Response<AnyBody>> {
    seen.calls.fetch_add(1, SeqCst);
    let (parts, body) = request.into_parts();
    let status = |code: &'static str| {
        let pair = (
            HeaderName::from_static("grpc-status"),
            HeaderValue::from_static(code),
        );
        HeaderMap::from_iter([pair])
    };
    let ok = std::future::ready(Some(Ok(status("0"))));
    let method = parts.uri.path().rsplit('/').next().unwrap_or_default();
    let body: AnyBody = match method {
        "Echo" => body.with_trailers(ok).boxed(),
        "Head" => {
            let mut head = format!("{} {}\n", parts.method, parts.uri);
            let line = |(name, value): (&HeaderName, &HeaderValue)| {
                format!("{name}: {}\n", value.to_str().unwrap())
            };
            let mut lines: Vec<String> = parts.headers.iter().map(line).collect();
            lines.sort();
            head += &lines.concat();
            let framed = parts.headers.contains_key("grpc-timeout");
            let head = if framed { message(&head) } else { head.into() };
            let head = Full::new(head).map_err(|never| match never {});
            head.with_trailers(ok).boxed()
        }
        "Early" => {
            let early = Full::new(message("early")).map_err(|never| match never {});
            early.with_trailers(ok).boxed()
        }
        "Zeros" => Zeros(seen).map_err(|never| match never {}).boxed(),
        "Wait" => {
            seen.waiting.fetch_add(1, SeqCst);
            let _waiting = Waiting(seen);
            std::future::pending().await
        }
        _ => {
            let mut response = Response::new(nothing());
            *response.headers_mut() = status("5");
            return Ok(response);
        }
    };
    Ok(Response::new(body))
}

pub(super) fn nothing() -> AnyBody {
    Empty::new().map_err(|never| match never {}).boxed()
}

/// A length-prefixed message (gRPC over HTTP/2).
pub(super) fn message(text: &str) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(text.len()).unwrap());
    framed.put_slice(text.as_bytes());
    framed.freeze()
}

/// A GRPCRoute that sends everything to `servers`.
pub(super) fn bed(servers: &[&Server], limits: Limits) -> Bed {
    let to = To::Http2(1, servers.iter().map(|server| server.address).collect());
    Bed::of_calls(&[rule(to)], limits)
}

pub(super) fn rule(to: To) -> Rule {
    Rule {
        prefix: "/",
        filters: Vec::new(),
        to: vec![to],
    }
}

/// A client's connection.
#[derive(Clone)]
pub(super) struct Caller(http2::SendRequest<AnyBody>);

impl Caller {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let io = TokioIo::new(stream);
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(64 * 1024);
        let (sender, connection) = builder.handshake(io).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub(super) async fn send(
        &mut self,
        path: &str,
        body: AnyBody,
    ) -> hyper::Result<Response<Incoming>> {
        let request = Request::post(format!("http://shop.example{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("grpc-timeout", "7S")
            .header("x-request-id", "call-1")
            .body(body)
            .unwrap();
        self.0.send_request(request).await
    }

    pub(super) async fn request(
        &mut self,
        request: Request<AnyBody>,
    ) -> hyper::Result<Response<Incoming>> {
        self.0.send_request(request).await
    }

    /// A call with one message each way: the answer's text, or the status as text.
    pub(super) async fn call(&mut self, path: &str, text: &str) -> Result<String, String> {
        let body = Full::new(message(text)).map_err(|never| match never {});
        let answer = self.send(path, body.boxed()).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let (head, body) = answer.into_parts();
        let collected = body.collect().await.map_err(|error| error.to_string())?;
        let trailers = collected.trailers().cloned().unwrap_or_default();
        let status = trailers
            .get("grpc-status")
            .or(head.headers.get("grpc-status"));
        let status = status
            .map_or("none", |status| status.to_str().unwrap())
            .to_owned();
        let bytes = collected.to_bytes();
        match &*status {
            "0" => Ok(String::from_utf8(bytes[5..].to_vec()).unwrap()),
            _ => Err(format!("{} grpc-status {status}", head.status.as_u16())),
        }
    }

    /// A call whose messages are sent one by one.
    pub(super) async fn open(&mut self, path: &str) -> (mpsc::UnboundedSender<Bytes>, Incoming) {
        let (sender, body) = messages();
        let answer = self.send(path, body).await.unwrap();
        (sender, answer.into_body())
    }
}

/// A body whose first message is there.
pub(super) fn messages() -> (mpsc::UnboundedSender<Bytes>, AnyBody) {
    let (sender, receiver) = mpsc::unbounded_channel();
    sender.send(message("first")).unwrap();
    let body = Messages(receiver).map_err(|never| match never {}).boxed();
    (sender, body)
}

/// The next data of a body; `None` at its end.
pub(super) async fn next(body: &mut Incoming) -> Option<Bytes> {
    let frame = body.frame().await?.unwrap();
    Some(frame.into_data().unwrap_or_default())
}

/// Waits until `done`, for ten seconds at most.
pub(super) async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not in time: {what}");
}

impl Body for Messages {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.poll_recv(cx);
        next.map(|message| message.map(|message| Ok(Frame::data(message))))
    }
}

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static PIECE: [u8; 16384] = [0; 16384];
        self.0.written.fetch_add(PIECE.len(), SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, SeqCst);
    }
}
