//! Changes of headers that an authorization server asks for.

use http::{HeaderMap, HeaderName, HeaderValue};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Beside what is there.
    Append(HeaderName, HeaderValue),
    /// If there is none.
    Add(HeaderName, HeaderValue),
    /// In place of what is there.
    Set(HeaderName, HeaderValue),
    /// As `Set`, if there is one.
    Overwrite(HeaderName, HeaderValue),
}

impl Edit {
    pub fn name(&self) -> &HeaderName {
        match self {
            Self::Append(name, _)
            | Self::Add(name, _)
            | Self::Set(name, _)
            | Self::Overwrite(name, _) => name,
        }
    }

    pub fn apply(&self, headers: &mut HeaderMap) {
        match self {
            Self::Append(name, value) => {
                headers.append(name, value.clone());
            }
            Self::Add(name, _) if headers.contains_key(name) => {}
            Self::Overwrite(name, _) if !headers.contains_key(name) => {}
            Self::Set(name, value) | Self::Add(name, value) | Self::Overwrite(name, value) => {
                headers.insert(name, value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_set_a_header() {
        let (name, new) = (
            HeaderName::from_static("a"),
            HeaderValue::from_static("new"),
        );
        let edits = || {
            [Edit::Append, Edit::Add, Edit::Set, Edit::Overwrite]
                .map(|edit| edit(name.clone(), new.clone()))
        };
        let results = |old: &[&'static str]| {
            edits().map(|edit| {
                let pairs = old
                    .iter()
                    .map(|v| (name.clone(), HeaderValue::from_static(v)));
                let mut headers = HeaderMap::from_iter(pairs);
                edit.apply(&mut headers);
                let all: Vec<_> = headers.get_all(&name).iter().cloned().collect();
                all.iter()
                    .map(|v| v.to_str().unwrap_or("?").to_owned())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(
            results(&[]),
            [vec!["new"], vec!["new"], vec!["new"], vec![]]
        );
        let there = [vec!["old", "new"], vec!["old"], vec!["new"], vec!["new"]];
        assert_eq!(results(&["old"]), there);
    }
}
