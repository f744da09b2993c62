//! TLS terminated by the proxy: certificates by server name, ALPN, isolation of listeners.

use std::sync::Arc;

use gateway_core::{
    endpoints::Endpoints,
    name::ObjectName,
    plan::{
        HostPattern, HttpFilter, HttpListener, HttpMatch, HttpRoute, HttpRule, PathMatch, Redirect,
        RouteKind, Tls,
    },
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    bed::{Bed, table},
    certificate::{Certificate, client},
};

/// A listener with a certificate for its own host.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) listener: HttpListener,
    pub(crate) certificate: Certificate,
}

/// Its only route redirects to the path `/name`, which tells the listener that answered.
pub(crate) fn site(hostname: HostPattern, certificate_for: &str, name: &str) -> Site {
    let certificate = Certificate::for_name(certificate_for);
    let redirect = Redirect {
        scheme: None,
        hostname: None,
        path: Some(gateway_core::plan::PathRewrite::Full(
            format!("/{name}").into(),
        )),
        port: Some(443),
        status: 302,
    };
    let matches = vec![HttpMatch {
        path: PathMatch::Prefix("/".into()),
        method: None,
        headers: Vec::new(),
        query: Vec::new(),
    }];
    let filters = vec![HttpFilter::Redirect(redirect)];
    let rule = HttpRule {
        name: None,
        matches,
        filters,
        ..HttpRule::default()
    };
    let route = HttpRoute {
        kind: RouteKind::Http,
        name: ObjectName::new("default", name),
        created: None,
        hostnames: vec![hostname.clone()],
        rules: vec![rule],
    };
    let tls = Some(Tls {
        certificates: vec![certificate.key.clone()],
        clients: None,
    });
    let listener = HttpListener {
        name: name.into(),
        hostname,
        tls,
        routes: vec![route],
    };
    Site {
        listener,
        certificate,
    }
}

fn start(sites: &[Site]) -> Bed {
    let bed = Bed::start(&[]);
    serve(&bed, sites);
    bed
}

fn serve(bed: &Bed, sites: &[Site]) {
    let listeners = sites.iter().map(|site| site.listener.clone()).collect();
    bed.table.store(Arc::new(table(
        bed.address,
        listeners,
        &Endpoints::default(),
    )));
}

/// A handshake that trusts the sites' certificates only, each for its own name.
pub(crate) async fn connect(
    bed: &Bed,
    sites: &[Site],
    name: &'static str,
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let trusted: Vec<_> = sites.iter().map(|site| &site.certificate).collect();
    let mut config = client(&trusted, rustls::ALL_VERSIONS);
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(bed.address).await?;
    let connector = TlsConnector::from(Arc::new(config));
    connector
        .connect(ServerName::try_from(name).unwrap(), stream)
        .await
}

