//! Order and precedence of filters.

use http::{HeaderName, HeaderValue};

use super::*;
use crate::plan::{Redirect, Scheme};

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
