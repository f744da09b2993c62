//! Authorization among other filters, and at backends.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use gateway_core::{
    balance::Share,
    endpoints::Endpoints,
    plan::{
        AuthProtocol, HeaderEdit, HttpAuth, HttpFilter, HttpRule, Mirror, PathRewrite, Redirect,
        Rewrite, Scheme,
    },
};
use http::{HeaderName, HeaderValue};

use super::server::{Server, answer, auth, bare, names};
use crate::{
    backend::Backend,
    bed::{Bed, rule},
    cors,
    raw::{ask, get},
};

fn set(name: &'static str, value: &'static str) -> HttpFilter {
    HttpFilter::RequestHeaders(HeaderEdit {
        set: vec![(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )],
        ..HeaderEdit::default()
    })
}

fn filter(endpoints: &mut Endpoints, server: &Server, protocol: HttpAuth) -> HttpFilter {
    let name = format!("auth-{}", server.address.port());
    let auth = auth(
        endpoints,
        &name,
        &[server.address],
        AuthProtocol::Http(protocol),
    );
    HttpFilter::ExternalAuth(Box::new(auth))
}

fn bed(backend: &Backend, edit: impl FnOnce(&mut HttpRule, &mut Endpoints)) -> Bed {
    Bed::edited(&[rule("/", backend.address)], |rules, endpoints| {
        edit(&mut rules[0], endpoints);
    })
}

