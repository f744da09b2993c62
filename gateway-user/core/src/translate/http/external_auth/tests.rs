//! What of the filter's fields becomes of the plan, and what refuses it.

use serde_json::json;

use super::*;

const AT: &str = "f";

fn http(source: serde_json::Value) -> Result<Planned, String> {
    let source: HttpAuth = serde_json::from_value(source).expect("the field http");
    super::http(AT, &source).map_err(|verdict| verdict.to_string())
}

fn path(path: &str) -> Result<String, String> {
    http(json!({ "path": path })).map(|http| http.path.to_string())
}

#[test]
fn a_path_becomes_a_prefix() {
    for (given, prefix) in [
        ("", ""),
        ("/", ""),
        ("check", "/check"),
        ("/check/", "/check"),
        ("//a/b.c/%41//", "/a/b.c/%41"),
        ("/..a", "/..a"),
    ] {
        assert_eq!(path(given).as_deref(), Ok(prefix), "{given}");
    }
}

#[test]
fn a_path_that_leads_elsewhere_is_refused() {
    for given in [
        "/a/../b",
        "..",
        "/a/%2e%2E/b",
        "/./a",
        "/a//b",
        "/a%2fb",
        "/a?b",
        "/a#b",
        "/a b",
    ] {
        let expected = format!(
            "f.path is {given:?}; write the beginning of a path such as /check, without empty \
             parts, \".\" or \"..\""
        );
        assert_eq!(path(given), Err(expected));
    }
}

#[test]
fn no_list_is_all_of_an_answer_and_nothing_of_a_request() {
    let none = http(json!({})).expect("defaults");
    assert!(none.request_headers.is_empty());
    assert_eq!(none.response_headers, Names::All);
    let some = http(json!({"allowedHeaders": ["Cookie"], "allowedResponseHeaders": ["X-User"]}));
    let some = some.expect("lists");
    assert_eq!(*some.request_headers, ["cookie"]);
    let user = HeaderName::from_static("x-user");
    assert_eq!(some.response_headers, Names::These([user].into()));
}

#[test]
fn headers_that_stay_with_their_message_are_refused() {
    let shown = |name: &str| http(json!({ "allowedHeaders": ["x-a", name] })).err();
    let copied = |name: &str| http(json!({ "allowedResponseHeaders": ["x-a", name] })).err();
    let message = |list: &str, name: &str| {
        let why = "this header cannot be taken from one message to another; remove it";
        Some(format!("f.{list}[1] is \"{name}\"; {why}"))
    };
    for name in [
        "connection",
        "transfer-encoding",
        "te",
        "upgrade",
        "trailer",
        "expect",
    ] {
        assert_eq!(shown(name), message("allowedHeaders", name));
        assert_eq!(copied(name), message("allowedResponseHeaders", name));
    }
    for name in ["host", "content-length"] {
        assert_eq!(shown(name), None, "always shown");
        assert_eq!(copied(name), message("allowedResponseHeaders", name));
    }
    let bad = "f.allowedHeaders[1] is \"x y\"; write a header name such as X-Version";
    assert_eq!(shown("x y").as_deref(), Some(bad));
}

#[test]
fn only_sizes_that_the_api_has_are_taken() {
    let size = |max_size| body_bytes(AT, ForwardBody { max_size }).map_err(|v| v.to_string());
    assert_eq!((size(0), size(65_535)), (Ok(0), Ok(65_535)));
    for wrong in [-1, 65_536] {
        let message = format!("f.forwardBody.maxSize is {wrong}; use 0 to 65535");
        assert_eq!(size(wrong), Err(message));
    }
}

#[test]
fn each_protocol_needs_its_field() {
    let protocol = |source: serde_json::Value| {
        let source: Source = serde_json::from_value(source).expect("the filter");
        protocol(AT, &source).map_err(|verdict| verdict.to_string())
    };
    let backend = json!({"name": "auth", "port": 80});
    let asked = protocol(json!({"protocol": "HTTP", "backendRef": backend, "http": {}}));
    assert!(matches!(
        asked,
        Ok((AuthProtocol::Http(_), Speech::Requests))
    ));
    let asked = protocol(json!({"protocol": "GRPC", "backendRef": backend, "grpc": {}}));
    assert!(matches!(
        asked,
        Ok((AuthProtocol::Grpc(Names::All), Speech::Calls))
    ));
    for (name, field) in [("HTTP", "http"), ("GRPC", "grpc")] {
        let asked = protocol(json!({"protocol": name, "backendRef": backend}));
        let message = format!("f.{field} is missing; protocol {name} needs it; it may be {{}}");
        assert_eq!(asked.err(), Some(message));
    }
    let asked = protocol(json!({"protocol": "UDP", "backendRef": backend}));
    assert_eq!(
        asked.err().as_deref(),
        Some("f.protocol is \"UDP\"; use one of HTTP, GRPC")
    );
}
