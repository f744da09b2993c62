//! TLSRoutes: the ClientHello decides, and everything goes to the backend as it is.

use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use gateway_core::{
    endpoints::{Endpoint, Endpoints},
    http::Table,
    name::ObjectName,
    plan::{
        BackendId, HostPattern, Parameters, Target, TlsListener, TlsRoute, TlsUnmatched, Transport,
        WeightedBackend,
    },
};
use gateway_user::proxy::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time,
};

use crate::{
    backend::refusing,
    bed::{Bed, plan_for_tls, table_with},
    certificate::{Certificate, connect, hello},
};

/// A listener for every name with one route for `host`; its backends are (endpoints, weight).
fn listener(host: &str, backends: &[(Vec<SocketAddr>, u32)]) -> (TlsListener, Endpoints) {
    let mut endpoints = Endpoints::default();
    let mut weighted = Vec::new();
    for (index, (addresses, weight)) in backends.iter().enumerate() {
        let id = BackendId {
            service: ObjectName::new("default", format!("service-{index}")),
            port: 443,
            transport: Transport::Tcp,
        };
        let all = addresses.iter().map(|address| Endpoint::new(*address));
        endpoints.0.insert(id.clone(), all.collect());
        weighted.push(WeightedBackend {
            target: Target::Backend(id),
            weight: *weight,
            tls: None,
        });
    }
    let route = TlsRoute {
        name: ObjectName::new("default", "tls"),
        hostnames: vec![HostPattern::Exact(host.into())],
        backends: weighted,
    };
    let listener = TlsListener {
        name: "tls".into(),
        hostname: HostPattern::Any,
        tls: None,
        routes: vec![route],
    };
    (listener, endpoints)
}

fn serve(bed: &Bed, host: &str, backends: &[(Vec<SocketAddr>, u32)]) {
    let (listener, endpoints) = listener(host, backends);
    let table = table_with(bed.address, Vec::new(), vec![listener], &endpoints);
    bed.table.store(Arc::new(table));
}

fn start(host: &str, backends: &[(Vec<SocketAddr>, u32)]) -> Bed {
    let bed = Bed::start(&[]);
    serve(&bed, host, backends);
    bed
}

/// Reads to the end of the connection; what came before.
async fn rest(stream: &mut TcpStream) -> (Vec<u8>, std::io::Result<()>) {
    let mut bytes = Vec::new();
    let read = time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes));
    let end = read.await.expect("the connection ends");
    (bytes, end.map(drop))
}

#[tokio::test]
async fn the_backend_makes_the_handshake() {
    let certificate = Certificate::for_name("a.example.com");
    let backend = certificate.echo().await;
    let bed = start("a.example.com", &[(vec![backend], 1)]);
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        let mut stream = connect(bed.address, &[&certificate], "a.example.com", versions)
            .await
            .unwrap();
        stream.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");
    }
    bed.stop().await;
}

#[tokio::test]
async fn rejections_close_without_a_byte() {
    let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = backend.local_addr().unwrap();
    let bed = start("a.example.com", &[(vec![address], 1)]);
    let cut = hello("a.example.com");
    let mut odd = cut.clone();
    odd[5] = 2;
    for (what, bytes) in [
        ("another name", hello("b.example.com")),
        ("no name", hello("192.0.2.1")),
        ("not TLS", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("not a ClientHello", odd),
    ] {
        let mut stream = TcpStream::connect(bed.address).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(rest(&mut stream).await.0, b"", "{what}");
    }
    // Half a hello, and no more.
    let mut stream = TcpStream::connect(bed.address).await.unwrap();
    stream.write_all(&cut[..100]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut stream).await.0, b"");
    let accepted = time::timeout(Duration::from_millis(100), backend.accept()).await;
    assert!(accepted.is_err(), "the backend was asked");
    bed.stop().await;
}

