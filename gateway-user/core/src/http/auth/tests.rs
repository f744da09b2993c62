//! What servers are asked by HTTP, and what is taken over from their answers.

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST};

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn auth(path: &str, shown: &[&'static str]) -> HttpAuth {
    let name = |name: &&'static str| HeaderName::from_static(name);
    HttpAuth {
        path: path.into(),
        request_headers: shown.iter().map(name).collect(),
        response_headers: Names::All,
    }
}

fn these(names: &[&'static str]) -> Names {
    let name = |name: &&'static str| HeaderName::from_static(name);
    Names::These(names.iter().map(name).collect())
}

#[test]
fn only_what_the_api_names_and_the_rule_allows_is_shown() {
    let request = headers(&[
        ("host", "shop.example"),
        ("authorization", "Bearer a"),
        ("authorization", "Bearer b"),
        ("cookie", "c=1"),
        ("x-team", "red"),
        ("x-team", "blue"),
        ("content-length", "700"),
    ]);
    let ask = |auth: &HttpAuth, length| {
        let target = Uri::from_static("/cart?id=7");
        question(auth, &Method::PUT, &target, &request, length).expect("a question")
    };
    let bare = ask(&auth("", &[]), 0);
    assert_eq!(
        (bare.method(), bare.uri()),
        (&Method::PUT, &Uri::from_static("/cart?id=7"))
    );
    let expected = headers(&[
        ("host", "shop.example"),
        ("authorization", "Bearer a"),
        ("authorization", "Bearer b"),
        ("content-length", "0"),
    ]);
    assert_eq!(*bare.headers(), expected);
    let more = auth(
        "/check",
        &["x-team", "x-none", "x-team", "host", "content-length"],
    );
    let more = ask(&more, 12);
    assert_eq!(more.uri(), "/check/cart?id=7");
    let shown: Vec<_> = more.headers().get_all("x-team").iter().collect();
    assert_eq!(shown, ["red", "blue"]);
    assert_eq!(more.headers()[CONTENT_LENGTH], "12");
    assert_eq!(more.headers().get_all(HOST).iter().count(), 1);
    assert_eq!(more.headers().get_all(AUTHORIZATION).iter().count(), 2);
    assert_eq!(more.headers().len(), 6);
}

#[test]
fn a_prefix_fits_every_target() {
    let path = |target: &'static str| {
        let request = HeaderMap::new();
        let target = Uri::from_static(target);
        let asked = question(&auth("/a/b", &[]), &Method::GET, &target, &request, 0);
        asked.expect("a question").uri().to_string()
    };
    assert_eq!(path("/"), "/a/b/");
    assert_eq!(path("/../x?y=/"), "/a/b/../x?y=/");
    assert_eq!(path("*"), "/a/b/*");
    let long: Uri = format!("/{}", "x".repeat(65_530))
        .parse()
        .expect("a target");
    assert!(
        question(
            &auth("/a/b", &[]),
            &Method::GET,
            &long,
            &HeaderMap::new(),
            0
        )
        .is_none()
    );
}

#[test]
fn chosen_headers_are_the_servers_alone() {
    let answer = headers(&[
        ("x-user", "ann"),
        ("x-role", "a"),
        ("x-role", "b"),
        ("x-other", "1"),
    ]);
    let mut request = headers(&[
        ("x-user", "root"),
        ("x-group", "wheel"),
        ("x-group", "sudo"),
        ("x-other", "client"),
        ("host", "shop.example"),
    ]);
    allow(
        &these(&["x-user", "x-role", "x-group"]),
        &answer,
        &mut request,
    );
    let expected = headers(&[
        ("x-user", "ann"),
        ("x-role", "a"),
        ("x-role", "b"),
        ("x-other", "client"),
        ("host", "shop.example"),
    ]);
    assert_eq!(request, expected);
}

#[test]
fn all_headers_are_taken_but_those_of_the_answer_itself() {
    let answer = headers(&[
        ("x-user", "ann"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("host", "auth.example"),
        ("authority", "auth.example"),
        ("content-length", "9"),
        ("content-type", "text/plain"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
        ("trailer", "x-sum"),
        ("server", "auth"),
    ]);
    let mut request = headers(&[
        ("x-user", "root"),
        ("host", "shop.example"),
        ("content-length", "3"),
        ("content-type", "application/json"),
    ]);
    allow(&Names::All, &answer, &mut request);
    let expected = headers(&[
        ("x-user", "ann"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("host", "shop.example"),
        ("content-length", "3"),
        ("content-type", "application/json"),
        ("server", "auth"),
    ]);
    assert_eq!(request, expected);
}
