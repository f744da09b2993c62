//! What method matches become, and values that a newer API may allow.

use super::*;

fn matches(method: &str) -> Result<String, String> {
    let source = format!(r#"{{"method":{method}}}"#);
    let source: Match = serde_json::from_str(&source).expect(method);
    let mut verdicts = Vec::new();
    match matched("at", &source, &mut verdicts) {
        Some(found) => {
            let path = match found.path {
                PathMatch::Method(MethodPattern {
                    regex,
                    any_service,
                    any_method,
                }) => format!("{regex} {any_service} {any_method}"),
                other => format!("{other:?}"),
            };
            Ok(format!("{} {path}", found.method.expect("POST")))
        }
        None => Err(verdicts.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn methods_become_paths() {
    let cases = [
        ("null", r#"POST Prefix("/")"#),
        (
            r#"{"service":"a.B","method":"C"}"#,
            r#"POST Exact("/a.B/C")"#,
        ),
        (r#"{"service":"a.B"}"#, r#"POST Prefix("/a.B")"#),
        (r#"{"service":"a.B","method":""}"#, r#"POST Prefix("/a.B")"#),
        (r#"{"method":"C"}"#, "POST ^(?:/[^/]+/(?:C))$ true false"),
        (
            r#"{"type":"RegularExpression","service":"a|b","method":"C|D"}"#,
            "POST ^(?:/(?:a|b)/(?:C|D))$ false false",
        ),
        (
            r#"{"type":"RegularExpression","service":"a.*"}"#,
            "POST ^(?:/(?:a.*)/[^/]+)$ false true",
        ),
        (
            r#"{"type":"RegularExpression","method":"C|D"}"#,
            "POST ^(?:/[^/]+/(?:C|D))$ true false",
        ),
        (
            r#"{"type":"RegularExpression","service":""}"#,
            r#"POST Prefix("/")"#,
        ),
    ];
    for (method, expected) in cases {
        assert_eq!(matches(method).as_deref(), Ok(expected), "{method}");
    }
}

#[test]
fn what_is_not_understood_is_reported_where_it_is() {
    let cases = [
        (
            r#"{"type":"Glob","service":"a*"}"#,
            "at.method.type is \"Glob\"; use one of Exact, RegularExpression",
        ),
        (
            r#"{"type":"RegularExpression","service":"a)(b","method":"c"}"#,
            "at.method.service: the regular expression \"a)(b\" cannot be read",
        ),
        (
            r#"{"type":"RegularExpression","method":"("}"#,
            "at.method.method: the regular expression \"(\" cannot be read",
        ),
    ];
    for (method, expected) in cases {
        let found = matches(method).expect_err(method);
        assert!(found.starts_with(expected), "{method}: {found}");
    }
}
