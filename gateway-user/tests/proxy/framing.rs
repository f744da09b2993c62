//! Refusals within a connection; what is refused at all is in `smuggling`.

use crate::{
    backend::Backend,
    bed::Bed,
    raw::{Raw, ask},
};

#[tokio::test]
async fn only_the_ambiguous_one_of_pipelined_requests_is_refused() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let mut raw = Raw::connect(bed.address).await;
    let good =
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let bad = "host: a\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n";
    raw.send(format!("{good}{good}POST / HTTP/1.1\r\n{bad}{good}"))
        .await;
    for status in [200, 200, 400] {
        assert_eq!(raw.answer().await.map(|a| a.status), Some(status));
    }
    assert!(raw.closes().await);
    assert_eq!(backend.requests(), 2);
    bed.stop().await;
}

#[tokio::test]
async fn other_heads_that_are_refused() {
    let backend = Backend::start("a").await;
    let bed = Bed::to(backend.address);
    let long = "x".repeat(40_000);
    for (request, status) in [
        (
            "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n".to_owned(),
            501,
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"),
            431,
        ),
        ("GET /\0 HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), 400),
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), 404),
    ] {
        let answer = ask(bed.address, &request).await;
        assert_eq!(
            answer.status,
            status,
            "{}",
            &request[..20.min(request.len())]
        );
    }
    assert_eq!(backend.requests(), 0);
    bed.stop().await;
}
