//! Against servers of their own.

use std::{
    convert::Infallible,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use http::Response;
use hyper::{
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{HandshakeKind, ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const NAME: &str = "a.example.com";
/// Each path is the answer.
const TARGETS: &str = "a.example.com /12345\nb.example.com /1\n";

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn args(to: SocketAddr, targets: &NamedTempFile) -> Args {
    Args {
        to,
        targets: targets.path().to_owned(),
        connections: 2,
        http2: false,
        streams: 1,
        tls: None,
        fresh: false,
        rate: None,
        milliseconds: 200,
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    (listener, to)
}

/// Answers with the path, after `late`.
async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    http2: bool,
    late: Duration,
) {
    let service = service_fn(move |request: Request<_>| async move {
        sleep(late).await;
        let path = request.uri().path().to_owned();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(path)))
    });
    // Clients close their connections as they like.
    let io = TokioIo::new(stream);
    if http2 {
        let builder = http2::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(io, service).await;
    } else {
        let _ = http1::Builder::new().serve_connection(io, service).await;
    }
}

async fn plain(http2: bool, late: Duration) -> SocketAddr {
    let (listener, to) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, http2, late));
        }
    });
    to
}

#[tokio::test]
async fn targets_are_asked_in_turn_at_the_rate() {
    let (to, targets) = (plain(false, Duration::ZERO).await, file(TARGETS));
    let rate = Some(200);
    let args = Args {
        rate,
        ..args(to, &targets)
    };
    let report = run(args).await.unwrap();
    assert_eq!((report.requests, report.failed), (40, 0), "{report:?}");
    assert_eq!(report.bytes, 20 * (6 + 2));
    assert!(report.microseconds >= 195_000, "{report:?}");
}

#[tokio::test]
async fn time_counts_from_when_a_request_was_due() {
    let late = Duration::from_millis(20);
    let (to, targets) = (plain(false, late).await, file(TARGETS));
    let rate = Some(100);
    let args = Args {
        rate,
        connections: 1,
        ..args(to, &targets)
    };
    let report = run(args).await.unwrap();
    // The last was due after 190 ms, and had to wait for 19 answers of 20 ms each.
    assert_eq!(report.requests, 20, "{report:?}");
    assert!(report.p99 >= 400_000 - 190_000, "{report:?}");
}

#[tokio::test]
async fn streams_share_a_connection() {
    let late = Duration::from_millis(50);
    let (to, targets) = (plain(true, late).await, file(TARGETS));
    let args = Args {
        http2: true,
        streams: 10,
        connections: 1,
        milliseconds: 60,
        ..args(to, &targets)
    };
    let report = run(args).await.unwrap();
    assert_eq!((report.requests, report.failed), (20, 0), "{report:?}");
}

#[tokio::test]
async fn new_connections_have_handshakes_of_their_own() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth();
    let mut config = config
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, to) = listen().await;
    let handshakes = Arc::new(AtomicU64::new(0));
    let counted = handshakes.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.unwrap();
            let resumed = stream.get_ref().1.handshake_kind();
            assert_eq!(resumed, Some(HandshakeKind::Full));
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(answer(stream, false, Duration::ZERO));
        }
    });
    let (targets, authority) = (file(TARGETS), file(&cert.pem()));
    let args = Args {
        tls: Some(authority.path().to_owned()),
        fresh: true,
        ..args(to, &targets)
    };
    let report = run(args).await.unwrap();
    assert!(report.requests > 2 && report.failed == 0, "{report:?}");
    assert_eq!(handshakes.load(Ordering::Relaxed), report.requests);
}

#[tokio::test]
async fn what_fails_is_told_and_ends() {
    let (listener, to) = listen().await;
    drop(listener);
    let targets = file(TARGETS);
    let args = Args {
        fresh: true,
        ..args(to, &targets)
    };
    let report = run(args).await.unwrap();
    assert_eq!(report.requests, 0);
    assert_eq!(report.failed, 2 * FAILURES);
}