/// As the kernel does it, where connections come to the proxy all the same.
#[tokio::test]
async fn rejections_reset_where_that_is_asked_for() {
    let (mut listener, endpoints) = listener("a.example.com", &[]);
    listener.hostname = HostPattern::Suffix("example.com".into());
    for unmatched in [TlsUnmatched::Proxy, TlsUnmatched::Reset] {
        let bed = Bed::start(&[]);
        let parameters = Parameters {
            tls_unmatched: unmatched,
            ..Parameters::default()
        };
        let plan = plan_for_tls(bed.address, vec![listener.clone()], parameters);
        let table = Table::compile(&plan, &endpoints);
        bed.table.store(Arc::new(table));
        for (what, bytes, reset) in [
            ("no route", hello("b.example.com"), true),
            ("no listener", hello("b.example.org"), true),
            ("no name", hello("192.0.2.1"), true),
            ("not TLS", b"GET / HTTP/1.1\r\n\r\n".to_vec(), true),
            ("no backend", hello("a.example.com"), false),
        ] {
            let mut stream = TcpStream::connect(bed.address).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
            let (said, end) = rest(&mut stream).await;
            assert_eq!(said, b"", "{what}");
            let expected = reset && unmatched == TlsUnmatched::Reset;
            let was_reset = end.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset);
            assert_eq!(was_reset, expected, "{what}, {unmatched:?}");
        }
        bed.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_hello_is_given_up() {
    let limits = Limits {
        greeting_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    let bed = Bed::with_limits(&[], limits);
    serve(&bed, "a.example.com", &[]);
    let mut stream = TcpStream::connect(bed.address).await.unwrap();
    stream
        .write_all(&hello("a.example.com")[..9])
        .await
        .unwrap();
    assert_eq!(rest(&mut stream).await.0, b"");
    bed.stop().await;
}

#[tokio::test]
async fn the_backend_gets_every_byte_however_they_are_cut() {
    let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = backend.local_addr().unwrap();
    let bed = start("a.example.com", &[(vec![address], 1)]);
    let mut sent = hello("A.Example.com");
    assert!(
        sent.len() > 1_300,
        "no post-quantum key share: {}",
        sent.len()
    );
    sent.extend_from_slice(b"early data");
    for size in [1, 7, 1_000, sent.len()] {
        let mut client = TcpStream::connect(bed.address).await.unwrap();
        client.set_nodelay(true).unwrap();
        for piece in sent.chunks(size) {
            client.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        client.shutdown().await.unwrap();
        let (mut upstream, _) = backend.accept().await.unwrap();
        let (received, end) = rest(&mut upstream).await;
        assert_eq!(received, sent, "{size}");
        end.unwrap();
        // The client said its last word, the backend did not.
        upstream.write_all(b"late answer").await.unwrap();
        drop(upstream);
        let (received, end) = rest(&mut client).await;
        assert_eq!(received, b"late answer");
        end.unwrap();
    }
    bed.stop().await;
}

#[tokio::test]
async fn big_transfers_arrive_whole_both_ways_at_once() {
    const BYTES: usize = 20_000_000;
    let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bed = start("a.example.com", &[(vec![backend.local_addr().unwrap()], 1)]);
    let mut client = TcpStream::connect(bed.address).await.unwrap();
    let hello = hello("a.example.com");
    client.write_all(&hello).await.unwrap();
    let (mut upstream, _) = backend.accept().await.unwrap();
    upstream
        .read_exact(&mut vec![0; hello.len()])
        .await
        .unwrap();
    let content = |seed: usize| {
        (0..BYTES)
            .map(move |i| ((i * seed) >> 8) as u8)
            .collect::<Vec<_>>()
    };
    let (up, down) = (content(7), content(11));
    let exchange = async |stream: TcpStream, out: &[u8]| {
        let (mut read, mut write) = stream.into_split();
        let mut received = Vec::with_capacity(BYTES);
        let send = async {
            write.write_all(out).await.unwrap();
            write.shutdown().await.unwrap();
        };
        let (_, read) = tokio::join!(send, read.read_to_end(&mut received));
        read.unwrap();
        received
    };
    let (at_client, at_backend) = tokio::join!(exchange(client, &up), exchange(upstream, &down));
    assert!(
        at_client == down,
        "{} bytes reached the client",
        at_client.len()
    );
    assert!(
        at_backend == up,
        "{} bytes reached the backend",
        at_backend.len()
    );
    bed.stop().await;
}

#[tokio::test]
async fn endpoints_that_refuse_are_passed_over_and_a_reset_stays_one() {
    let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let good = backend.local_addr().unwrap();
    let bed = start("a.example.com", &[(vec![refusing().await, good], 1)]);
    for _ in 0..20 {
        let mut client = TcpStream::connect(bed.address).await.unwrap();
        client.write_all(&hello("a.example.com")).await.unwrap();
        let (mut upstream, _) = backend.accept().await.unwrap();
        upstream.read_u8().await.unwrap();
        client.set_zero_linger().unwrap();
        drop(client);
        let (_, end) = rest(&mut upstream).await;
        let kind = end.unwrap_err().kind();
        assert_eq!(kind, ErrorKind::ConnectionReset);
    }
    // Each of those that refuse is asked once.
    let all = vec![refusing().await, refusing().await, good];
    serve(&bed, "a.example.com", &[(all, 1)]);
    for _ in 0..50 {
        let mut client = TcpStream::connect(bed.address).await.unwrap();
        client.write_all(&hello("a.example.com")).await.unwrap();
        let accepted = time::timeout(Duration::from_secs(10), backend.accept()).await;
        accepted.expect("an endpoint is left").unwrap();
    }
    serve(&bed, "a.example.com", &[(vec![refusing().await], 1)]);
    let mut client = TcpStream::connect(bed.address).await.unwrap();
    client.write_all(&hello("a.example.com")).await.unwrap();
    assert_eq!(rest(&mut client).await.0, b"");
    bed.stop().await;
}

#[tokio::test]
async fn silence_ends_a_connection_and_a_route_that_goes_does_not() {
    let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = backend.local_addr().unwrap();
    let limits = Limits {
        forward_idle: Duration::from_secs(3),
        ..Limits::default()
    };
    let bed = Bed::with_limits(&[], limits);
    serve(&bed, "a.example.com", &[(vec![address], 1)]);
    let mut client = TcpStream::connect(bed.address).await.unwrap();
    client.write_all(&hello("a.example.com")).await.unwrap();
    let (mut upstream, _) = backend.accept().await.unwrap();
    bed.table.store(Arc::default());
    // For longer than the limit, but never silent for as long.
    for _ in 0..8 {
        time::sleep(Duration::from_millis(500)).await;
        upstream.write_all(b"x").await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'x');
    }
    let (_, end) = rest(&mut client).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    // New connections find nothing.
    let mut late = TcpStream::connect(bed.address).await.unwrap();
    assert_eq!(rest(&mut late).await.0, b"");
    bed.stop().await;
}
