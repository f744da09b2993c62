//! Collects what is wrong with an object, and the checks that every kind needs.

use std::{collections::BTreeSet, fmt::Display, ops::RangeInclusive, sync::Arc};

use super::format::Format;
use crate::api::{Open, path::Path};

/// Something wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub field: Path,
    /// What is wrong and what to do.
    pub message: String,
    /// Warnings do not keep the object from being used.
    pub warning: bool,
}

#[derive(Debug, Default)]
pub struct Problems(pub Vec<Finding>);

impl Problems {
    pub fn error(&mut self, field: Path, message: impl Into<String>) {
        self.add(field, message.into(), false);
    }

    pub fn warn(&mut self, field: Path, message: impl Into<String>) {
        self.add(field, message.into(), true);
    }

    fn add(&mut self, field: Path, message: String, warning: bool) {
        self.0.push(Finding {
            field,
            message,
            warning,
        });
    }

    /// The text is of a format.
    pub fn text(&mut self, field: Path, value: &str, format: Format) {
        if !format.fits(value) {
            let message = format!("{value:?} is not {format}");
            self.error(field, message);
        }
    }

    pub fn optional(&mut self, field: Path, value: Option<impl AsRef<str>>, format: Format) {
        if let Some(value) = value {
            self.text(field, value.as_ref(), format);
        }
    }

    /// The number of items is in a range.
    pub fn count(&mut self, field: Path, count: usize, range: RangeInclusive<usize>) {
        if count < *range.start() {
            self.error(
                field,
                format!("must have at least {}", items(*range.start())),
            );
        } else if count > *range.end() {
            let message = format!("has {count} items, but at most {} are allowed", range.end());
            self.error(field, message);
        }
    }

    /// At most so many items, each once.
    pub fn set(&mut self, at: &Path, items: &[Arc<str>], most: usize) {
        self.count(at.clone(), items.len(), 0..=most);
        for (i, item) in items.iter().enumerate() {
            if items[..i].contains(item) {
                let message = format!("{item:?} is given twice: remove one");
                self.error(at.index(i), message);
            }
        }
    }

    /// The value is one that this version of the API knows.
    pub fn closed<T>(&mut self, field: Path, value: &Open<T>, names: &[&str]) {
        if let Open::Unknown(text) = value {
            self.one_of(field, text, names);
        }
    }

    pub fn one_of(&mut self, field: Path, value: &str, names: &[&str]) {
        if !names.contains(&value) {
            let hint = nearest(value, names.iter().copied());
            let hint = hint
                .map(|name| format!(" (did you mean {name}?)"))
                .unwrap_or_default();
            let names = names.join(", ");
            self.error(
                field,
                format!("{value:?} is not known{hint}: use one of {names}"),
            );
        }
    }

    /// No two elements of the list `at` have the same `key` in the field `name`.
    pub fn unique<K: Ord + Display>(
        &mut self,
        at: &Path,
        name: &'static str,
        keys: impl IntoIterator<Item = K>,
    ) {
        let mut seen = BTreeSet::new();
        for (i, key) in keys.into_iter().enumerate() {
            if seen.contains(&key) {
                let message = format!(
                    "{key:?} is used twice: {name}s in this list must differ",
                    key = key.to_string()
                );
                self.error(at.index(i).field(name), message);
            }
            seen.insert(key);
        }
    }
}

/// The name that was probably meant, if one is near enough to a mistyped `text`.
pub fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase();
    let distance = |name: &str| strsim::osa_distance(&lower, &name.to_lowercase());
    let ranked = names.into_iter().map(|name| (distance(name), name));
    let near = ranked.filter(|(distance, name)| *distance <= 1.max(name.len() / 4));
    near.min().map(|(_, name)| name)
}

fn items(count: usize) -> String {
    if count == 1 {
        "one item".to_owned()
    } else {
        format!("{count} items")
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_names() {
        let names = ["backendRefs", "filters", "matches", "port"];
        assert_eq!(nearest("backendRef", names), Some("backendRefs"));
        assert_eq!(nearest("backendrefs", names), Some("backendRefs"));
        assert_eq!(nearest("mtaches", names), Some("matches"));
        assert_eq!(nearest("prot", names), Some("port"));
        assert_eq!(nearest("weight", names), None);
    }
}
