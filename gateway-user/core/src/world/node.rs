//! A YAML value that remembers its lines.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value as Json};
use serde_saphyr::Spanned;

use crate::api::path::{Path, Step};

#[derive(Debug)]
pub(super) struct Node {
    /// From 1.
    line: usize,
    value: Value,
}

#[derive(Debug)]
enum Value {
    /// Null, boolean, number or string.
    Scalar(Json),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Scalar(Json::Null))
    }

    /// Adds to all line numbers.
    pub(super) fn shift(&mut self, lines: usize) {
        self.line += lines;
        match &mut self.value {
            Value::Scalar(_) => (),
            Value::List(items) => items.iter_mut().for_each(|item| item.shift(lines)),
            Value::Map(items) => items.iter_mut().for_each(|(_, item)| item.shift(lines)),
        }
    }

    /// Without fields that are null, which mean the same as absent ones to the API server.
    pub(super) fn json(&self) -> Json {
        match &self.value {
            Value::Scalar(value) => value.clone(),
            Value::List(items) => items.iter().map(Self::json).collect(),
            Value::Map(items) => {
                let items = items.iter().filter(|(_, item)| !item.is_null());
                Json::Object(
                    items
                        .map(|(key, item)| (key.clone(), item.json()))
                        .collect(),
                )
            }
        }
    }

    pub(super) fn get(&self, field: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(items) => items
                .iter()
                .find(|(key, _)| key == field)
                .map(|(_, item)| item),
            _ => None,
        }
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        match &self.get(field)?.value {
            Value::Scalar(value) => value.as_str(),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// Line of the field at `path`, or of the nearest part of the path that exists.
    pub(super) fn line_of(&self, path: &Path) -> usize {
        let mut node = self;
        for step in &path.0 {
            let next = match (step, &node.value) {
                (Step::Field(name), _) => node.get(name),
                (Step::Index(index), Value::List(items)) => items.get(*index),
                (Step::Index(_), _) => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.line
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self {
            line: usize::try_from(spanned.referenced.line()).unwrap_or_default(),
            value: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Scalar(Json::Null))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Scalar(Json::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Scalar(value.into()))
    }

    /// Infinity and NaN, which JSON lacks, become null.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Scalar(
            Number::from_f64(value).map_or(Json::Null, Json::Number),
        ))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = map.next_entry()? {
            items.push(item);
        }
        Ok(Value::Map(items))
    }
}
