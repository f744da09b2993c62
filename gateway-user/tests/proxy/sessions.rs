//! Clients that come back to the endpoint that they had.

use gateway_core::plan::{Carrier, Session};

use crate::{
    backend::{Backend, refusing},
    bed::{Bed, Rule, To, rule},
    raw::{Answer, ask},
};

fn rules(to: &[To]) -> Vec<Rule> {
    vec![Rule {
        to: to.to_vec(),
        ..rule("/", ([127, 0, 0, 1], 1).into())
    }]
}

fn bed(to: &[To], carrier: Carrier) -> Bed {
    Bed::edited(&rules(to), |rules, _| {
        rules[0].session = Some(Session {
            name: "sid".into(),
            carrier,
            lifetime: None,
            key: "key".into(),
        });
    })
}

const COOKIE: Carrier = Carrier::Cookie { permanent: false };

/// Asks with a header that brings the session, if there is one.
async fn asked(bed: &Bed, session: &str) -> Answer {
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{session}\r\n");
    let answer = ask(bed.address, &request).await;
    assert_eq!(answer.status, 200);
    answer
}

/// The header that brings a session back.
fn brought(answer: &Answer, carrier: Carrier) -> String {
    match carrier {
        Carrier::Header => format!("sid: {}\r\n", answer.header("sid").unwrap()),
        Carrier::Cookie { .. } => {
            let cookie = answer.header("set-cookie").unwrap();
            let pair = cookie.split(';').next().unwrap();
            format!("cookie: x=y; {pair}\r\n")
        }
    }
}

#[tokio::test]
async fn a_client_comes_back_to_its_endpoint_whatever_the_weights() {
    let (a, b) = (Backend::start("a").await, Backend::start("b").await);
    for carrier in [COOKIE, Carrier::Header] {
        let to = |first, second| {
            [
                To::Service(first, vec![a.address]),
                To::Service(second, vec![b.address]),
            ]
        };
        let bed = bed(&to(0, 1), carrier);
        let first = asked(&bed, "").await;
        assert_eq!(first.header("x-backend"), Some("b"));
        let session = brought(&first, carrier);
        assert!(!session.contains("127.0.0.1"), "{session}");
        bed.stop().await;
        // Another process, and a split that sends nobody there any more.
        let bed = self::bed(&to(1, 0), carrier);
        for _ in 0..5 {
            let again = asked(&bed, &session).await;
            assert_eq!(again.header("x-backend"), Some("b"));
            assert_eq!(again.header("set-cookie"), None);
        }
        assert_eq!(asked(&bed, "").await.header("x-backend"), Some("a"));
        bed.stop().await;
    }
}

#[tokio::test]
async fn clients_are_kept_apart_from_each_other() {
    let backends = [
        Backend::start("a").await,
        Backend::start("b").await,
        Backend::start("c").await,
    ];
    let addresses = backends.iter().map(|b| b.address).collect();
    let bed = bed(&[To::Service(1, addresses)], COOKIE);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let first = asked(&bed, "").await;
        let (name, session) = (first.header("x-backend"), brought(&first, COOKIE));
        assert_eq!(asked(&bed, &session).await.header("x-backend"), name);
        seen.insert(name.unwrap().to_owned());
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
    bed.stop().await;
}

#[tokio::test]
async fn a_session_whose_endpoint_fails_goes_on_elsewhere() {
    let (gone, a) = (refusing().await, Backend::start("a").await);
    let alone = bed(&[To::Service(1, vec![a.address])], COOKIE);
    let good = brought(&asked(&alone, "").await, COOKIE);
    alone.stop().await;
    let bed = bed(&[To::Service(1, vec![gone, a.address])], COOKIE);
    let again = asked(&bed, "cookie: sid=0123456789abcdef0123456789abcdef\r\n").await;
    let session = brought(&again, COOKIE);
    assert_eq!(again.header("x-backend"), Some("a"));
    // The name depends on the backend, of which this is the same.
    assert_eq!(session, good);
    bed.stop().await;
}
