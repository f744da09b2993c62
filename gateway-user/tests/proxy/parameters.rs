//! What GatewayParameters change for one Gateway.

use std::{io, time::Duration};

use gateway_core::plan::Parameters;

use crate::{
    backend::Backend,
    bed::{Bed, rule},
    raw::Raw,
};

const GET: &str = "GET /a HTTP/1.1\r\nhost: a.example\r\n\r\n";

fn bed(backend: &Backend, parameters: Parameters) -> Bed {
    let rules = [rule("/", backend.address)];
    Bed::with_parameters(&rules, parameters, Box::new(io::stdout()))
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_until_others_end() {
    let backend = Backend::start("a").await;
    let bed = bed(
        &backend,
        Parameters {
            connections: Some(2),
            ..Parameters::default()
        },
    );
    let mut first = Raw::connect(bed.address).await;
    let mut second = Raw::connect(bed.address).await;
    for raw in [&mut first, &mut second] {
        raw.send(GET).await;
        assert_eq!(raw.answer().await.unwrap().status, 200);
    }
    let mut third = Raw::connect(bed.address).await;
    assert!(third.closes().await);
    first.send(GET).await;
    assert_eq!(first.answer().await.unwrap().status, 200);
    drop(second);
    // Until the proxy has seen the end of the second.
    loop {
        let mut next = Raw::connect(bed.address).await;
        next.send(GET).await;
        if next
            .answer()
            .await
            .is_some_and(|answer| answer.status == 200)
        {
            break;
        }
    }
}

#[tokio::test]
async fn limits_of_a_gateway_are_in_force() {
    let backend = Backend::start("a").await;
    let bed = bed(
        &backend,
        Parameters {
            head_bytes: Some(1_024),
            idle_timeout: Some(Duration::from_secs(1)),
            ..Parameters::default()
        },
    );
    let mut idle = Raw::connect(bed.address).await;
    let mut large = Raw::connect(bed.address).await;
    let filler = "x".repeat(2_000);
    large
        .send(format!(
            "GET / HTTP/1.1\r\nhost: a\r\nfiller: {filler}\r\n\r\n"
        ))
        .await;
    assert_eq!(large.answer().await.unwrap().status, 431);
    idle.send(GET).await;
    assert_eq!(idle.answer().await.unwrap().status, 200);
    assert!(idle.closes().await);
}
