//! Asked by gRPC: what a call has, and what its answer does.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use gateway_core::{
    http::auth::check::messages::{
        CheckRequest, CheckResponse, DeniedHttpResponse, HttpRequest, HttpStatus, OkHttpResponse,
        Peer, Status,
    },
    plan::{AuthProtocol, Names},
};
use http::request::Parts;

use super::{
    calls::{ALL, Server, http_of},
    messages::{Action, header, no, ok, pair, set},
    server::{asking, edited, names},
};
use crate::{
    backend::Backend,
    raw::{Raw, ask},
};

const REQUEST: &str = "PUT /cart?id=7&token=t HTTP/1.1\r\nhost: shop.example\r\n\
    authorization: Bearer t\r\nx-user: root\r\nx-list: a\r\ncookie: c=1\r\nx-request-id: id-1\r\n\
    content-length: 5\r\n\r\nhello";

#[tokio::test]
async fn a_call_describes_the_request() {
    let backend = Backend::start("a").await;
    let server = Server::start(|_| ok(OkHttpResponse::default())).await;
    let bed = edited(&backend, &[server.address], ALL, |auth| {
        auth.body_bytes = 10;
    });
    let frontend = bed.address;
    let mut raw = Raw::connect(frontend).await;
    let client = raw.0.get_ref().local_addr().unwrap();
    raw.send(REQUEST).await;
    let seen = raw.answer().await.unwrap();
    assert!(
        seen.body.contains("x-user: root\n") && seen.body.ends_with("body of 5 bytes\n"),
        "{}",
        seen.body
    );
    bed.stop().await;
    let asked = server.asked.lock().unwrap();
    let (head, check) = &asked[0];
    is_a_call(head);
    is_between(check, client, frontend);
    is_the_request(http_of(check));
}

fn is_a_call(head: &Parts) {
    assert_eq!(head.method, "POST");
    assert_eq!(
        head.uri,
        "http://auth.default:9000/envoy.service.auth.v3.Authorization/Check"
    );
    let header = |name| head.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(
        (header("content-type"), header("te")),
        (Some("application/grpc"), Some("trailers"))
    );
    let limit = header("grpc-timeout").unwrap().strip_suffix('m').unwrap();
    assert!(
        (1..=5000).contains(&limit.parse::<u32>().unwrap()),
        "{limit}"
    );
    assert_eq!(header("authorization"), None, "only in the message");
}

fn is_between(check: &CheckRequest, client: SocketAddr, frontend: SocketAddr) {
    let attributes = check.attributes.as_ref().unwrap();
    let address = |peer: &Option<Peer>| {
        let address = peer.clone().unwrap().address.unwrap();
        let socket = address.socket_address.unwrap();
        (socket.address, socket.port_value)
    };
    assert_eq!(
        address(&attributes.source),
        ("127.0.0.1".into(), client.port().into())
    );
    assert_eq!(
        address(&attributes.destination),
        ("127.0.0.1".into(), frontend.port().into())
    );
    let time = attributes.request.as_ref().unwrap().time.unwrap().seconds;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!(
        (now - 60..=now).contains(&u64::try_from(time).unwrap()),
        "{time}"
    );
}

