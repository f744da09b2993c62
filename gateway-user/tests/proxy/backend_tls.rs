//! TLS towards backends: who is believed, what is shown, and which connections are shared.

use std::{net::SocketAddr, sync::Arc};

use gateway_core::plan::{BackendProtocol, BackendTls, HostPattern, SubjectName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    authority::{Authority, Secure},
    backend::Backend,
    bed::{Bed, Rule, To},
};

const HTTP1: BackendProtocol = BackendProtocol::Http1;

fn rule(protocol: BackendProtocol, tls: &Arc<BackendTls>, backend: SocketAddr) -> Rule {
    Rule {
        prefix: "/",
        filters: Vec::new(),
        to: vec![To::Tls(protocol, tls.clone(), vec![backend])],
    }
}

/// Status and body of an answer, over a connection of its own.
async fn get(bed: &Bed) -> (u16, String) {
    let mut stream = TcpStream::connect(bed.address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: a.example.com\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}

fn host(pattern: HostPattern) -> SubjectName {
    SubjectName::Host(pattern)
}

#[tokio::test]
async fn the_host_name_is_sent_and_the_protocol_negotiated() {
    let authority = Authority::new();
    let backend = Secure::start(&authority.sign(&["app.test"]), None).await;
    let tls = authority.demand("app.test", &[]);
    let bed = Bed::start(&[rule(HTTP1, &tls, backend.address)]);
    let (status, body) = get(&bed).await;
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains("sni app.test, alpn http/1.1, 0 certificates, scheme -"),
        "{body}"
    );
    bed.reload(&[rule(BackendProtocol::Http2, &tls, backend.address)]);
    let (status, body) = get(&bed).await;
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains("sni app.test, alpn h2, 0 certificates, scheme https"),
        "{body}"
    );
    bed.stop().await;
}

/// What is asked for, who signs, the host name and the other names demanded, the status.
type Trust<'a> = (&'a str, &'a Authority, &'a str, &'a [SubjectName], u16);

/// Who is not believed gets nothing of the request, least of all in the clear.
#[tokio::test]
async fn a_backend_that_is_not_who_it_shall_be_gets_no_request() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let cases: [Trust<'_>; 3] = [
        ("as named", &authority, "app.test", &[], 200),
        ("another name", &authority, "other.test", &[], 502),
        ("another authority", &stranger, "app.test", &[], 502),
    ];
    trust(&authority, &cases).await;
}

#[tokio::test]
async fn subject_alternative_names_decide_where_there_are_any() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let uri = |text: &str| SubjectName::Uri(text.into());
    let exact = |name: &str| host(HostPattern::Exact(name.into()));
    let below = |name: &str| host(HostPattern::Suffix(name.into()));
    let (named, unnamed) = ([exact("app.test")], [exact("b.test")]);
    let (id, other_id) = ([uri("spiffe://test/app")], [uri("spiffe://test/ap")]);
    let several = [uri("spiffe://x"), exact("app.test")];
    let none = [uri("spiffe://x"), exact("x.test")];
    let (wildcard, other_wildcard) = ([below("test")], [below("pp.test")]);
    let cases: [Trust<'_>; 9] = [
        (
            "a name, not the host's",
            &authority,
            "other.test",
            &named,
            200,
        ),
        ("the host's, no name", &authority, "app.test", &unnamed, 502),
        ("a URI", &authority, "app.test", &id, 200),
        ("another URI", &authority, "app.test", &other_id, 502),
        ("one of several", &authority, "x.test", &several, 200),
        ("none of several", &authority, "app.test", &none, 502),
        ("a wildcard", &authority, "x.test", &wildcard, 200),
        (
            "another wildcard",
            &authority,
            "app.test",
            &other_wildcard,
            502,
        ),
        (
            "a name, another authority",
            &stranger,
            "app.test",
            &named,
            502,
        ),
    ];
    trust(&authority, &cases).await;
}

/// Asks a backend with a certificate of `authority`.
async fn trust(authority: &Authority, cases: &[Trust<'_>]) {
    let certificate = authority.sign(&["app.test", "spiffe://test/app"]);
    for (what, trusted, server_name, names, expected) in cases {
        let backend = Secure::start(&certificate, None).await;
        let tls = trusted.demand(server_name, names);
        for protocol in [HTTP1, BackendProtocol::Http2] {
            let bed = Bed::start(&[rule(protocol, &tls, backend.address)]);
            let (status, body) = get(&bed).await;
            assert_eq!(status, *expected, "{what}, {protocol:?}: {body}");
            bed.stop().await;
        }
    }
}

#[tokio::test]
async fn a_backend_without_tls_sees_no_request() {
    let plain = Backend::start("plain").await;
    let tls = Authority::new().demand("app.test", &[]);
    let bed = Bed::start(&[rule(HTTP1, &tls, plain.address)]);
    let (status, body) = get(&bed).await;
    assert_eq!((status, plain.requests()), (502, 0), "{body}");
    bed.stop().await;
}

#[tokio::test]
async fn the_gateways_certificate_is_shown_where_it_is_asked_for() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let backend = Secure::start(&servers.sign(&["app.test"]), Some(&clients)).await;
    let with = |authority: Option<&Authority>| {
        let client = authority.map(|authority| authority.sign(&["gateway.test"]));
        Arc::new(servers.showing("app.test", &[], client))
    };
    for (client, expected) in [(Some(&clients), 200), (Some(&servers), 502), (None, 502)] {
        let bed = Bed::start(&[rule(HTTP1, &with(client), backend.address)]);
        let (status, body) = get(&bed).await;
        assert_eq!(status, expected, "{body}");
        assert!(expected != 200 || body.contains("1 certificates"), "{body}");
        bed.stop().await;
    }
}

/// A reload that changes nothing of what is asked of a backend costs no handshake; one that does
/// never uses a connection that was verified for something else.
#[tokio::test]
async fn connections_are_shared_by_what_is_asked() {
    let authority = Authority::new();
    let backend = Secure::start(&authority.sign(&["app.test", "b.test"]), None).await;
    for protocol in [HTTP1, BackendProtocol::Http2] {
        let before = backend.handshakes();
        let tls = |name: &str| authority.demand(name, &[]);
        let bed = Bed::start(&[rule(protocol, &tls("app.test"), backend.address)]);
        for _ in 0..3 {
            bed.reload(&[rule(protocol, &tls("app.test"), backend.address)]);
            assert_eq!(get(&bed).await.0, 200);
        }
        assert_eq!(backend.handshakes() - before, 1, "{protocol:?}");
        bed.reload(&[rule(protocol, &tls("b.test"), backend.address)]);
        let (_, body) = get(&bed).await;
        assert!(body.contains("sni b.test"), "{body}");
        bed.reload(&[rule(protocol, &tls("x.test"), backend.address)]);
        assert_eq!(get(&bed).await.0, 502);
        assert_eq!(backend.handshakes() - before, 2, "{protocol:?}");
        bed.stop().await;
    }
}
