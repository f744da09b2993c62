//! Asked by HTTP: the question, and what a 200 or anything else does.

use gateway_core::plan::{AuthProtocol, HttpAuth, Names};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::server::{Server, answer, asking, bare, names};
use crate::{
    backend::Backend,
    h2,
    raw::{Raw, ask, get},
};

const FORGED: &str = "GET /cart?id=7 HTTP/1.1\r\nhost: shop.example\r\nauthorization: Bearer t\r\n\
    cookie: c=1\r\nx-user: root\r\nx-user: toor\r\nx-group: wheel\r\nx-other: mine\r\n\r\n";

#[tokio::test]
async fn the_server_is_shown_what_is_allowed_and_nothing_else() {
    let (backend, server) = (Backend::start("a").await, Server::allowing(&[]).await);
    let bed = asking(&backend, &[server.address], AuthProtocol::Http(bare()));
    assert_eq!(ask(bed.address, FORGED).await.status, 200);
    bed.stop().await;
    let auth = HttpAuth {
        path: "/check".into(),
        request_headers: names(&["cookie", "x-forwarded-for", "x-user"]),
        response_headers: Names::All,
    };
    let bed = asking(&backend, &[server.address], AuthProtocol::Http(auth));
    let request = FORGED.replace("GET", "DELETE");
    assert_eq!(ask(bed.address, &request).await.status, 200);
    bed.stop().await;

    let asked = server.asked();
    let lines = |index: usize| {
        let headers = &asked[index].head.headers;
        let mut lines: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(
        (asked[0].head.method.as_str(), asked[0].head.uri.to_string()),
        ("GET", "/cart?id=7".into())
    );
    let always = [
        "authorization: Bearer t",
        "content-length: 0",
        "host: shop.example",
    ];
    assert_eq!(lines(0), always);
    assert_eq!(asked[1].head.method, "DELETE");
    assert_eq!(asked[1].head.uri, "/check/cart?id=7");
    let mut all = always.to_vec();
    all.extend([
        "cookie: c=1",
        "x-forwarded-for: 127.0.0.1",
        "x-user: root",
        "x-user: toor",
    ]);
    all.sort_unstable();
    assert_eq!(lines(1), all);
}

#[tokio::test]
async fn what_the_server_says_takes_the_place_of_what_the_client_says() {
    let backend = Backend::start("a").await;
    let server = Server::allowing(&[
        ("x-user", "ann"),
        ("x-role", "a"),
        ("x-role", "b"),
        ("x-other", "server"),
    ])
    .await;
    let auth = HttpAuth {
        response_headers: Names::These(names(&["x-user", "x-role", "x-group"])),
        ..bare()
    };
    let bed = asking(&backend, &[server.address], AuthProtocol::Http(auth));
    let seen = ask(bed.address, FORGED).await.body;
    bed.stop().await;
    let has = |line: &str| seen.lines().any(|seen| seen == line);
    assert!(
        has("x-user: ann") && has("x-role: a") && has("x-role: b"),
        "{seen}"
    );
    assert!(!seen.contains("root") && !seen.contains("toor"), "{seen}");
    assert!(
        !seen.contains("x-group"),
        "the server does not say it: {seen}"
    );
    assert!(
        has("x-other: mine") && has("authorization: Bearer t"),
        "not chosen: {seen}"
    );
    assert!(has("host: shop.example") && has("GET /cart?id=7"), "{seen}");
}

#[tokio::test]
async fn without_a_choice_all_headers_of_the_server_are_taken() {
    let backend = Backend::start("a").await;
    let server = Server::allowing(&[
        ("x-user", "ann"),
        ("x-extra", "1"),
        ("content-type", "text/odd"),
    ])
    .await;
    let bed = asking(&backend, &[server.address], AuthProtocol::Http(bare()));
    let request = "POST / HTTP/1.1\r\nhost: a\r\ncontent-type: text/mine\r\nx-user: root\r\n\
        content-length: 5\r\n\r\nhello";
    let seen = ask(bed.address, request).await.body;
    bed.stop().await;
    let has = |line: &str| seen.lines().any(|seen| seen == line);
    assert!(has("x-user: ann") && has("x-extra: 1"), "{seen}");
    assert!(
        has("content-type: text/mine") && has("content-length: 5"),
        "{seen}"
    );
    assert!(
        has("host: a") && has("body of 5 bytes") && !seen.contains("root"),
        "{seen}"
    );
}

#[tokio::test]
async fn what_is_not_allowed_gets_the_servers_answer_and_goes_nowhere() {
    let (backend, server) = (Backend::start("a").await, Server::denying().await);
    let bed = asking(&backend, &[server.address], AuthProtocol::Http(bare()));
    let mut raw = Raw::connect(bed.address).await;
    for _ in 0..3 {
        raw.send(FORGED).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, &*answer.body), (401, "who are you?"));
        assert_eq!(
            answer.header("www-authenticate"),
            Some("basic realm=\"shop\"")
        );
        assert_eq!(
            answer.head.matches("set-cookie: ").count(),
            2,
            "{}",
            answer.head
        );
        assert!(!answer.head.contains("x-hop"), "{}", answer.head);
    }
    assert_eq!(get(bed.address, "/open").await.status, 200, "another rule");
    bed.stop().await;
    assert_eq!((backend.requests(), server.questions()), (1, 3));
    assert_eq!(
        server.connections.load(std::sync::atomic::Ordering::SeqCst),
        1
    );
}

