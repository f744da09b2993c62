//! What GatewayParameters change for one Gateway.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use gateway_core::plan::Parameters;
use serde_json::Value as Json;

use crate::{
    backend::{Backend, refusing},
    bed::{Bed, rule},
    raw::{Raw, get},
};

const GET: &str = "GET /a HTTP/1.1\r\nhost: a.example\r\n\r\n";

/// A log that can be read.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn read(&self) -> Vec<Json> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

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

#[tokio::test]
async fn requests_are_logged_where_that_is_wished() {
    let backend = Backend::start("a").await;
    let rules = [rule("/a", backend.address), rule("/down", refusing().await)];
    let lines = Lines::default();
    let logging = Parameters {
        access_log: true,
        ..Parameters::default()
    };
    let bed = Bed::with_parameters(&rules, logging, Box::new(lines.clone()));
    let answer = get(bed.address, "/a?b=c").await;
    get(bed.address, "/down").await;
    get(bed.address, "/none").await;
    bed.set_parameters(&rules, Parameters::default());
    get(bed.address, "/a").await;
    bed.stop().await;

    let lines = lines.read();
    let seen: Vec<_> = lines
        .iter()
        .map(|l| (l["path"].as_str(), l["status"].as_u64()))
        .collect();
    let expected = [("/a?b=c", 200), ("/down", 503), ("/none", 404)];
    assert_eq!(
        seen,
        expected.map(|(path, status)| (Some(path), Some(status)))
    );
    assert_eq!(lines[0]["gateway"], "default/gateway");
    assert_eq!(lines[0]["listener"], "web");
    assert_eq!(lines[0]["host"], "a.example");
    assert_eq!(lines[0]["client"], "127.0.0.1");
    assert_eq!(lines[0]["upstream"], backend.address.to_string());
    assert_eq!(lines[0]["responseBytes"], answer.body.len());
    assert_eq!(lines[1].get("upstream"), None);
}
