//! Label selectors (Kubernetes API conventions, `LabelSelector`).

use serde::Deserialize;

use super::{Open, object::Labels, open::api_enum};

/// All parts must match; without parts it matches everything.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    #[serde(default)]
    pub match_labels: Labels,
    #[serde(default)]
    pub match_expressions: Vec<Expression>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Expression {
    pub key: String,
    pub operator: Open<Operator>,
    #[serde(default)]
    pub values: Vec<String>,
}

api_enum! { pub Operator {
    In = "In",
    NotIn = "NotIn",
    Exists = "Exists",
    DoesNotExist = "DoesNotExist",
} }

impl Selector {
    pub fn matches(&self, labels: &Labels) -> bool {
        let equal = |(key, value)| labels.get(key) == Some(value);
        self.match_labels.iter().all(equal)
            && self.match_expressions.iter().all(|e| e.matches(labels))
    }
}

impl Expression {
    /// An unknown operator matches nothing.
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Open::Known(Operator::In) => listed,
            Open::Known(Operator::NotIn) => !listed,
            Open::Known(Operator::Exists) => value.is_some(),
            Open::Known(Operator::DoesNotExist) => value.is_none(),
            Open::Unknown(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Selector;

    #[test]
    fn selectors() {
        let labels = [("team", "a"), ("env", "prod")];
        let labels = labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let cases = [
            ("{}", true),
            (r#"{"matchLabels":{"team":"a","env":"prod"}}"#, true),
            (r#"{"matchLabels":{"team":"b"}}"#, false),
            (
                r#"{"matchExpressions":[{"key":"team","operator":"In","values":["a","b"]}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"x","operator":"In","values":["a"]}]}"#,
                false,
            ),
            (
                r#"{"matchExpressions":[{"key":"team","operator":"NotIn","values":["b"]}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"x","operator":"NotIn","values":["b"]}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"env","operator":"Exists"}]}"#,
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"env","operator":"DoesNotExist"}]}"#,
                false,
            ),
            (
                r#"{"matchExpressions":[{"key":"env","operator":"Near"}]}"#,
                false,
            ),
            (
                r#"{"matchLabels":{"team":"a"},"matchExpressions":[{"key":"x","operator":"Exists"}]}"#,
                false,
            ),
        ];
        for (selector, expected) in cases {
            let read: Selector = serde_json::from_str(selector).expect(selector);
            assert_eq!(read.matches(&labels), expected, "{selector}");
        }
    }
}