pub(crate) async fn ask(stream: &mut TlsStream<TcpStream>, host: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

pub(crate) fn two_sites() -> [Site; 2] {
    let wild = HostPattern::Suffix("example.com".into());
    let exact = HostPattern::Exact("a.example.com".into());
    [
        site(wild, "*.example.com", "wild"),
        site(exact, "a.example.com", "exact"),
    ]
}

#[tokio::test]
async fn the_server_name_selects_certificate_and_listener() {
    let sites = two_sites();
    let bed = start(&sites);
    for (name, trusted, listener) in [
        ("a.example.com", &sites[1..], "exact"),
        ("b.example.com", &sites[..1], "wild"),
    ] {
        let mut stream = connect(&bed, trusted, name, &[]).await.unwrap();
        let head = ask(&mut stream, name).await;
        assert!(
            head.contains(&format!("location: https://{name}/{listener}\r\n")),
            "{head}"
        );
    }
    bed.stop().await;
}

#[tokio::test]
async fn a_name_that_no_listener_takes_gets_no_certificate() {
    let sites = two_sites();
    let bed = start(&sites);
    let error = connect(&bed, &sites, "example.org", &[]).await.unwrap_err();
    assert!(error.to_string().contains("AccessDenied"), "{error}");
    bed.stop().await;
}

#[tokio::test]
async fn a_connection_is_for_the_hosts_of_its_listener() {
    let sites = two_sites();
    let bed = start(&sites);
    let mut stream = connect(&bed, &sites, "b.example.com", &[]).await.unwrap();
    let head = ask(&mut stream, "c.example.com").await;
    assert!(head.starts_with("HTTP/1.1 302 "), "{head}");
    let head = ask(&mut stream, "a.example.com").await;
    assert!(head.starts_with("HTTP/1.1 421 "), "{head}");
    bed.stop().await;
}

#[tokio::test]
async fn the_client_chooses_the_version_of_http() {
    let sites = two_sites();
    let bed = start(&sites);
    for (offered, expected) in [
        (&["h2", "http/1.1"] as &[_], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let stream = connect(&bed, &sites, "a.example.com", offered)
            .await
            .unwrap();
        let chosen = stream.get_ref().1.alpn_protocol();
        assert_eq!(chosen, expected.map(str::as_bytes), "{offered:?}");
    }
    let stream = connect(&bed, &sites, "a.example.com", &["h2"])
        .await
        .unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("https://a.example.com/")
        .body(String::new())
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.headers()["location"], "https://a.example.com/exact");
    // A browser would reuse the connection if the certificate had that name, too.
    let request = http::Request::get("https://b.example.com/")
        .body(String::new())
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 421);
    bed.stop().await;
}

#[tokio::test]
async fn a_new_certificate_serves_new_connections_and_ends_no_old_one() {
    let sites = two_sites();
    let bed = start(&sites);
    let mut old = connect(&bed, &sites, "a.example.com", &[]).await.unwrap();
    ask(&mut old, "a.example.com").await;
    let renewed = two_sites();
    serve(&bed, &renewed);
    connect(&bed, &renewed, "a.example.com", &[]).await.unwrap();
    connect(&bed, &sites, "a.example.com", &[])
        .await
        .unwrap_err();
    let head = ask(&mut old, "a.example.com").await;
    assert!(head.starts_with("HTTP/1.1 302 "), "{head}");
    bed.stop().await;
}

#[tokio::test]
async fn the_key_exchange_withstands_quantum_computers() {
    let sites = two_sites();
    let bed = start(&sites);
    let stream = connect(&bed, &sites, "a.example.com", &[]).await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group();
    let group = group.expect("a key exchange").name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    bed.stop().await;
}

#[tokio::test]
async fn of_several_certificates_the_one_for_the_name_is_shown_else_the_first() {
    let wild = HostPattern::Suffix("example.com".into());
    let mut site = site(wild, "a.example.com", "wild");
    let second = Certificate::for_name("b.example.com");
    if let Some(tls) = &mut site.listener.tls {
        tls.certificates.push(second.key.clone());
    }
    let bed = start(std::slice::from_ref(&site));
    let shown = async |name| {
        let trusted = [&site.certificate, &second];
        crate::certificate::connect(bed.address, &trusted, name, rustls::ALL_VERSIONS).await
    };
    for (name, expected) in [
        ("a.example.com", &site.certificate),
        ("b.example.com", &second),
    ] {
        let stream = shown(name).await.unwrap();
        let chain = stream.get_ref().1.peer_certificates().unwrap();
        assert_eq!(chain, std::slice::from_ref(&expected.root), "{name}");
    }
    // The first one is not for this name, as the client finds.
    let error = shown("c.example.com").await.unwrap_err();
    assert!(error.to_string().contains("a.example.com"), "{error}");
    bed.stop().await;
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_shown_all_the_same() {
    let host = HostPattern::Exact("old.example.com".into());
    let mut old = site(host, "old.example.com", "old");
    old.certificate = Certificate::expired("old.example.com");
    if let Some(tls) = &mut old.listener.tls {
        tls.certificates = vec![old.certificate.key.clone()];
    }
    let sites = [old];
    let bed = start(&sites);
    let refused = connect(&bed, &sites, "old.example.com", &[]).await;
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("expired"), "the client looks at it: {why}");
    bed.stop().await;
}