/// The API names 200 alone.
#[tokio::test]
async fn only_a_200_lets_a_request_on() {
    let backend = Backend::start("a").await;
    for status in [201, 202, 204, 302, 304, 403, 429, 500, 503] {
        let server = Server::start(move |_| answer(status, &[("location", "/login")], "")).await;
        let bed = asking(&backend, &[server.address], AuthProtocol::Http(bare()));
        let answer = get(bed.address, "/").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("location"), Some("/login"));
        bed.stop().await;
    }
    assert_eq!(backend.requests(), 0);
}

/// A body that nobody reads must not stand in the way of the next request.
#[tokio::test]
async fn a_connection_survives_denied_requests_with_bodies() {
    let (backend, server) = (Backend::start("a").await, Server::denying().await);
    let bed = asking(&backend, &[server.address], AuthProtocol::Http(bare()));
    let mut raw = Raw::connect(bed.address).await;
    let large = "x".repeat(1 << 20);
    let known = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{large}",
        large.len()
    );
    let chunked = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n100000\r\n{large}\r\n0\r\n\r\n"
    );
    for request in [&known, &chunked, &known] {
        raw.send(request).await;
        assert_eq!(raw.answer().await.unwrap().status, 401);
        raw.send("GET /open HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let open = raw.answer().await.unwrap();
        assert!(
            open.status == 200 && open.body.starts_with("GET /open\n"),
            "{}",
            open.body
        );
    }
    bed.stop().await;
    assert_eq!(backend.requests(), 3);
    assert!(server.asked().iter().all(|asked| asked.body.is_empty()));
    assert_eq!(
        server.asked()[0].header("content-length").as_deref(),
        Some("0")
    );
}

#[tokio::test]
async fn a_client_that_waits_is_told_before_it_sends() {
    let (backend, server) = (Backend::start("a").await, Server::denying().await);
    let bed = asking(&backend, &[server.address], AuthProtocol::Http(bare()));
    let request = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    let mut raw = Raw::connect(bed.address).await;
    raw.send(request).await;
    let answer = raw.answer().await.unwrap();
    assert_eq!(answer.status, 401, "and no 100 before it");
    // What comes next may be the body, or may be another request.
    assert!(raw.closes().await);
    bed.stop().await;
    assert_eq!(backend.requests(), 0);
}

#[tokio::test]
async fn requests_of_http2_are_asked_about_one_by_one() {
    let backend = Backend::start("a").await;
    let server = Server::start(|asked| match asked.head.uri.path() {
        "/in" => answer(200, &[("x-user", "ann")], ""),
        _ => answer(403, &[], "no"),
    });
    let server = server.await;
    let bed = asking(&backend, &[server.address], AuthProtocol::Http(bare()));
    let (mut sender, _connection) = h2::connect(&bed).await;
    for _ in 0..3 {
        for (path, status) in [("/out", 403), ("/in", 200)] {
            let request = h2::post(path, Full::from("hello").boxed());
            let answer = sender.send_request(request).await.unwrap();
            assert_eq!(answer.status(), status);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let body = std::str::from_utf8(&body).unwrap();
            assert!(status != 200 || body.contains("x-user: ann\n"), "{body}");
            assert!(
                status != 200 || body.ends_with("body of 5 bytes\n"),
                "{body}"
            );
        }
    }
    bed.stop().await;
    assert_eq!(backend.requests(), 3);
    assert_eq!(
        server.asked()[0].header("host").as_deref(),
        Some("h2.example")
    );
}

#[tokio::test]
async fn an_upgrade_needs_leave_as_well() {
    let upgrade =
        "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut backend = Backend::start("a").await;
    backend.address = address;
    let denying = Server::denying().await;
    let bed = asking(&backend, &[denying.address], AuthProtocol::Http(bare()));
    assert_eq!(ask(bed.address, upgrade).await.status, 401);
    bed.stop().await;
    let allowing = Server::allowing(&[("upgrade", "other")]).await;
    let bed = asking(&backend, &[allowing.address], AuthProtocol::Http(bare()));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhi";
        stream.write_all(switch).await.unwrap();
    });
    let mut raw = Raw::connect(bed.address).await;
    raw.send(upgrade).await;
    assert_eq!(raw.answer().await.unwrap().status, 101);
    let mut seen = String::new();
    raw.0.read_to_string(&mut seen).await.unwrap();
    assert_eq!(seen, "hi");
    drop(raw);
    bed.stop().await;
    assert_eq!(allowing.asked()[0].header("upgrade"), None);
}
