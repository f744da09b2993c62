//! Copies of requests for mirrors, and that they cost the request nothing.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use gateway_core::{
    balance::Share,
    endpoints::Endpoint,
    name::ObjectName,
    plan::{
        BackendId, BackendProtocol, HeaderEdit, HttpBackend, HttpFilter, Mirror, Target, Transport,
    },
};
use http::{HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time,
};

use crate::{
    backend::{Backend, refusing},
    bed::{Bed, rule},
    raw::{Raw, ask, get},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Everything to `backend`, with copies to each of `mirrors`.
fn bed(
    backend: std::net::SocketAddr,
    mirrors: &[std::net::SocketAddr],
    numerator: u32,
    before: Vec<HttpFilter>,
) -> Bed {
    Bed::edited(&[rule("/", backend)], |rules, endpoints| {
        rules[0].filters = before;
        for (index, mirror) in mirrors.iter().enumerate() {
            let id = BackendId {
                service: ObjectName::new("default", format!("mirror-{index}")),
                port: 80,
                transport: Transport::Tcp,
            };
            let address = *mirror;
            let endpoint = Endpoint::new(address);
            endpoints.0.insert(id.clone(), vec![endpoint]);
            let backend = HttpBackend {
                target: Target::Backend(id),
                protocol: BackendProtocol::Http1,
                tls: None,
                weight: 1,
                filters: Vec::new(),
            };
            rules[0].filters.push(HttpFilter::Mirror(Box::new(Mirror {
                backend,
                share: Share {
                    numerator,
                    denominator: 100,
                },
            })));
        }
    })
}

async fn until(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            time::sleep(Duration::from_millis(5)).await;
        }
    };
    time::timeout(PATIENCE, wait).await.expect("it in time");
}

/// Reads one request to its end marker and answers it.
async fn heard(listener: TcpListener, end: &'static str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    while !String::from_utf8_lossy(&seen).ends_with(end) {
        let count = stream.read(&mut piece).await.unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..count]);
    }
    let answer = b"HTTP/1.1 500 no\r\ncontent-length: 2\r\n\r\nno";
    stream.write_all(answer).await.unwrap();
    String::from_utf8(seen).unwrap().to_lowercase()
}

#[tokio::test]
async fn each_mirror_gets_what_the_backend_gets() {
    let backend = Backend::start("a").await;
    let (first, second) = (
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
    );
    let addresses = [first.local_addr().unwrap(), second.local_addr().unwrap()];
    let edit = HeaderEdit {
        set: vec![(
            HeaderName::from_static("x-set"),
            HeaderValue::from_static("1"),
        )],
        ..HeaderEdit::default()
    };
    let bed = bed(
        backend.address,
        &addresses,
        100,
        vec![HttpFilter::RequestHeaders(edit)],
    );
    let copies = [
        tokio::spawn(heard(first, "hello")),
        tokio::spawn(heard(second, "hello")),
    ];
    let request = "POST /x?y HTTP/1.1\r\nhost: a.example\r\ncontent-length: 5\r\n\r\nhello";
    let answer = ask(bed.address, request).await;
    assert_eq!(
        (answer.status, answer.header("x-backend")),
        (200, Some("a"))
    );
    for copy in copies {
        let seen = time::timeout(PATIENCE, copy).await.unwrap().unwrap();
        assert!(seen.starts_with("post /x?y http/1.1\r\n"), "{seen}");
        for line in [
            "host: a.example\r\n",
            "x-set: 1\r\n",
            "content-length: 5\r\n",
        ] {
            assert!(seen.contains(line), "{line} in {seen}");
        }
    }
    bed.stop().await;
}

#[tokio::test]
async fn mirrors_that_refuse_or_never_answer_change_nothing() {
    let backend = Backend::start("a").await;
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mirrors = [refusing().await, deaf.local_addr().unwrap()];
    let bed = bed(backend.address, &mirrors, 100, Vec::new());
    let mut raw = Raw::connect(bed.address).await;
    for _ in 0..20 {
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(raw.answer().await.unwrap().status, 200);
    }
    bed.stop().await;
}

/// Far more than what may wait for a mirror, which reads none of it.
#[tokio::test]
async fn a_mirror_that_lags_loses_its_copy_and_the_request_goes_on() {
    let backend = Backend::start("a").await;
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mirrors = [deaf.local_addr().unwrap()];
    let bed = bed(backend.address, &mirrors, 100, Vec::new());
    let size = 64 << 20;
    let mut raw = Raw::connect(bed.address).await;
    raw.send(format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n"
    ))
    .await;
    let piece = vec![0; 1 << 20];
    for _ in 0..size >> 20 {
        raw.send(&piece).await;
    }
    let answer = raw.answer().await.unwrap();
    assert!(answer.body.ends_with(&format!("body of {size} bytes\n")));
    // The copy's connection is given up; that a listener's backlog took it does not matter.
    let (mut copy, _) = deaf.accept().await.unwrap();
    let mut seen = 0;
    let mut piece = vec![0; 1 << 20];
    let reading = async {
        while let Ok(count @ 1..) = copy.read(&mut piece).await {
            seen += count;
        }
    };
    time::timeout(PATIENCE, reading).await.expect("its end");
    assert!(seen < size, "{seen} bytes");
    bed.stop().await;
}

#[tokio::test]
async fn mirrors_get_their_share() {
    let (backend, mirror) = (Backend::start("a").await, Backend::start("m").await);
    let bed = bed(backend.address, &[mirror.address], 20, Vec::new());
    let mut raw = Raw::connect(bed.address).await;
    for _ in 0..500 {
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(raw.answer().await.unwrap().status, 200);
    }
    // Five standard deviations of a binomial distribution are 45.
    until(|| mirror.requests() >= 55).await;
    bed.stop().await;
    assert!(mirror.requests() <= 145, "{}", mirror.requests());
    assert_eq!(backend.requests(), 500);
}

#[tokio::test]
async fn a_large_body_reaches_a_mirror_that_keeps_up() {
    let (backend, mirror) = (Backend::start("a").await, Backend::start("m").await);
    let bed = bed(backend.address, &[mirror.address], 100, Vec::new());
    let mut raw = Raw::connect(bed.address).await;
    raw.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    for round in 1..=32_u64 {
        raw.send(format!("8000\r\n{}\r\n", "x".repeat(0x8000)))
            .await;
        until(|| mirror.seen.read.load(SeqCst) == round * 0x8000).await;
    }
    raw.send("0\r\n\r\n").await;
    assert_eq!(raw.answer().await.unwrap().status, 200);
    assert_eq!(get(bed.address, "/").await.status, 200);
    until(|| mirror.requests() == 2).await;
    bed.stop().await;
}
