//! One message each way.

use std::sync::atomic::Ordering::SeqCst;

use gateway_user::proxy::Limits;

use super::peer::{Caller, Server, bed};

#[tokio::test]
async fn messages_and_trailers_pass_both_ways() {
    let server = Server::start().await;
    let bed = bed(&[&server], Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    for text in ["hello", ""] {
        let answer = caller.call("/shop.v1.Cart/Echo", text).await;
        assert_eq!(answer.as_deref(), Ok(text));
    }
    let long = "x".repeat(3 * 1024 * 1024);
    assert_eq!(caller.call("/shop.v1.Cart/Echo", &long).await, Ok(long));
    bed.stop().await;
}

#[tokio::test]
async fn the_head_is_the_callers_with_our_headers() {
    let server = Server::start().await;
    let bed = bed(&[&server], Limits::default());
    let mut caller = Caller::connect(bed.address).await;
    let head = caller.call("/shop.v1.Cart/Head", "").await.unwrap();
    let expected = "POST http://shop.example/shop.v1.Cart/Head\n\
                    content-length: 5\n\
                    content-type: application/grpc\n\
                    grpc-timeout: 7S\n\
                    te: trailers\n\
                    x-forwarded-for: 127.0.0.1\n\
                    x-forwarded-host: shop.example\n\
                    x-forwarded-proto: http\n\
                    x-request-id: call-1\n";
    assert_eq!(head, expected);
    bed.stop().await;
}

#[tokio::test]
async fn five_hundred_calls_ten_at_a_time_share_one_connection() {
    let server = Server::start().await;
    let bed = bed(&[&server], Limits::default());
    let caller = Caller::connect(bed.address).await;
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..10 {
        let mut caller = caller.clone();
        callers.spawn(async move {
            for m in 0..50 {
                let text = format!("{n} {m}");
                let answer = caller.call("/shop.v1.Cart/Echo", &text).await;
                assert_eq!(answer, Ok(text));
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    assert_eq!(server.seen.calls.load(SeqCst), 500);
    assert_eq!(server.seen.connections.load(SeqCst), 1);
    bed.stop().await;
}
