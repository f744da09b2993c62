//! What a status becomes: our part of it as wanted, everything else as it is.
//!
//! Works on JSON, since the live status may hold fields and entries that we do not know. Rules
//! are those of Gateway API (notes for implementors at `GatewayClassStatus.Conditions`): merge
//! conditions by type, leave those of others, never go back behind a newer observation.

use serde_json::{Map, Value as Json};

use super::Author;
use crate::{api::ParentRef, verdict::ConditionType};

/// Items that the CRDs allow in a list of conditions, in `parents` of a route, and in `ancestors`
/// of a policy.
const MAX_CONDITIONS: usize = 8;
const MAX_PARENTS: usize = 32;
const MAX_ANCESTORS: usize = 16;
/// Characters that they allow in the message of a condition.
const MAX_MESSAGE: usize = 32_768;
/// Condition types that nobody but us sets.
const OUR_DOMAIN: &str = "xdp-gateway.dev/";
/// Transition time of conditions that the CRDs set by default: no transition has taken place.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// Entries of several controllers in one list: the field that says what each is about, and how
/// many may be there.
type Entries = (&'static str, usize);
const PARENTS: Entries = ("parentRef", MAX_PARENTS);
const ANCESTORS: Entries = ("ancestorRef", MAX_ANCESTORS);

/// A status that is to be brought up to date.
pub(super) struct Merge<'a> {
    pub author: Author<'a>,
    /// Of the object whose status it is: no observation can be newer.
    pub generation: i64,
}

impl Merge<'_> {
    /// `live` with our part as in `wanted`, both a `status`. Fields that are `null` in `wanted`
    /// are removed, those that it does not mention stay.
    pub(super) fn status(&self, wanted: &Json, live: &Json) -> Json {
        let mut out = live.as_object().cloned().unwrap_or_default();
        for (field, wanted) in wanted.as_object().into_iter().flatten() {
            let live = out.get(field);
            let new = match field.as_str() {
                "conditions" => Json::Array(self.conditions(list(wanted), items(live))),
                "listeners" => Json::Array(self.listeners(list(wanted), items(live))),
                "parents" => Json::Array(self.entries(PARENTS, list(wanted), items(live))),
                "ancestors" => Json::Array(self.entries(ANCESTORS, list(wanted), items(live))),
                _ => wanted.clone(),
            };
            set(&mut out, field, new);
        }
        Json::Object(out)
    }

    fn conditions(&self, wanted: &[Json], live: &[Json]) -> Vec<Json> {
        let of_type = |list: &'_ [Json], kind: &Json| list.iter().position(|c| c["type"] == *kind);
        let mut out = Vec::new();
        for old in live {
            match of_type(wanted, &old["type"]) {
                Some(at) => out.push(self.condition(&wanted[at], Some(old))),
                None if is_ours(&old["type"]) => (),
                None => out.push(old.clone()),
            }
        }
        let new = wanted
            .iter()
            .filter(|c| of_type(live, &c["type"]).is_none());
        out.extend(new.map(|c| self.condition(c, None)));
        out.truncate(MAX_CONDITIONS);
        out
    }

    fn condition(&self, wanted: &Json, old: Option<&Json>) -> Json {
        let generation = |c: &Json| c["observedGeneration"].as_i64().unwrap_or_default();
        let newer = |old: &&Json| {
            generation(old) > generation(wanted) && generation(old) <= self.generation
        };
        if let Some(old) = old.filter(newer) {
            return old.clone();
        }
        let lasting = old.filter(|old| old["status"] == wanted["status"]);
        let since = lasting.and_then(|old| old["lastTransitionTime"].as_str());
        let since = since.filter(|since| *since != EPOCH);
        let mut out = wanted.clone();
        out["lastTransitionTime"] = since.unwrap_or(self.author.now).into();
        if let Some(message) = out["message"].as_str()
            && message.len() > MAX_MESSAGE
        {
            out["message"] = cut(message, MAX_MESSAGE).into();
        }
        out
    }

    /// The listeners of a Gateway or a ListenerSet are all ours, but others may have put conditions to them.
    fn listeners(&self, wanted: &[Json], live: &[Json]) -> Vec<Json> {
        let old = |listener: &Json| live.iter().find(|old| old["name"] == listener["name"]);
        let merged = wanted.iter().map(|listener| {
            let old = old(listener).unwrap_or(&Json::Null);
            self.status(listener, old)
        });
        merged.collect()
    }

    /// Entries of other controllers stay word by word and in place; ours follow the wanted ones.
    fn entries(&self, (field, most): Entries, wanted: &[Json], live: &[Json]) -> Vec<Json> {
        let mut pending: Vec<&Json> = wanted.iter().collect();
        let mut out = Vec::new();
        for old in live {
            if old["controllerName"] != self.author.controller {
                out.push(old.clone());
            } else if let Some(at) = pending.iter().position(|new| same(field, new, old)) {
                out.push(self.status(pending.remove(at), old));
            }
        }
        out.extend(pending.into_iter().map(|new| self.status(new, &Json::Null)));
        out.truncate(most.max(live.len()));
        out
    }
}

/// The parts of `new` that differ from `old`, as a merge patch (RFC 7386) of one level.
pub(super) fn patch(old: &Json, new: &Json) -> Map<String, Json> {
    let (none, mut out) = (Map::new(), Map::new());
    let (old, new) = (
        old.as_object().unwrap_or(&none),
        new.as_object().unwrap_or(&none),
    );
    for (field, value) in new {
        if old.get(field) != Some(value) {
            out.insert(field.clone(), value.clone());
        }
    }
    for field in old.keys().filter(|field| !new.contains_key(*field)) {
        out.insert(field.clone(), Json::Null);
    }
    out
}

/// The longest beginning of `text` of at most `bytes` bytes, with a sign that something follows.
pub fn cut(text: &str, bytes: usize) -> String {
    const MORE: &str = "...";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes - MORE.len());
    format!("{}{MORE}", &text[..end])
}

/// What is absent and empty stays absent: an empty list says no more.
fn set(object: &mut Map<String, Json>, field: &str, value: Json) {
    let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    if value.is_null() {
        object.remove(field);
    } else if !empty || object.contains_key(field) {
        object.insert(field.to_owned(), value);
    }
}

/// Whether two entries are about the same object; defaults that are left out count.
fn same(field: &str, a: &Json, b: &Json) -> bool {
    let parent = |entry: &Json| serde_json::from_value::<ParentRef>(entry[field].clone());
    matches!((parent(a), parent(b)), (Ok(a), Ok(b)) if a == b)
}

fn is_ours(kind: &Json) -> bool {
    let known = serde_json::from_value::<ConditionType>(kind.clone()).is_ok();
    known || kind.as_str().is_some_and(|k| k.starts_with(OUR_DOMAIN))
}

fn items(value: Option<&Json>) -> &[Json] {
    value.map(list).unwrap_or_default()
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests;
