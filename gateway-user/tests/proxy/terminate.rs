//! TLSRoutes behind listeners that terminate, and HTTPS beside them on one port.

use std::sync::Arc;

use gateway_core::{
    endpoints::{Endpoint, Endpoints},
    name::ObjectName,
    plan::{
        BackendId, HostPattern, Target, Tls, TlsListener, TlsRoute, Transport, WeightedBackend,
    },
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    bed::{Bed, table_with},
    certificate::{Certificate, connect, hello},
    tls::{Site, ask, site},
};

mod secured;

const VERSIONS: [&[&rustls::SupportedProtocolVersion]; 2] =
    [&[&rustls::version::TLS12], &[&rustls::version::TLS13]];

/// A port with HTTPS for `www.example.com`, TLS terminated for `in.example.com` and passed through
/// for every other name.
struct Mixed {
    bed: Bed,
    site: Site,
    inside: Certificate,
    backend: TcpListener,
    other: Certificate,
}

fn listener(name: &'static str, hostname: HostPattern, tls: Option<Tls>) -> TlsListener {
    let target = Target::Backend(backend(name));
    let route = TlsRoute {
        name: ObjectName::new("default", name),
        hostnames: vec![hostname.clone()],
        backends: vec![WeightedBackend {
            target,
            weight: 1,
            tls: None,
        }],
    };
    TlsListener {
        name: name.into(),
        hostname,
        tls,
        routes: vec![route],
    }
}

fn backend(name: &str) -> BackendId {
    BackendId {
        service: ObjectName::new("default", name),
        port: 443,
        transport: Transport::Tcp,
    }
}

async fn mixed() -> Mixed {
    let exact = |name: &str| HostPattern::Exact(name.into());
    let site = site(exact("www.example.com"), "www.example.com", "www");
    let inside = Certificate::for_name("in.example.com");
    let other = Certificate::for_name("other.example.com");
    let cleartext = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tls = Tls {
        certificates: vec![inside.key.clone()],
        clients: None,
    };
    let listeners = vec![
        listener("inside", exact("in.example.com"), Some(tls)),
        listener("other", HostPattern::Suffix("example.com".into()), None),
    ];
    let mut endpoints = Endpoints::default();
    for (name, address) in [
        ("inside", cleartext.local_addr().unwrap()),
        ("other", other.echo().await),
    ] {
        let endpoint = Endpoint::new(address);
        endpoints.0.insert(backend(name), vec![endpoint]);
    }
    let bed = Bed::start(&[]);
    let table = table_with(
        bed.address,
        vec![site.listener.clone()],
        listeners,
        &endpoints,
    );
    bed.table.store(Arc::new(table));
    Mixed {
        bed,
        site,
        inside,
        backend: cleartext,
        other,
    }
}

fn metrics(bed: &Bed) -> String {
    let mut registry = Registry::with_prefix("xdp_gateway");
    bed.proxy.metrics().register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

#[tokio::test]
async fn the_backend_gets_what_is_inside() {
    let mixed = mixed().await;
    for versions in VERSIONS {
        let name = "in.example.com";
        let mut client = connect(mixed.bed.address, &[&mixed.inside], name, versions)
            .await
            .unwrap();
        assert_eq!(client.get_ref().1.alpn_protocol(), None);
        client.write_all(b"ping").await.unwrap();
        let (mut upstream, _) = mixed.backend.accept().await.unwrap();
        let mut asked = [0; 4];
        upstream.read_exact(&mut asked).await.unwrap();
        assert_eq!(&asked, b"ping");
        upstream.write_all(&[7; 100_000]).await.unwrap();
        drop(upstream);
        let mut answer = Vec::new();
        // Ends well only after a close_notify: nothing was cut off.
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, [7; 100_000]);
    }
    mixed.bed.stop().await;
}

#[tokio::test]
async fn a_client_that_breaks_off_is_not_taken_for_one_that_has_ended() {
    let mixed = mixed().await;
    for versions in VERSIONS {
        let name = "in.example.com";
        let mut client = connect(mixed.bed.address, &[&mixed.inside], name, versions)
            .await
            .unwrap();
        client.write_all(b"half").await.unwrap();
        let (mut upstream, _) = mixed.backend.accept().await.unwrap();
        let mut half = [0; 4];
        upstream.read_exact(&mut half).await.unwrap();
        // The connection ends without a close_notify.
        client.get_mut().0.shutdown().await.unwrap();
        let error = upstream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    mixed.bed.stop().await;
}

#[tokio::test]
async fn each_name_of_a_port_has_its_own_way() {
    let mixed = mixed().await;
    let address = mixed.bed.address;
    for versions in VERSIONS {
        let trusted = [&mixed.site.certificate];
        let mut www = connect(address, &trusted, "www.example.com", versions)
            .await
            .unwrap();
        let head = ask(&mut www, "www.example.com").await;
        assert!(
            head.contains("location: https://www.example.com/www\r\n"),
            "{head}"
        );
        // A name whose connections are passed through is not for this connection.
        let head = ask(&mut www, "other.example.com").await;
        assert!(head.starts_with("HTTP/1.1 421 "), "{head}");

        let name = "other.example.com";
        let mut other = connect(address, &[&mixed.other], name, versions)
            .await
            .unwrap();
        other.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        other.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");
    }
    let mut nobody = tokio::net::TcpStream::connect(address).await.unwrap();
    nobody.write_all(&hello("example.org")).await.unwrap();
    let mut answer = Vec::new();
    nobody.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"");
    let text = metrics(&mixed.bed);
    let of = |listener: &str| format!(r#"gateway="default/gateway",listener="{listener}""#);
    for line in [
        format!(
            "xdp_gateway_tls_connections_total{{{},route=\"default/other\",outcome=\"forwarded\"}} 2\n",
            of("other")
        ),
        r#"xdp_gateway_tls_connections_total{gateway="",listener="",route="",outcome="no_listener"} 1"#.to_owned(),
        format!("xdp_gateway_tls_bytes_total{{{},direction=\"received\"}} ", of("other")),
        format!("xdp_gateway_tls_bytes_total{{{},direction=\"sent\"}} ", of("other")),
    ] {
        assert!(text.contains(&line), "{line} in {text}");
    }
    mixed.bed.stop().await;
}

/// What rustls cannot agree to is told by an alert, also where the hello was read before.
#[tokio::test]
async fn a_version_that_nobody_speaks_is_refused_at_once() {
    let mixed = mixed().await;
    let mut bytes = hello("in.example.com");
    // Takes away all cipher suites that are known.
    let session = usize::from(bytes[43]);
    let suites = 44 + session;
    let length = usize::from(u16::from_be_bytes([bytes[suites], bytes[suites + 1]]));
    for pair in bytes[suites + 2..suites + 2 + length].chunks_mut(2) {
        pair.copy_from_slice(&[0x2a, 0x2a]);
    }
    let mut client = tokio::net::TcpStream::connect(mixed.bed.address)
        .await
        .unwrap();
    client.write_all(&bytes).await.unwrap();
    let mut alert = [0; 7];
    client.read_exact(&mut alert).await.unwrap();
    // A fatal handshake_failure.
    assert_eq!((alert[0], &alert[5..]), (21, &[2, 40][..]));
    mixed.bed.stop().await;
}
