//! Lines about requests: which there are, what they look like, and the flags in them.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use gateway_core::{
    balance::Share,
    endpoints::Endpoints,
    plan::{AccessLog, HttpFilter, HttpRule, LogFormat, Parameters, Redirect, RouteKind, Timeouts},
};
use gateway_user::proxy::Limits;
use http_body_util::{BodyExt as _, Full};
use serde_json::Value as Json;
use tokio::io::AsyncReadExt as _;

use crate::{
    aborts::hasty,
    backend::{Backend, refusing},
    bed::{Bed, Rule, To, rule},
    cors, h2, limits,
    raw::{Raw, ask, get},
    tls,
};

/// A log that can be read.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

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
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn read(&self) -> Vec<Json> {
        let text = self.text();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

pub(crate) fn logging(format: LogFormat, sample: Share) -> Parameters {
    Parameters {
        access_log: Some(AccessLog { format, sample }),
        ..Parameters::default()
    }
}

#[tokio::test]
async fn requests_are_logged_where_that_is_wished() {
    let backend = Backend::start("a").await;
    let rules = [rule("/a", backend.address), rule("/down", refusing().await)];
    let lines = Lines::default();
    let logging = logging(LogFormat::Json, Share::ALL);
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

#[tokio::test]
async fn text_begins_with_the_common_log_format() {
    let backend = Backend::start("a").await;
    let lines = Lines::default();
    let logging = logging(LogFormat::Text, Share::ALL);
    let rules = [rule("/", backend.address)];
    let bed = Bed::with_parameters(&rules, logging, Box::new(lines.clone()));
    let request = "GET /a?b=%22 HTTP/1.1\r\nhost: a.example\r\nx-request-id: id-1\r\n\r\n";
    let answer = ask(bed.address, request).await;
    bed.stop().await;
    let text = lines.text();
    let (begin, rest) = text.split_once(" [").unwrap();
    assert_eq!(begin, "127.0.0.1 - -");
    let (_, rest) = rest.split_once("] ").unwrap();
    let expected = format!(
        "\"GET /a?b=%22 HTTP/1.1\" 200 {} \"a.example\" default/gateway web {} ",
        answer.body.len(),
        backend.address
    );
    assert!(rest.starts_with(&expected), "{rest}");
    assert!(
        rest.ends_with(" - id-1\n") && text.lines().count() == 1,
        "{rest}"
    );
}

#[tokio::test]
async fn failures_are_in_samples_of_any_size() {
    let backend = Backend::start("a").await;
    let rules = [rule("/a", backend.address), rule("/down", refusing().await)];
    let lines = Lines::default();
    let none = Share {
        numerator: 0,
        denominator: 1,
    };
    let logging = logging(LogFormat::Json, none);
    let bed = Bed::with_parameters(&rules, logging, Box::new(lines.clone()));
    for path in ["/a", "/none", "/down"] {
        get(bed.address, path).await;
    }
    bed.stop().await;
    let lines = lines.read();
    let paths: Vec<_> = lines.iter().map(|line| line["path"].as_str()).collect();
    assert_eq!(paths, [Some("/down")]);
}

/// For each flag but `MD`, a path whose requests have it.
async fn rules(backend: &Backend) -> Vec<Rule> {
    let to = |prefix, to| Rule {
        to: vec![to],
        ..rule(prefix, backend.address)
    };
    let broken = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab";
    let redirect = HttpFilter::Redirect(Redirect {
        scheme: None,
        hostname: None,
        path: None,
        port: Some(443),
        status: 302,
    });
    let filtered = |prefix, filter| Rule {
        filters: vec![filter],
        ..rule(prefix, backend.address)
    };
    vec![
        to("/invalid", To::Invalid(1)),
        to("/empty", To::Service(1, vec![])),
        to("/http2", To::Http2(1, vec![backend.address])),
        rule("/refused", refusing().await),
        rule("/closes", hasty("").await),
        rule("/breaks-off", hasty(broken).await),
        rule("/nonsense", hasty("nonsense\r\n\r\n").await),
        rule("/slow", backend.address),
        rule("/stall", backend.address),
        rule("/zeros", backend.address),
        rule("/well", backend.address),
        filtered("/redirect", redirect),
        filtered("/cors", cors::filter()),
    ]
}

/// What the plan has for those, beside their paths.
fn edit(rules: &mut [HttpRule], _: &mut Endpoints) {
    for rule in rules {
        let path = format!("{:?}", rule.matches[0].path);
        if path.contains("slow") || path.contains("stall") {
            let backend = Some(Duration::from_millis(200));
            rule.timeouts = Timeouts {
                request: backend,
                backend: None,
            };
        }
    }
}

async fn send(address: SocketAddr, head: &str) {
    ask(address, &format!("{head}\r\nhost: a\r\n\r\n")).await;
}

/// Reads what comes until the end.
async fn read_all(mut raw: Raw) {
    let mut rest = Vec::new();
    let end = raw.0.read_to_end(&mut rest);
    let end = tokio::time::timeout(Duration::from_secs(10), end).await;
    end.expect("the connection ends").ok();
}

/// Requests that get no answer of a backend, or no whole one.
async fn fail(address: SocketAddr) {
    for path in [
        "invalid", "empty", "refused", "closes", "nonsense", "redirect", "well",
    ] {
        send(address, &format!("GET /{path} HTTP/1.1")).await;
    }
    send(address, "GET /none HTTP/1.1").await;
    send(address, "GET /slow/60000 HTTP/1.1").await;
    let upgrade = "GET /http2 HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket";
    send(address, upgrade).await;
    for (path, origin) in [
        ("friend", "https://www.foo.com"),
        ("foe", "https://foe.com"),
    ] {
        let head = format!("OPTIONS /cors/{path} HTTP/1.1\r\norigin: {origin}");
        send(
            address,
            &format!("{head}\r\naccess-control-request-method: GET"),
        )
        .await;
    }
    let long = "x".repeat(300);
    send(address, &format!("GET /well/{long} HTTP/1.1")).await;
    let path = |path| limits::chunked(1_001).replace("/ ", path);
    ask(address, &path("/well/large ")).await;
    ask(address, &path("/well/malformed ").replace("3e9", "3e9 x")).await;
    ask(address, "GET /well/no-host HTTP/1.1\r\n\r\n").await;
    let silent = "PUT /well/silent HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n";
    ask(address, silent).await;
    for path in ["/breaks-off", "/stall"] {
        let mut raw = Raw::connect(address).await;
        raw.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        read_all(raw).await;
    }
}

/// Requests whose clients leave.
async fn leave(address: SocketAddr, backend: &Backend) {
    let before = backend.requests();
    let mut early = Raw::connect(address).await;
    early
        .send("GET /zeros/slow HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    while backend.requests() == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(early);
    let mut late = Raw::connect(address).await;
    late.send("GET /zeros/500000000 HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    late.0.read_u8().await.unwrap();
    drop(late);
}

/// Path, status and flag of each line.
type Seen = BTreeMap<String, (Option<u64>, Option<String>)>;

fn seen(lines: &Lines) -> Seen {
    let lines = lines.read();
    let line = |line: &Json| {
        let path = line["path"].as_str().unwrap().to_owned();
        let flag = line["flags"].as_str().map(str::to_owned);
        (path, (line["status"].as_u64(), flag))
    };
    lines.iter().map(line).collect()
}

#[tokio::test]
async fn flags_tell_why_an_answer_is_not_a_backends() {
    let backend = Backend::start("a").await;
    let lines = Lines::default();
    let limits = Limits {
        target_bytes: 300,
        body_bytes: 1_000,
        body_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let bed = Bed::new(limits, Box::new(lines.clone()));
    let logging = logging(LogFormat::Json, Share::ALL);
    bed.serve(RouteKind::Http, &rules(&backend).await, logging, edit);
    fail(bed.address).await;
    leave(bed.address, &backend).await;
    bed.stop().await;

    let long = format!("/well/{}", "x".repeat(300));
    let expected = [
        ("/well", Some(200), None),
        ("/none", Some(404), Some("NR")),
        ("/invalid", Some(500), Some("NC")),
        ("/empty", Some(503), Some("UH")),
        ("/refused", Some(503), Some("UF")),
        ("/slow/60000", Some(504), Some("UT")),
        ("/stall", Some(200), Some("UT")),
        ("/closes", Some(502), Some("UC")),
        ("/breaks-off", Some(200), Some("UC")),
        ("/nonsense", Some(502), Some("UPE")),
        ("/zeros/slow", None, Some("DC")),
        ("/zeros/500000000", Some(200), Some("DC")),
        ("/well/no-host", Some(400), Some("DPE")),
        ("/well/malformed", Some(400), Some("DPE")),
        ("/well/silent", Some(408), Some("SI")),
        (&long, Some(414), Some("TL")),
        ("/well/large", Some(413), Some("BL")),
        ("/http2", Some(501), Some("VM")),
        ("/redirect", Some(302), Some("RD")),
        ("/cors/friend", Some(204), Some("CP")),
        ("/cors/foe", Some(403), Some("CO")),
    ];
    let expected =
        expected.map(|(path, status, flag)| (path.to_owned(), (status, flag.map(str::to_owned))));
    assert_eq!(seen(&lines), Seen::from(expected));
}

#[tokio::test]
async fn whole_answers_have_no_flag() {
    let backend = Backend::start("a").await;
    let lines = Lines::default();
    let logging = logging(LogFormat::Json, Share::ALL);
    let rules = [rule("/", backend.address)];
    let bed = Bed::with_parameters(&rules, logging, Box::new(lines.clone()));
    send(bed.address, "GET /trailers HTTP/1.1\r\nte: trailers").await;
    send(bed.address, "GET /zeros/100000 HTTP/1.1").await;
    for request in [
        "GET /trailers?old HTTP/1.0\r\n\r\n",
        "HEAD /head HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    ] {
        let mut raw = Raw::connect(bed.address).await;
        raw.send(request).await;
        read_all(raw).await;
    }
    let (mut sender, _connection) = h2::connect(&bed).await;
    for path in ["/h2", "/zeros/70000", "/zeros/0"] {
        let request = h2::post(path, Full::default().boxed());
        let answer = sender.send_request(request).await.unwrap();
        answer.into_body().collect().await.unwrap();
    }
    bed.stop().await;
    let seen = seen(&lines);
    assert_eq!(seen.len(), 7, "{seen:?}");
    for (path, (status, flag)) in seen {
        assert_eq!((status, flag), (Some(200), None), "{path}");
    }
}

#[tokio::test]
async fn a_connection_for_another_host_has_its_flag() {
    let lines = Lines::default();
    let sites = tls::two_sites();
    let bed = Bed::new(Limits::default(), Box::new(lines.clone()));
    let listeners = sites.iter().map(|site| site.listener.clone()).collect();
    let logging = logging(LogFormat::Json, Share::ALL);
    bed.store(listeners, &Endpoints::default(), logging);
    let mut stream = tls::connect(&bed, &sites, "b.example.com", &[])
        .await
        .unwrap();
    tls::ask(&mut stream, "a.example.com").await;
    drop(stream);
    bed.stop().await;
    let expected = (Some(421), Some("MD".to_owned()));
    assert_eq!(seen(&lines), Seen::from([("/".to_owned(), expected)]));
}
