//! Backends under a BackendTLSPolicy: what is inside goes on within TLS of the gateway's own, or not
//! at all.

use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use gateway_core::{
    endpoints::{Endpoint, Endpoints},
    plan::{BackendTls, HostPattern, Tls},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, client::TlsStream};

use super::{VERSIONS, backend, listener, metrics};
use crate::{
    authority::{Authority, acceptor},
    bed::{Bed, table_with},
    certificate::{Certificate, connect},
};

const NAME: &str = "in.example.com";

/// A port that terminates TLS before these endpoints.
struct Front {
    bed: Bed,
    certificate: Certificate,
}

impl Front {
    fn start(backends: &[SocketAddr], tls: &Arc<BackendTls>) -> Self {
        let certificate = Certificate::for_name(NAME);
        let own = Tls {
            certificates: vec![certificate.key.clone()],
            clients: None,
        };
        let mut listener = listener("inside", HostPattern::Exact(NAME.into()), Some(own));
        listener.routes[0].backends[0].tls = Some(tls.clone());
        let all = backends.iter().map(|address| Endpoint::new(*address));
        let mut endpoints = Endpoints::default();
        endpoints.0.insert(backend("inside"), all.collect());
        let bed = Bed::start(&[]);
        let table = table_with(bed.address, Vec::new(), vec![listener], &endpoints);
        bed.table.store(Arc::new(table));
        Self { bed, certificate }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let trusted = [&self.certificate];
        connect(self.bed.address, &trusted, NAME, VERSIONS[1])
            .await
            .unwrap()
    }

    /// Whether a client that says something gets an answer.
    async fn is_answered(&self) -> bool {
        let mut client = self.connect().await;
        // The connection may be gone by then.
        let _ = client.write_all(b"ping").await;
        let answer = tokio::time::timeout(Duration::from_secs(10), client.read_u8());
        answer.await.expect("an answer or an end").is_ok()
    }
}

/// A backend and its endpoint.
async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Answers whoever comes through the handshake and says something.
async fn answering(acceptor: TlsAcceptor) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut asked = [0; 4];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(b"pong").await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn what_is_inside_goes_on_in_tls() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let acceptor = acceptor(&authority.sign(&["app.test"]), Some(&clients), &["h2"]);
    let (listener, address) = listen().await;
    let shown = clients.sign(&["gateway.test"]);
    let tls = Arc::new(authority.showing("app.test", &[], Some(shown)));
    let front = Front::start(&[address], &tls);
    let mut client = front.connect().await;
    client.write_all(b"ping").await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut upstream = acceptor.accept(stream).await.unwrap();
    let (_, seen) = upstream.get_ref();
    let certificates = seen.peer_certificates().map(<[_]>::len);
    assert_eq!(
        (seen.server_name(), certificates),
        (Some("app.test"), Some(1))
    );
    assert_eq!(seen.alpn_protocol(), None, "nobody knows what is inside");
    let mut asked = [0; 4];
    upstream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"ping");
    // One side may end before the other.
    client.shutdown().await.unwrap();
    assert_eq!(upstream.read(&mut asked).await.unwrap(), 0);
    upstream.write_all(&[7; 100_000]).await.unwrap();
    upstream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // Ends well only after a close_notify: nothing was cut off.
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, [7; 100_000]);
    front.bed.stop().await;
}

#[tokio::test]
async fn a_side_that_breaks_off_is_not_taken_for_one_that_has_ended() {
    let authority = Authority::new();
    let acceptor = acceptor(&authority.sign(&["app.test"]), None, &[]);
    let (listener, address) = listen().await;
    let front = Front::start(&[address], &authority.demand("app.test", &[]));
    for of_client in [true, false] {
        let mut client = front.connect().await;
        client.write_all(b"h").await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut upstream = acceptor.accept(stream).await.unwrap();
        assert_eq!(upstream.read_u8().await.unwrap(), b'h');
        // Both connections end without a close_notify.
        let error = match of_client {
            true => {
                client.get_mut().0.shutdown().await.unwrap();
                upstream.read_u8().await.unwrap_err()
            }
            false => {
                upstream.get_mut().0.shutdown().await.unwrap();
                client.read_u8().await.unwrap_err()
            }
        };
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{of_client}");
    }
    front.bed.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_trusted_gets_nothing_and_another_is_tried() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let certificate = authority.sign(&["app.test"]);
    let trusted = answering(acceptor(&certificate, None, &[])).await;
    let strange = answering(acceptor(&stranger.sign(&["app.test"]), None, &[])).await;
    let tls = authority.demand("app.test", &[]);
    let front = Front::start(&[strange, trusted], &tls);
    for _ in 0..6 {
        assert!(front.is_answered().await);
    }
    front.bed.stop().await;
    for tls in [tls, authority.demand("other.test", &[])] {
        let front = Front::start(&[strange], &tls);
        assert!(!front.is_answered().await);
        let counted = metrics(&front.bed);
        assert!(counted.contains("outcome=\"unreachable\"} 1"), "{counted}");
        front.bed.stop().await;
    }
}

#[tokio::test]
async fn a_backend_without_tls_sees_nothing_of_what_is_inside() {
    let (listener, address) = listen().await;
    let front = Front::start(&[address], &Authority::new().demand("app.test", &[]));
    let mut client = front.connect().await;
    client.write_all(b"secret").await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    let mut seen = [0; 1024];
    let size = upstream.read(&mut seen).await.unwrap();
    // A handshake record (RFC 8446 section 5.1).
    assert_eq!(seen[0], 22);
    upstream.write_all(b"220 welcome\r\n").await.unwrap();
    let mut rest = Vec::new();
    // Alerts, or a reset.
    let _ = upstream.read_to_end(&mut rest).await;
    let seen = [&seen[..size], &rest].concat();
    assert!(!seen.windows(6).any(|six| six == b"secret"));
    client.read_u8().await.unwrap_err();
    front.bed.stop().await;
}
