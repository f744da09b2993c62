//! Order and precedence of filters.

use http::{HeaderName, HeaderValue};

use super::*;
use crate::plan::{
    AuthProtocol, BackendProtocol, ExternalAuth, HttpBackend, Names, Redirect, Scheme,
};

const TARGET: Target<'static> = Target {
    scheme: Scheme::Http,
    host: "a.example",
    port: 80,
    path: "/",
    query: None,
    prefix: None,
};

fn pair(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    )
}

fn edit() -> HeaderEdit {
    HeaderEdit {
        set: vec![pair("x-set", "2")],
        add: vec![pair("x-add", "2")],
        remove: vec![HeaderName::from_static("x-remove")],
    }
}

fn redirect() -> HttpFilter {
    HttpFilter::Redirect(Redirect {
        scheme: Some(Scheme::Https),
        hostname: None,
        path: None,
        port: None,
        status: 302,
    })
}

fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        pair("x-set", "1"),
        pair("x-add", "1"),
        pair("x-remove", "1"),
    ])
}

#[test]
fn set_replaces_add_appends_remove_removes() {
    let mut request = headers();
    let filters = [
        HttpFilter::RequestHeaders(edit()),
        HttpFilter::ResponseHeaders(edit()),
    ];
    assert_eq!(
        on_request(&filters, &mut request, &mut Uri::default(), &TARGET),
        Decision::Forward
    );
    assert_eq!(request.get_all("x-set").iter().collect::<Vec<_>>(), ["2"]);
    assert_eq!(
        request.get_all("x-add").iter().collect::<Vec<_>>(),
        ["1", "2"]
    );
    assert!(!request.contains_key("x-remove"));
    let mut response = headers();
    on_response(&filters, &mut response);
    assert_eq!(response, request);
}

#[test]
fn each_direction_has_its_own_filters() {
    let mut both = headers();
    on_response(&[HttpFilter::RequestHeaders(edit()), redirect()], &mut both);
    on_request(
        &[HttpFilter::ResponseHeaders(edit())],
        &mut both,
        &mut Uri::default(),
        &TARGET,
    );
    assert_eq!(both, headers());
}

#[test]
fn an_invalid_filter_wins_wherever_it_stands() {
    let filters = [redirect(), HttpFilter::Invalid];
    assert_eq!(
        on_request(&filters, &mut headers(), &mut Uri::default(), &TARGET),
        Decision::Invalid
    );
    let location = Location {
        status: 302,
        url: "https://a.example/".to_owned(),
    };
    let decision = on_request(&filters[..1], &mut headers(), &mut Uri::default(), &TARGET);
    assert_eq!(decision, Decision::Redirect(location));
}

/// The server is asked about what the filters before it made of the request.
#[test]
fn an_authorization_server_comes_where_it_stands() {
    let auth = || {
        HttpFilter::ExternalAuth(Box::new(ExternalAuth {
            backend: HttpBackend {
                target: crate::plan::Target::Invalid,
                protocol: BackendProtocol::Http1,
                tls: None,
                weight: 1,
                filters: Vec::new(),
            },
            protocol: AuthProtocol::Grpc(Names::All),
            body_bytes: 0,
        }))
    };
    let apply = |filters: &[HttpFilter]| {
        let mut request = headers();
        let decision = on_request(filters, &mut request, &mut Uri::default(), &TARGET);
        (decision, request["x-set"] == "2")
    };
    let edit = || HttpFilter::RequestHeaders(edit());
    let before = [edit(), auth(), redirect()];
    assert_eq!(apply(&before), (Decision::Authorize(1), true));
    let after = [auth(), edit()];
    assert_eq!(apply(&after), (Decision::Authorize(0), false));
    let invalid = [auth(), HttpFilter::Invalid];
    assert_eq!(apply(&invalid), (Decision::Invalid, false));
}
