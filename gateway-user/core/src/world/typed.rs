//! JSON to typed values: errors with the path of the field, fields that nobody reads.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::fields::fields_at;
use crate::api::{
    check::{Problems, nearest},
    path::Path,
};

/// Reads a `T`; what is wrong or unknown goes to `out`. `None` only after an error.
pub(super) fn typed<T: DeserializeOwned>(json: &Json, out: &mut Problems) -> Option<T> {
    let mut track = serde_path_to_error::Track::new();
    let deserializer = serde_path_to_error::Deserializer::new(json, &mut track);
    let mut unread = Vec::new();
    let result = serde_ignored::deserialize(deserializer, |path| unread.push(Path::from(&path)));
    match result {
        Ok(value) => {
            unread.into_iter().for_each(|path| unknown::<T>(path, out));
            Some(value)
        }
        Err(error) => {
            let (field, message) = explain(Path::from(&track.path()), &error.to_string());
            out.error(field, message);
            None
        }
    }
}

fn unknown<T: DeserializeOwned>(path: Path, out: &mut Problems) {
    let (parent, name) = path.split_last();
    let hint = match nearest(name, fields_at::<T>(&parent).iter().copied()) {
        Some(name) => format!("did you mean {name}?"),
        None => "remove it, or mind the indentation".to_owned(),
    };
    out.warn(path, format!("unknown field, ignored: {hint}"));
}

/// serde's message in words of YAML; a missing field becomes part of the path.
fn explain(at: Path, message: &str) -> (Path, String) {
    if let Some(name) = message
        .strip_prefix("missing field `")
        .and_then(|m| m.strip_suffix('`'))
    {
        return (at.field(name.to_owned()), "is required".to_owned());
    }
    // Of base64; serde's own messages begin with a small letter.
    if message.starts_with("Invalid ") {
        let message = message.trim_end_matches('.');
        return (
            at,
            format!("is not base64 ({message}): encode it, or use stringData"),
        );
    }
    let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|m| m.split_once(", expected "))
    else {
        return (at, message.to_owned());
    };
    let found = match found {
        "map" => "a mapping",
        "sequence" => "a list",
        other => other,
    };
    let expected = match expected {
        "a string" | "string" => "text (put it into quotes)",
        "a sequence" | "Vec" => "a list",
        "i32" | "i64" | "u16" | "u32" => "a whole number (without quotes)",
        "a boolean" => "true or false",
        other if other == "a map" || other.starts_with("struct ") => "a mapping",
        other => other,
    };
    (at, format!("is {found}, but must be {expected}"))
}
