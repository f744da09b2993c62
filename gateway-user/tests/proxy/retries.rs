//! Requests that are sent again because their rule says so.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use gateway_core::plan::{Retry, Timeouts};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{
    backend::refusing,
    bed::{Bed, Rule, To, rule},
    raw::{Answer, Raw, ask, get},
};

/// What a backend does with its first requests.
#[derive(Clone, Copy)]
enum Fault {
    Status(u16),
    /// Closes the connection without an answer.
    Close,
    /// Is silent for a long time.
    Silence,
}

/// Fails the first `failing` requests, then answers with what it got.
struct Flaky {
    address: SocketAddr,
    seen: Arc<AtomicUsize>,
}

impl Flaky {
    async fn start(fault: Fault, failing: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<AtomicUsize>::default();
        let shared = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, fault, failing, shared.clone()));
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> usize {
        self.seen.load(SeqCst)
    }
}

/// `None`: the connection is over.
async fn serve(
    stream: TcpStream,
    fault: Fault,
    failing: usize,
    seen: Arc<AtomicUsize>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        let number = seen.fetch_add(1, SeqCst);
        if number < failing && matches!(fault, Fault::Close) {
            return None;
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let status = match fault {
            Fault::Status(status) if number < failing => status,
            Fault::Silence if number < failing => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return None;
            }
            _ => 200,
        };
        let body = String::from_utf8_lossy(&body);
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.get_mut().write_all(answer.as_bytes()).await.ok()?;
    }
}

fn bed(to: &[SocketAddr], codes: &[u16], attempts: u32, timeouts: Timeouts) -> Bed {
    let rules = [Rule {
        to: vec![To::Service(1, to.to_vec())],
        ..rule("/", to[0])
    }];
    Bed::edited(&rules, |rules, _| {
        rules[0].timeouts = timeouts;
        rules[0].retry = Some(Retry {
            codes: codes.to_vec(),
            attempts,
            backoff: Duration::from_millis(20),
        });
    })
}

#[tokio::test]
async fn failures_are_repeated_as_often_as_the_rule_says() {
    for (fault, failing, codes, attempts, status, seen) in [
        (Fault::Status(500), 2, &[500][..], 3, 200, 3),
        (Fault::Status(500), 4, &[500], 3, 500, 4),
        (Fault::Status(503), 2, &[500], 3, 503, 1),
        (Fault::Status(503), 1, &[500, 502, 503, 504], 2, 200, 2),
        (Fault::Status(503), 2, &[], 3, 503, 1),
        (Fault::Close, 2, &[], 3, 200, 3),
        (Fault::Close, 4, &[], 3, 503, 4),
    ] {
        let backend = Flaky::start(fault, failing).await;
        let bed = bed(&[backend.address], codes, attempts, Timeouts::default());
        let answer = get(bed.address, "/").await;
        assert_eq!((answer.status, backend.seen()), (status, seen));
        bed.stop().await;
    }
}

/// A connection that was used before may close by itself; that is still a failure of the backend.
#[tokio::test]
async fn kept_connections_do_not_change_the_count() {
    let backend = Flaky::start(Fault::Status(500), 3).await;
    let bed = bed(&[backend.address], &[500], 1, Timeouts::default());
    let mut raw = Raw::connect(bed.address).await;
    for (status, seen) in [(500, 2), (200, 4), (200, 5)] {
        raw.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, backend.seen()), (status, seen));
    }
    bed.stop().await;
}

#[tokio::test]
async fn pauses_are_not_shorter_than_the_rule_says() {
    let backend = Flaky::start(Fault::Status(500), 3).await;
    let bed = bed(&[backend.address], &[500], 3, Timeouts::default());
    let begun = Instant::now();
    assert_eq!(get(bed.address, "/").await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(20 + 40 + 80));
    bed.stop().await;
}

async fn post(bed: &Bed, length: usize) -> Answer {
    let body = "x".repeat(length);
    let request = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}");
    ask(bed.address, &request).await
}

#[tokio::test]
async fn bodies_are_repeated_whole_or_not_at_all() {
    for (length, status, seen) in [(5, 200, 3), (40_000, 200, 3), (1 << 20, 500, 1)] {
        let backend = Flaky::start(Fault::Status(500), 2).await;
        let bed = bed(&[backend.address], &[500], 3, Timeouts::default());
        let answer = post(&bed, length).await;
        assert_eq!((answer.status, backend.seen()), (status, seen), "{length}");
        assert_eq!(answer.body.len(), length);
        bed.stop().await;
    }
}

#[tokio::test]
async fn attempts_that_take_too_long_are_repeated() {
    let timeouts = Timeouts {
        request: None,
        backend: Some(Duration::from_millis(200)),
    };
    for (failing, status, seen) in [(2, 200, 3), (3, 504, 3)] {
        let backend = Flaky::start(Fault::Silence, failing).await;
        let bed = bed(&[backend.address], &[], 2, timeouts);
        let answer = get(bed.address, "/").await;
        assert_eq!((answer.status, backend.seen()), (status, seen));
        bed.stop().await;
    }
}

#[tokio::test]
async fn all_attempts_together_have_the_time_of_the_request() {
    let timeouts = Timeouts {
        request: Some(Duration::from_millis(400)),
        backend: Some(Duration::from_millis(150)),
    };
    let backend = Flaky::start(Fault::Silence, 100).await;
    let bed = bed(&[backend.address], &[], 50, timeouts);
    assert_eq!(get(bed.address, "/").await.status, 504);
    assert!(backend.seen() <= 3, "{}", backend.seen());
    bed.stop().await;
}

#[tokio::test]
async fn a_repeat_goes_to_another_endpoint() {
    let (bad, good) = (
        Flaky::start(Fault::Status(503), 1_000).await,
        Flaky::start(Fault::Status(503), 0).await,
    );
    let endpoints = [bad.address, good.address];
    let bed = bed(&endpoints, &[503], 1, Timeouts::default());
    for _ in 0..20 {
        assert_eq!(get(bed.address, "/").await.status, 200);
    }
    assert_eq!(good.seen(), 20);
    bed.stop().await;
}

#[tokio::test]
async fn backends_that_refuse_connections_are_tried_again() {
    let nobody = refusing().await;
    let bed = bed(&[nobody], &[], 2, Timeouts::default());
    let begun = Instant::now();
    assert_eq!(get(bed.address, "/").await.status, 503);
    assert!(begun.elapsed() >= Duration::from_millis(20 + 40));
    bed.stop().await;
}

/// A backend that fails everything gets the requests, and a few repeats at a time.
#[tokio::test]
async fn repeats_have_a_budget() {
    let backend = Flaky::start(Fault::Status(500), usize::MAX).await;
    let bed = bed(
        &[backend.address],
        &[500],
        100,
        Timeouts {
            request: Some(Duration::from_secs(2)),
            backend: None,
        },
    );
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let address = bed.address;
        asked.spawn(async move { get(address, "/").await.status });
    }
    let answers = asked.join_all().await;
    // Ten of them at a time are repeated until their time is over; the others fail at once.
    let failed = answers.iter().filter(|status| **status == 500).count();
    assert!(failed >= 25, "{answers:?}");
    bed.stop().await;
}
