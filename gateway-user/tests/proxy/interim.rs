//! Interim answers of a backend (RFC 9110 section 15.2): hyper's server has no way to send any, so that
//! they end here, and must not be taken for the answer.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    bed::{Bed, Rule, To, rule},
    raw::{Raw, ask},
};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// Of a backend that has hints for each request, on one connection.
const ANSWER: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n\
    HTTP/1.1 102 Processing\r\n\r\n\
    HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n\
    HTTP/1.1 103 Early Hints\r\nlink: </script.js>; rel=preload\r\n\r\n\
    HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn the_final_answer_is_the_one_that_counts() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bed = Bed::to(listener.local_addr().unwrap());
    let backend = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..2 {
            assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
            // Byte by byte: none of it is complete at once.
            for byte in ANSWER {
                stream.write_all(&[*byte]).await.unwrap();
            }
        }
        stream
    });
    let mut raw = Raw::connect(bed.address).await;
    for _ in 0..2 {
        raw.send(GET).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, &*answer.body), (200, "ok"));
        assert!(!answer.head.contains("link:"), "{}", answer.head);
    }
    // Both came over one connection.
    drop(backend.await.unwrap());
    bed.stop().await;
}

#[tokio::test]
async fn those_of_http2_as_well() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bed = Bed::start(&[Rule {
        to: vec![To::Http2(1, vec![address])],
        ..rule("/", address)
    }]);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut answer))) = connection.accept().await {
            for status in [102, 103, 103] {
                let hint = http::Response::builder().status(status).body(()).unwrap();
                answer.send_informational(hint).unwrap();
            }
            let head = http::Response::builder().status(200).body(()).unwrap();
            let mut body = answer.send_response(head, false).unwrap();
            body.send_data("ok".into(), true).unwrap();
        }
    });
    for _ in 0..2 {
        let answer = ask(bed.address, GET).await;
        assert_eq!((answer.status, &*answer.body), (200, "ok"));
    }
    bed.stop().await;
}
