//! Tokens: who gives which, and which are believed.

use std::time::Duration;

use super::*;
use crate::{
    endpoints::{Endpoint, Endpoints},
    name::ObjectName,
    plan::{BackendProtocol, HttpBackend, Target, Transport},
};

const NOW: u64 = 1_700_000_000;

fn id(name: &str) -> BackendId {
    BackendId {
        service: ObjectName::new("default", name),
        port: 80,
        transport: Transport::Tcp,
    }
}

fn endpoint(last: u8) -> SocketAddr {
    ([192, 0, 2, last], 80).into()
}

/// One backend with the endpoints that end in `ready`.
fn session(carrier: Carrier, lifetime: Option<Duration>, key: &str, ready: &[u8]) -> Session {
    let ready = ready.iter().map(|last| Endpoint::new(endpoint(*last)));
    let endpoints = Endpoints([(id("web"), ready.collect())].into());
    let backend = HttpBackend {
        target: Target::Backend(id("web")),
        protocol: BackendProtocol::Http1,
        tls: None,
        weight: 0,
        filters: Vec::new(),
    };
    let planned = Planned {
        name: "sid".into(),
        carrier,
        lifetime,
        key: key.into(),
    };
    Session::new(&planned, [Backend::new(&backend, &endpoints)].into()).expect("a session")
}

const COOKIE_TYPE: Carrier = Carrier::Cookie { permanent: false };

fn told(session: &Session, scheme: Scheme) -> HeaderMap {
    let mut headers = HeaderMap::new();
    session.tell(None, (&id("web"), endpoint(2)), scheme, NOW, &mut headers);
    headers
}

/// The request headers of a client that sends back what it was told.
fn back(told: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(cookie) = told.get(SET_COOKIE) {
        let cookie = cookie.to_str().expect("text");
        let pair = cookie.split(';').next().expect("a pair");
        let line = format!("a=b; sidx=1; {pair}; z");
        headers.insert(COOKIE, line.parse().expect("a value"));
    }
    if let Some(token) = told.get("sid") {
        headers.insert("sid", token.clone());
    }
    headers
}

fn found(session: &Session, headers: &HeaderMap, now: u64) -> Option<SocketAddr> {
    session.seat(headers, now).map(|seat| seat.endpoint)
}

#[test]
fn what_is_told_leads_back_on_every_node_that_knows_the_key() {
    for carrier in [COOKIE_TYPE, Carrier::Header] {
        let told = told(&session(carrier, None, "k", &[1, 2, 3]), Scheme::Http);
        let headers = back(&told);
        let elsewhere = session(carrier, None, "k", &[3, 2]);
        assert_eq!(found(&elsewhere, &headers, NOW), Some(endpoint(2)));
        let gone = session(carrier, None, "k", &[1, 3]);
        assert_eq!(found(&gone, &headers, NOW), None);
        let other = session(carrier, None, "other", &[1, 2, 3]);
        assert_eq!(found(&other, &headers, NOW), None);
    }
}

#[test]
fn cookies_have_the_attributes_that_keep_them_safe() {
    let cookie = |lifetime, permanent, scheme| {
        let carrier = Carrier::Cookie { permanent };
        let told = told(&session(carrier, lifetime, "k", &[2]), scheme);
        let text = told[SET_COOKIE].to_str().expect("text").to_owned();
        assert!(!text.contains("192"), "{text}");
        let (pair, attributes) = text.split_once("; ").expect("attributes");
        assert!(pair.starts_with("sid="), "{pair}");
        attributes.to_owned()
    };
    let hour = Some(Duration::from_secs(3600));
    let base = "Path=/; HttpOnly; SameSite=Strict";
    assert_eq!(cookie(None, false, Scheme::Http), base);
    assert_eq!(
        cookie(hour, false, Scheme::Https),
        format!("{base}; Secure")
    );
    assert_eq!(
        cookie(hour, true, Scheme::Http),
        format!("{base}; Max-Age=3600")
    );
}

#[test]
fn sessions_end_and_clients_cannot_put_that_off() {
    let session = session(COOKIE_TYPE, Some(Duration::from_secs(60)), "k", &[2]);
    let headers = back(&told(&session, Scheme::Http));
    assert_eq!(found(&session, &headers, NOW + 59), Some(endpoint(2)));
    assert_eq!(found(&session, &headers, NOW + 60), None);
    let line = headers[COOKIE].to_str().expect("text");
    let end = format!("{:x}", NOW + 60);
    let later = line.replace(&end, &format!("{:x}", NOW + 600));
    assert_ne!(line, later);
    let mut forged = HeaderMap::new();
    forged.insert(COOKIE, later.parse().expect("a value"));
    assert_eq!(found(&session, &forged, NOW), None);
}

#[test]
fn a_session_is_told_once_in_a_cookie_and_always_in_a_header() {
    for (carrier, again) in [(COOKIE_TYPE, false), (Carrier::Header, true)] {
        let session = session(carrier, None, "k", &[1, 2]);
        let first = told(&session, Scheme::Http);
        let request = back(&first);
        let seat = session.seat(&request, NOW);
        let mut headers = HeaderMap::new();
        session.tell(
            seat,
            (&id("web"), endpoint(2)),
            Scheme::Http,
            NOW,
            &mut headers,
        );
        assert_eq!(headers.is_empty(), !again);
        // Another endpoint had to answer: the session goes on there.
        let seat = session.seat(&request, NOW);
        let mut headers = HeaderMap::new();
        session.tell(
            seat,
            (&id("web"), endpoint(1)),
            Scheme::Http,
            NOW,
            &mut headers,
        );
        assert_eq!(found(&session, &back(&headers), NOW), Some(endpoint(1)));
    }
}

#[test]
fn what_is_no_token_is_no_session() {
    let session = session(COOKIE_TYPE, None, "k", &[2]);
    for line in [
        "",
        "sid",
        "sid=",
        "sid=192.0.2.2:80",
        "SID=x",
        "=;;=",
        "sid=...",
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, line.parse().expect("a value"));
        assert_eq!(found(&session, &headers, NOW), None, "{line}");
    }
}
