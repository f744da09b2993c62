//! Clients and backends that break off, stall or flood.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use gateway_user::proxy::Limits;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use crate::{
    backend::Backend,
    bed::{Bed, rule},
    raw::{Raw, get},
};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const LIMIT: Duration = Duration::from_secs(10);

/// A backend that answers each first read with `answer`, and then waits for the proxy to close.
struct Mute {
    address: SocketAddr,
    /// Connections that got a request.
    asked: Arc<AtomicUsize>,
    /// Of those, how many are open still.
    open: Arc<AtomicUsize>,
}

impl Mute {
    async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, open) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let counts = (asked.clone(), open.clone());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (asked, open) = counts.clone();
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    if !matches!(stream.read(&mut buffer).await, Ok(1..)) {
                        return;
                    }
                    open.fetch_add(1, SeqCst);
                    asked.fetch_add(1, SeqCst);
                    if stream.write_all(answer.as_bytes()).await.is_ok() {
                        while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
                    }
                    open.fetch_sub(1, SeqCst);
                });
            }
        });
        Self {
            address,
            asked,
            open,
        }
    }

    async fn is_asked(&self) {
        timeout(LIMIT, async {
            while self.asked.load(SeqCst) == 0 {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("the request reaches the backend");
    }

    async fn is_left(&self) {
        timeout(LIMIT, async {
            while self.open.load(SeqCst) > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("the proxy gives the request up");
    }
}

/// A backend that sends `answer` and closes.
pub(crate) async fn hasty(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

async fn h2(address: SocketAddr) -> http2::SendRequest<Empty<Bytes>> {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = http2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn request(address: SocketAddr) -> Request<Empty<Bytes>> {
    let uri = format!("http://{address}/");
    Request::get(uri).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_along() {
    const BEFORE: &str = "";
    const WITHIN: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n";
    let upload = "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc";
    for (answer, sent) in [(BEFORE, GET), (WITHIN, GET), (BEFORE, upload)] {
        let backend = Mute::start(answer).await;
        let bed = Bed::to(backend.address);
        let mut client = Raw::connect(bed.address).await;
        client.send(sent).await;
        backend.is_asked().await;
        if !answer.is_empty() {
            assert_eq!(client.0.read_u8().await.unwrap(), b'H');
        }
        assert_eq!(backend.open.load(SeqCst), 1);
        drop(client);
        backend.is_left().await;
        bed.stop().await;
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_a_whole_one() {
    for cut in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let bed = Bed::to(hasty(cut).await);
        let mut client = Raw::connect(bed.address).await;
        client.send(GET).await;
        assert!(client.answer().await.is_none(), "{cut:?}");
        let mut client = h2(bed.address).await;
        let answer = client.send_request(request(bed.address)).await.unwrap();
        let body = timeout(LIMIT, answer.into_body().collect()).await.unwrap();
        assert!(body.is_err(), "{cut:?} over HTTP/2");
        drop(client);
        bed.stop().await;
    }
}

#[tokio::test]
async fn a_flood_of_resets_leaves_nothing_behind() {
    let backend = Mute::start("").await;
    let bed = Bed::to(backend.address);
    let mut flood = h2(bed.address).await;
    for _ in 0..500 {
        if flood.ready().await.is_err() {
            break;
        }
        let waiting = flood.send_request(request(bed.address));
        // Long enough that some reach the backend; dropping the future resets the stream.
        let _ = timeout(Duration::from_micros(500), waiting).await;
    }
    backend.is_asked().await;
    backend.is_left().await;
    let other = Backend::start("a").await;
    bed.reload(&[rule("/", other.address)]);
    assert_eq!(get(bed.address, "/").await.status, 200);
    drop(flood);
    bed.stop().await;
}

#[tokio::test]
async fn a_client_that_falls_silent_in_a_body_is_told_and_dropped() {
    let backend = Mute::start("").await;
    let limits = Limits {
        body_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    let bed = Bed::with_limits(&[rule("/", backend.address)], limits);
    let mut client = Raw::connect(bed.address).await;
    client
        .send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n")
        .await;
    // Slow is not silent.
    for byte in ["a", "b", "c", "d"] {
        sleep(Duration::from_millis(150)).await;
        client.send(byte).await;
    }
    assert_eq!(client.answer().await.unwrap().status, 408);
    assert!(client.closes().await);
    backend.is_left().await;
    bed.stop().await;
}

#[tokio::test]
async fn a_client_may_be_silent_once_the_backend_has_answered() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n";
    let backend = Mute::start(HEAD).await;
    let limits = Limits {
        body_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let bed = Bed::with_limits(&[rule("/", backend.address)], limits);
    let mut client = Raw::connect(bed.address).await;
    client
        .send("PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
        .await;
    assert_eq!(client.0.read_u8().await.unwrap(), b'H');
    sleep(Duration::from_millis(800)).await;
    assert_eq!(backend.open.load(SeqCst), 1);
    drop(client);
    bed.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_given_up() {
    let backend = Backend::start("a").await;
    let limits = Limits {
        stall_timeout: Duration::from_secs(1),
        ..Limits::default()
    };
    let bed = Bed::with_limits(&[rule("/", backend.address)], limits);
    let mut client = Raw::connect(bed.address).await;
    client
        .send("GET /zeros/500000000 HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    sleep(Duration::from_secs(6)).await;
    let mut rest = Vec::new();
    let end = timeout(LIMIT, client.0.read_to_end(&mut rest)).await;
    end.expect("the connection has ended").ok();
    assert!(rest.len() < 100_000_000, "{} bytes came", rest.len());
    bed.stop().await;
}