#[tokio::test]
async fn filters_before_are_seen_by_the_server_and_those_after_are_not() {
    let backend = Backend::start("a").await;
    let server = Server::allowing(&[("x-late", "server"), ("x-user", "ann")]).await;
    let shown = HttpAuth {
        request_headers: names(&["x-early", "x-late"]),
        ..bare()
    };
    let rewrite = |path: &str| {
        HttpFilter::Rewrite(Rewrite {
            hostname: None,
            path: Some(PathRewrite::Full(path.into())),
        })
    };
    let bed = bed(&backend, |rule, endpoints| {
        let auth = filter(endpoints, &server, shown);
        rule.filters = vec![
            set("x-early", "1"),
            auth,
            set("x-late", "2"),
            rewrite("/new"),
        ];
    });
    let seen = get(bed.address, "/old").await.body;
    bed.stop().await;
    let asked = server.asked();
    let told = ["x-early", "x-late"].map(|name| asked[0].header(name));
    assert_eq!(told, [Some("1".to_owned()), None]);
    assert_eq!(asked[0].head.uri, "/old");
    assert!(seen.starts_with("GET /new\n"), "{seen}");
    assert!(
        seen.contains("x-late: 2\n") && seen.contains("x-user: ann\n"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_redirect_after_it_is_only_for_those_who_are_allowed() {
    let backend = Backend::start("a").await;
    let server = Server::start(|asked| match asked.head.uri.path() {
        "/in" => answer(200, &[], ""),
        _ => answer(403, &[], ""),
    });
    let server = server.await;
    let redirect = HttpFilter::Redirect(Redirect {
        scheme: Some(Scheme::Https),
        hostname: None,
        path: None,
        port: None,
        status: 301,
    });
    let bed = bed(&backend, |rule, endpoints| {
        let auth = filter(endpoints, &server, bare());
        rule.filters = vec![auth, redirect];
    });
    assert_eq!(get(bed.address, "/in").await.status, 301);
    assert_eq!(get(bed.address, "/out").await.status, 403);
    bed.stop().await;
}

#[tokio::test]
async fn every_server_of_a_rule_has_to_allow() {
    let backend = Backend::start("a").await;
    let (first, second) = (
        Server::allowing(&[("x-user", "ann")]).await,
        Server::denying().await,
    );
    let shown = HttpAuth {
        request_headers: names(&["x-user"]),
        ..bare()
    };
    let bed = bed(&backend, |rule, endpoints| {
        let auths = [
            filter(endpoints, &first, bare()),
            filter(endpoints, &second, shown),
        ];
        rule.filters = auths.into();
    });
    assert_eq!(get(bed.address, "/").await.status, 401);
    bed.stop().await;
    assert_eq!(second.asked()[0].header("x-user").as_deref(), Some("ann"));
    assert_eq!((first.questions(), backend.requests()), (1, 0));
}

#[tokio::test]
async fn a_backend_may_have_a_server_of_its_own() {
    let (open, guarded) = (
        Backend::start("open").await,
        Backend::start("guarded").await,
    );
    let server = Server::denying().await;
    let rules = [
        rule("/open", open.address),
        rule("/guarded", guarded.address),
    ];
    let bed = Bed::edited(&rules, |rules, endpoints| {
        rules[1].backends[0].filters = vec![filter(endpoints, &server, bare())];
    });
    assert_eq!(get(bed.address, "/open").await.status, 200);
    assert_eq!(get(bed.address, "/guarded").await.status, 401);
    bed.stop().await;
    assert_eq!(
        (open.requests(), guarded.requests(), server.questions()),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn mirrors_get_what_was_allowed_and_nothing_else() {
    let (backend, mirror) = (Backend::start("a").await, Backend::start("m").await);
    let server = Server::start(|asked| match asked.head.uri.path() {
        "/in" => answer(200, &[("x-user", "ann")], ""),
        _ => answer(403, &[], ""),
    });
    let server = server.await;
    let bed = bed(&backend, |rule, endpoints| {
        let mut auth = auth(
            endpoints,
            "auth",
            &[server.address],
            AuthProtocol::Http(bare()),
        );
        auth.body_bytes = 100;
        let mut copy = auth.backend.clone();
        let id = gateway_core::plan::BackendId {
            service: gateway_core::name::ObjectName::new("default", "mirror"),
            port: 80,
            transport: gateway_core::plan::Transport::Tcp,
        };
        let endpoint = gateway_core::endpoints::Endpoint::new(mirror.address);
        endpoints.0.insert(id.clone(), vec![endpoint]);
        copy.target = gateway_core::plan::Target::Backend(id);
        let mirror = Mirror {
            backend: copy,
            share: Share::ALL,
        };
        // Wherever it stands: copies are of what goes to the backend.
        rule.filters = vec![
            HttpFilter::Mirror(Box::new(mirror)),
            HttpFilter::ExternalAuth(Box::new(auth)),
        ];
    });
    let request =
        |path| format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello");
    assert_eq!(ask(bed.address, &request("/out")).await.status, 403);
    assert_eq!(ask(bed.address, &request("/in")).await.status, 200);
    let copied = async {
        while mirror.seen.read.load(SeqCst) < 5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), copied)
        .await
        .expect("the copy");
    bed.stop().await;
    assert_eq!((backend.requests(), mirror.requests()), (1, 1));
}

/// Browsers send no credentials with a preflight.
#[tokio::test]
async fn preflights_are_answered_before_and_denials_can_be_read_by_pages() {
    let (backend, server) = (Backend::start("a").await, Server::denying().await);
    let bed = bed(&backend, |rule, endpoints| {
        rule.filters = vec![filter(endpoints, &server, bare()), cors::filter()];
    });
    is_open_to_preflights_only(&bed, &server).await;
    bed.stop().await;
    assert_eq!(backend.requests(), 0);
}

#[tokio::test]
async fn so_are_those_for_a_backend_with_the_filter() {
    let (backend, server) = (Backend::start("a").await, Server::denying().await);
    let bed = bed(&backend, |rule, endpoints| {
        rule.filters = vec![filter(endpoints, &server, bare())];
        rule.backends[0].filters = vec![cors::filter()];
    });
    is_open_to_preflights_only(&bed, &server).await;
    bed.stop().await;
    assert_eq!(backend.requests(), 0);
}

/// Of a page of an allowed origin.
async fn is_open_to_preflights_only(bed: &Bed, server: &Server) {
    let origin = "host: a\r\norigin: https://www.foo.com\r\n";
    assert_eq!(ask(bed.address, &preflight(origin)).await.status, 204);
    let foreign = "host: a\r\norigin: https://www.bar.org\r\n";
    assert_eq!(ask(bed.address, &preflight(foreign)).await.status, 403);
    assert_eq!(server.questions(), 0);
    let denied = ask(bed.address, &format!("GET / HTTP/1.1\r\n{origin}\r\n")).await;
    assert_eq!((denied.status, server.questions()), (401, 1));
    assert_eq!(
        denied.header("access-control-allow-origin"),
        Some("https://www.foo.com")
    );
}

fn preflight(head: &str) -> String {
    format!("OPTIONS / HTTP/1.1\r\n{head}access-control-request-method: GET\r\n\r\n")
}

/// Of the rule or of the backend: a preflight is not answered as if it were absent.
#[tokio::test]
async fn preflights_do_not_pass_by_a_filter_that_is_not_understood() {
    let backend = Backend::start("a").await;
    let head = "host: a\r\norigin: https://www.foo.com\r\n";
    for of_rule in [true, false] {
        let bed = bed(&backend, |rule, _| {
            rule.backends[0].filters = vec![cors::filter()];
            let filters = match of_rule {
                true => &mut rule.filters,
                false => &mut rule.backends[0].filters,
            };
            filters.push(HttpFilter::Invalid);
        });
        let answer = ask(bed.address, &preflight(head)).await;
        assert_eq!(answer.status, 500, "of the rule: {of_rule}");
        bed.stop().await;
    }
    assert_eq!(backend.requests(), 0);
}
