//! From a schema: an object that has every property, and one broken value for each rule.

use std::fmt;

use gateway_core::api::path::{Path, Step};
use serde_json::{Map, Value as Json, json};

/// A change of one field that breaks one rule of the schema.
pub(crate) struct Mutation {
    pub(crate) field: Path,
    /// Name of the rule in OpenAPI.
    pub(crate) rule: &'static str,
    /// `None`: the field is removed.
    value: Option<Json>,
}

impl Mutation {
    pub(crate) fn apply(&self, object: &mut Json) {
        let (last, parents) = self.field.0.split_last().expect("a path");
        let parent = parents.iter().fold(object, |json, step| match step {
            Step::Field(name) => &mut json[&**name],
            Step::Index(index) => &mut json[*index],
        });
        match (last, &self.value) {
            (Step::Field(name), Some(value)) => parent[&**name] = value.clone(),
            (Step::Index(index), Some(value)) => parent[*index] = value.clone(),
            (Step::Field(name), None) => {
                drop(
                    parent
                        .as_object_mut()
                        .and_then(|fields| fields.remove(&**name)),
                );
            }
            (Step::Index(_), None) => panic!("no item is required"),
        }
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.rule)
    }
}

/// A value with every property once; it need not satisfy the rules, only the types.
pub(crate) fn example(schema: &Json) -> Json {
    match schema["type"].as_str() {
        Some("object") => {
            let own = properties(schema).map(|(name, schema)| (name.clone(), example(schema)));
            let free = schema["additionalProperties"].is_object();
            let free = free.then(|| ("x".to_owned(), example(&schema["additionalProperties"])));
            own.chain(free).collect::<Map<_, _>>().into()
        }
        Some("array") => json!([example(&schema["items"])]),
        Some("integer") => {
            let least = schema["minimum"].as_i64().unwrap_or_default().max(1);
            schema["enum"].get(0).cloned().unwrap_or(json!(least))
        }
        Some("boolean") => json!(true),
        Some("string") => schema["enum"]
            .get(0)
            .cloned()
            .unwrap_or(json!(text(schema))),
        other => panic!("a schema of type {other:?}"),
    }
}

/// A duration (GEP-2257) is a type of its own: text that is none cannot be read at all. Not every
/// schema of one has its pattern.
fn text(schema: &Json) -> &'static str {
    let says = |field: &str, text| schema[field].as_str().is_some_and(|s| s.contains(text));
    match says("pattern", "h|m|s|ms") || says("description", "Gateway API Duration") {
        true => "1s",
        false => "x",
    }
}

/// One for each rule of the schema of `spec`, and of everything in it.
pub(crate) fn mutations(spec: &Json) -> Vec<Mutation> {
    let mut out = Vec::new();
    walk(&Path::spec(), spec, &mut out);
    out
}

fn walk(at: &Path, schema: &Json, out: &mut Vec<Mutation>) {
    let mut add = |field: Path, rule, value| out.push(Mutation { field, rule, value });
    for (rule, value) in broken(schema) {
        add(at.clone(), rule, Some(value));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a name").to_owned();
        add(at.field(name), "required", None);
    }
    properties(schema).for_each(|(name, schema)| walk(&at.field(name.clone()), schema, out));
    if schema["items"].is_object() {
        walk(&at.index(0), &schema["items"], out);
    }
    if schema["additionalProperties"].is_object() {
        walk(&at.field("x"), &schema["additionalProperties"], out);
    }
}

/// Values that break one rule each.
fn broken(schema: &Json) -> Vec<(&'static str, Json)> {
    let number = |rule: &str| schema[rule].as_u64();
    let size = |rule: &str| number(rule).and_then(|n| usize::try_from(n).ok());
    let text = schema["type"] == "string";
    let wrong = if text { json!({"x": 1}) } else { json!(7.5) };
    let items = |count| json!(vec![example(&schema["items"]); count]);
    let fields = |count| {
        (0..count)
            .map(|i| (format!("x{i}"), json!("x")))
            .collect::<Map<_, _>>()
    };
    let repeated = ["map", "set"]
        .iter()
        .any(|kind| schema["x-kubernetes-list-type"] == *kind);
    let unknown = if text { json!("unknown") } else { json!(999) };
    let rules = [
        ("type", Some(wrong)),
        ("enum", schema["enum"].is_array().then_some(unknown)),
        (
            "minimum",
            number("minimum").map(|n| json!(n.cast_signed() - 1)),
        ),
        ("maximum", number("maximum").map(|n| json!(n + 1))),
        (
            "minLength",
            number("minLength").filter(|n| *n > 0).map(|_| json!("")),
        ),
        (
            "maxLength",
            size("maxLength").map(|n| json!("a".repeat(n + 1))),
        ),
        (
            "pattern",
            schema["pattern"].is_string().then(|| json!("\u{1}")),
        ),
        (
            "minItems",
            number("minItems").filter(|n| *n > 0).map(|_| json!([])),
        ),
        ("maxItems", size("maxItems").map(|n| items(n + 1))),
        (
            "maxProperties",
            size("maxProperties").map(|n| fields(n + 1).into()),
        ),
        ("unique", repeated.then(|| items(2))),
    ];
    rules
        .into_iter()
        .filter_map(|(rule, value)| Some((rule, value?)))
        .collect()
}

fn properties(schema: &Json) -> impl Iterator<Item = (&String, &Json)> {
    schema["properties"].as_object().into_iter().flatten()
}