fn is_the_request(http: &HttpRequest) {
    let shown = |name: &str| http.headers.get(name).map(String::as_str);
    assert_eq!(shown("authorization"), Some("Bearer t"));
    assert_eq!(shown("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(shown("cookie"), Some("c=1"));
    let rest = HttpRequest {
        headers: BTreeMap::new(),
        ..http.clone()
    };
    let expected = HttpRequest {
        id: "id-1".into(),
        method: "PUT".into(),
        path: "/cart?id=7&token=t".into(),
        host: "shop.example".into(),
        scheme: "http".into(),
        size: 5,
        protocol: "HTTP/1.1".into(),
        body: "hello".into(),
        ..HttpRequest::default()
    };
    assert_eq!(rest, expected);
}

#[tokio::test]
async fn only_chosen_headers_are_shown_and_no_body_unasked() {
    let backend = Backend::start("a").await;
    let server = Server::start(|_| ok(OkHttpResponse::default())).await;
    let shown = Names::These(names(&["authorization", "x-none"]));
    let bed = asking(&backend, &[server.address], AuthProtocol::Grpc(shown));
    assert_eq!(ask(bed.address, REQUEST).await.status, 200);
    bed.stop().await;
    let asked = server.asked.lock().unwrap();
    let http = http_of(&asked[0].1);
    assert_eq!(
        http.headers,
        [("authorization".to_owned(), "Bearer t".to_owned())].into()
    );
    assert_eq!((&*http.body, &*http.raw_body, http.size), ("", &b""[..], 5));
}

#[tokio::test]
async fn an_allowance_changes_the_request_and_the_answer() {
    let backend = Backend::start("a").await;
    let server = Server::start(|_| {
        ok(OkHttpResponse {
            headers: vec![
                set("x-user", "ann"),
                header("x-list", "b", Some(true), Action::Append),
                header("x-list", "c", None, Action::AddIfAbsent),
                header("x-new", "1", None, Action::AddIfAbsent),
                header("x-none", "1", None, Action::Overwrite),
                header("x-over", "2", None, Action::OverwriteOrAdd),
            ],
            headers_to_remove: vec!["authorization".into(), "host".into()],
            response_headers_to_add: vec![
                header("set-cookie", "s=1", Some(true), Action::Append),
                set("x-backend", "hidden"),
            ],
            query_parameters_to_set: vec![pair("tenant", "t 1")],
            query_parameters_to_remove: vec!["token".into()],
        })
    });
    let server = server.await;
    let bed = asking(&backend, &[server.address], ALL);
    let answer = ask(bed.address, REQUEST).await;
    bed.stop().await;
    let seen = &answer.body;
    assert!(seen.starts_with("PUT /cart?id=7&tenant=t+1\n"), "{seen}");
    for line in [
        "x-user: ann\n",
        "x-list: a\nx-list: b\n",
        "x-new: 1\n",
        "x-over: 2\n",
        "host: shop.example\n",
        "body of 5 bytes\n",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    for gone in ["root", "authorization", "x-list: c", "x-none"] {
        assert!(!seen.contains(gone), "{gone} in {seen}");
    }
    let told = ["x-backend", "set-cookie", "x-old"].map(|name| answer.header(name));
    assert_eq!(told, [Some("hidden"), Some("s=1"), Some("1")]);
}

fn denying(http: &HttpRequest) -> CheckResponse {
    match &*http.path {
        "/bare" => CheckResponse {
            status: Some(Status {
                code: 16,
                message: String::new(),
            }),
            http_response: None,
        },
        "/no-content" => no(DeniedHttpResponse {
            status: Some(HttpStatus { code: 204 }),
            body: "none of this".into(),
            ..DeniedHttpResponse::default()
        }),
        _ => no(DeniedHttpResponse {
            status: Some(HttpStatus { code: 401 }),
            headers: vec![
                set("www-authenticate", "Basic"),
                header("set-cookie", "a=1", Some(true), Action::Append),
                header("set-cookie", "b=2", Some(true), Action::Append),
                set("content-length", "3"),
            ],
            body: "who are you?".into(),
        }),
    }
}

#[tokio::test]
async fn a_denial_is_the_answer_and_its_connection_goes_on() {
    let backend = Backend::start("a").await;
    let server = Server::start(denying).await;
    let bed = asking(&backend, &[server.address], ALL);
    let mut raw = Raw::connect(bed.address).await;
    for _ in 0..3 {
        raw.send(REQUEST).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, &*answer.body), (401, "who are you?"));
        assert_eq!(answer.header("www-authenticate"), Some("basic"));
        assert_eq!(
            answer.head.matches("set-cookie: ").count(),
            2,
            "{}",
            answer.head
        );
        assert_eq!(
            answer.head.matches("content-length: 12").count(),
            1,
            "{}",
            answer.head
        );
    }
    for (path, status) in [("/no-content", 204), ("/bare", 403), ("/no-content", 204)] {
        raw.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, &*answer.body), (status, ""));
    }
    raw.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\nGET /open HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        tokio::io::AsyncBufReadExt::read_line(&mut raw.0, &mut head)
            .await
            .unwrap();
    }
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    assert_eq!(
        raw.answer().await.unwrap().status,
        200,
        "no body after a HEAD, and another rule"
    );
    bed.stop().await;
    assert_eq!((backend.requests(), server.calls()), (1, 7));
}
