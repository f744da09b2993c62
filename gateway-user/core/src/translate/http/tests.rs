//! Rules with values that a newer API may allow, and that the reader of files does not.

use super::*;
use crate::{
    plan::HttpFilter,
    translate::{Settings, nearby::Nearby},
    verdict::{ConditionType, Truth, Verdict},
    world::World,
};

/// Judges a route with one rule; returns it with its messages.
fn judge_rule(rule: &str) -> (Vec<HttpRule>, Vec<RouteVerdict>) {
    judge_rules(rule)
}

fn judge_rules(rules: &str) -> (Vec<HttpRule>, Vec<RouteVerdict>) {
    let route = format!(r#"{{"metadata":{{"name":"r"}},"spec":{{"rules":[{rules}]}}}}"#);
    let route: HttpRoute = serde_json::from_str(&route).expect(rules);
    let (world, settings) = (World::default(), Settings::default());
    let scope = Scope {
        world: &world,
        settings: &settings,
        nearby: &Nearby::new(&world),
        policies: &crate::translate::policy::Policies::new(&world),
    };
    judge(scope, &route)
}

#[test]
fn unknown_values_refuse_the_route_and_name_the_field() {
    let cases = [
        (
            r#"{"matches":[{"path":{"type":"Glob","value":"/*"}}]}"#,
            "spec.rules[0].matches[0].path.type is \"Glob\"; use one of PathPrefix, Exact, \
             RegularExpression",
        ),
        (
            r#"{"matches":[{},{"method":"BREW"}]}"#,
            "spec.rules[0].matches[1].method is \"BREW\"; use one of GET, HEAD, POST, PUT, \
             DELETE, CONNECT, OPTIONS, TRACE, PATCH",
        ),
        (
            r#"{"matches":[{"headers":[{"name":"a","type":"Near","value":""}]}]}"#,
            "spec.rules[0].matches[0].headers[0].type is \"Near\"; use one of Exact, \
             RegularExpression",
        ),
        (
            r#"{"matches":[{"headers":[{"name":"a b","value":""}]}]}"#,
            "spec.rules[0].matches[0].headers[0].name is \"a b\"; write a header name such as \
             X-Version",
        ),
        (
            r#"{"matches":[{"queryParams":[{"name":"a","type":"Near","value":""}]}]}"#,
            "spec.rules[0].matches[0].queryParams[0].type is \"Near\"; use one of Exact, \
             RegularExpression",
        ),
        (
            r#"{"filters":[{"type":"Teleport"}]}"#,
            "spec.rules[0].filters[0].type is \"Teleport\"; use one of RequestHeaderModifier, \
             ResponseHeaderModifier, RequestMirror, RequestRedirect, URLRewrite, ExtensionRef, \
             CORS, ExternalAuth",
        ),
        (
            r#"{"filters":[{"type":"RequestRedirect"}]}"#,
            "spec.rules[0].filters[0].requestRedirect is missing; type RequestRedirect needs it",
        ),
        (
            r#"{"filters":[{"type":"RequestRedirect","requestRedirect":{"scheme":"ftp"}}]}"#,
            "spec.rules[0].filters[0].requestRedirect.scheme is \"ftp\"; use one of http, https",
        ),
        (
            r#"{"filters":[{"type":"ResponseHeaderModifier",
                "responseHeaderModifier":{"set":[{"name":"a","value":"\n"}]}}]}"#,
            "spec.rules[0].filters[0].responseHeaderModifier.set[0].value is \"\\n\"; a header \
             value has no control characters",
        ),
    ];
    for (rule, expected) in cases {
        let (_, verdicts) = judge_rule(rule);
        let messages: Vec<String> = verdicts.iter().map(ToString::to_string).collect();
        assert_eq!(messages, [expected], "{rule}");
        assert!(
            verdicts[0].decides(ConditionType::Accepted, Truth::False),
            "{rule}"
        );
    }
}

#[test]
fn a_route_with_some_valid_rules_keeps_them_unless_a_value_is_unknown() {
    let valid = r#"{"filters":[{"type":"RequestRedirect","requestRedirect":{}}]}"#;
    let extension = r#"{"filters":[{"type":"ExtensionRef","extensionRef":{}}]}"#;
    let unknown = r#"{"filters":[{"type":"Teleport"}]}"#;
    let reasons = |rules: &[&str]| {
        let (_, verdicts) = judge_rules(&rules.join(","));
        let outcomes = verdicts.iter().flat_map(|v| v.outcomes().first());
        outcomes.map(|o| o.condition).collect::<Vec<_>>()
    };
    use ConditionType::{Accepted, PartiallyInvalid};
    assert_eq!(reasons(&[valid, extension]), [PartiallyInvalid]);
    assert_eq!(
        reasons(&[extension, valid, extension]),
        [PartiallyInvalid; 2]
    );
    assert_eq!(reasons(&[extension, extension]), [Accepted; 2]);
    assert_eq!(reasons(&[valid, extension, unknown]), [Accepted; 2]);
}

#[test]
fn filters_that_exclude_each_other() {
    let rule = r#"{"filters":[{"type":"RequestRedirect","requestRedirect":{}},
        {"type":"URLRewrite","urlRewrite":{}}]}"#;
    let (_, verdicts) = judge_rule(rule);
    assert_eq!(verdicts[0].outcomes()[0].reason, "IncompatibleFilters");
}

/// A filter that is left out could let requests through that it should have changed or stopped.
#[test]
fn a_filter_that_is_not_understood_is_never_left_out() {
    let (rules, _) = judge_rule(r#"{"filters":[{"type":"ExtensionRef","extensionRef":{}}]}"#);
    assert!(matches!(rules[0].filters[..], [HttpFilter::Invalid]));
}
