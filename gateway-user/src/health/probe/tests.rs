//! Checks of servers on loopback.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use gateway_core::{
    health::EndpointId,
    plan::{Authorities, Identity, Transport},
};
use hyper::{body::Incoming, server, service::service_fn};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Also a host that is slow to answer is in time.
const ENOUGH: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);

async fn check(
    address: SocketAddr,
    transport: Transport,
    how: How,
    timeout: Duration,
) -> Option<Result<(), Fault>> {
    let task = Task {
        id: 0,
        endpoint: EndpointId { address, transport },
        how: Arc::new(how),
        timeout,
    };
    probe(&task).await
}

async fn tcp(address: SocketAddr, how: How) -> Option<Result<(), Fault>> {
    check(address, Transport::Tcp, how, ENOUGH).await
}

fn http(path: &str) -> How {
    How::Http {
        check: HttpCheck {
            path: path.into(),
            ..HttpCheck::default()
        },
        protocol: BackendProtocol::Http1,
        tls: None,
    }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Answers with the status that is the path; `/host` says 200 where the request names example.com.
async fn answer(request: Request<Incoming>) -> http::Result<http::Response<Empty<Bytes>>> {
    let path = request.uri().path().trim_start_matches('/');
    let named = request.headers().get(HOST).map(HeaderValue::as_bytes);
    let authority = request.uri().authority().map(|a| a.as_str().as_bytes());
    let status = match path {
        "host" if named.or(authority) == Some(b"example.com") => 200,
        "host" => 404,
        other => other.parse().unwrap_or(500),
    };
    http::Response::builder().status(status).body(Empty::new())
}

#[tokio::test]
async fn a_port_that_takes_connections_is_well() {
    let (listener, address) = listener().await;
    assert_eq!(tcp(address, How::Tcp).await, Some(Ok(())));
    drop(listener);
    assert_eq!(tcp(address, How::Tcp).await, Some(Err(Fault::Refused)));
    let refused = tcp(address, http("/")).await;
    assert_eq!(refused, Some(Err(Fault::Refused)));
}

#[tokio::test]
async fn the_status_decides() {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let builder = server::conn::http1::Builder::new();
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    });
    assert_eq!(tcp(address, http("/200")).await, Some(Ok(())));
    assert_eq!(tcp(address, http("/302")).await, Some(Ok(())));
    let status = tcp(address, http("/500")).await;
    assert_eq!(status, Some(Err(Fault::Status(500))));
    let asked = |host: Option<&str>| How::Http {
        check: HttpCheck {
            path: "/host".into(),
            host: host.map(Into::into),
            statuses: vec![200..=200],
        },
        protocol: BackendProtocol::Http1,
        tls: None,
    };
    assert_eq!(tcp(address, asked(Some("example.com"))).await, Some(Ok(())));
    let own = tcp(address, asked(None)).await;
    assert_eq!(own, Some(Err(Fault::Status(404))));
}

#[tokio::test]
async fn http2_is_spoken_where_the_backend_does() {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let builder = server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    });
    let how = |path: &str, protocol| How::Http {
        check: HttpCheck {
            path: path.into(),
            host: Some("example.com".into()),
            ..HttpCheck::default()
        },
        protocol,
        tls: None,
    };
    let well = tcp(address, how("/host", BackendProtocol::Http2)).await;
    assert_eq!(well, Some(Ok(())));
    let status = tcp(address, how("/503", BackendProtocol::Http2)).await;
    assert_eq!(status, Some(Err(Fault::Status(503))));
    let other = tcp(address, how("/host", BackendProtocol::Http1)).await;
    assert!(matches!(other, Some(Err(_))), "{other:?}");
}

#[tokio::test]
async fn whoever_says_nothing_or_no_http_fails() {
    let (silent, address) = listener().await;
    let check = check(address, Transport::Tcp, http("/"), SHORT).await;
    assert_eq!(check, Some(Err(Fault::TimedOut)));
    drop(silent);

    for (says, expected) in [("SSH-2.0-x\r\n", Fault::NotHttp), ("", Fault::Closed)] {
        let (listener, address) = listener().await;
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4_096];
            tokio::io::AsyncReadExt::read(&mut stream, &mut request)
                .await
                .unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, says.as_bytes())
                .await
                .unwrap();
        };
        let ((), result) = tokio::join!(answer, tcp(address, http("/")));
        assert_eq!(result, Some(Err(expected)), "{says:?}");
    }
}

/// A server for example.com, and its certificate.
async fn tls_server() -> (SocketAddr, CertificateDer<'static>) {
    let own = rcgen::generate_simple_self_signed(["example.com".to_owned()]).unwrap();
    let certificate = own.cert.der().clone();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust us is no reason to stop serving the others.
            if let Ok(stream) = acceptor.accept(stream).await {
                let builder = server::conn::http1::Builder::new();
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service_fn(answer)));
            }
        }
    });
    (address, certificate)
}

#[tokio::test]
async fn tls_is_spoken_where_the_backend_does_and_must_be_trusted() {
    let (address, certificate) = tls_server().await;
    let how = |path: &str, authorities| How::Http {
        check: HttpCheck {
            path: path.into(),
            ..HttpCheck::default()
        },
        protocol: BackendProtocol::Http1,
        tls: Some(Arc::new(
            BackendTls::new(Identity {
                server_name: "example.com".try_into().unwrap(),
                authorities,
                names: Vec::new(),
                client: None,
            })
            .unwrap(),
        )),
    };
    let its = Authorities::Given([certificate].into());
    assert_eq!(tcp(address, how("/200", its.clone())).await, Some(Ok(())));
    let status = tcp(address, how("/503", its)).await;
    assert_eq!(status, Some(Err(Fault::Status(503))));
    let others = tcp(address, how("/200", Authorities::System)).await;
    assert_eq!(others, Some(Err(Fault::Tls)));
}

#[tokio::test]
async fn silence_of_udp_is_a_failure_only_where_a_reply_is_expected() {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = server.local_addr().unwrap();
    let how = |expect_reply| {
        How::Udp(UdpCheck {
            send: b"ping"[..].into(),
            expect_reply,
        })
    };
    let udp = |how, timeout| check(address, Transport::Udp, how, timeout);
    assert_eq!(udp(how(false), SHORT).await, Some(Ok(())));
    let silent = udp(how(true), SHORT).await;
    assert_eq!(silent, Some(Err(Fault::TimedOut)));

    let answer = async {
        let mut datagram = [0; 16];
        // Those of the checks before come first, from sockets that are closed.
        for _ in 0..3 {
            let (length, from) = server.recv_from(&mut datagram).await.unwrap();
            assert_eq!(&datagram[..length], b"ping");
            let _ = server.send_to(b"pong", from).await;
        }
    };
    let ((), replied) = tokio::join!(answer, udp(how(true), ENOUGH));
    assert_eq!(replied, Some(Ok(())));
    drop(server);
    for expect_reply in [false, true] {
        let closed = udp(how(expect_reply), ENOUGH).await;
        assert_eq!(closed, Some(Err(Fault::Refused)));
    }
}
