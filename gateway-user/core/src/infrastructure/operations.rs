//! What to write so that the API server has the objects that are wanted.
//!
//! Every write is conditional: an object is created, never replaced; a change holds the resource
//! version that it was made from; what is deleted is the very object that was looked at. So nothing
//! of anybody else is touched, whatever happens meanwhile. Fields, labels and annotations of others
//! on our objects stay; which keys are ours to take away, an annotation says.

use serde_json::{Map, Value as Json, json};

use super::{Infrastructure, Key, Made, MadeObjects, Wanted};
use crate::{api::Kind, name::ObjectName, pace::Attempt};

/// Annotation that lists the keys of labels and annotations that we have put to an object.
pub(super) const APPLIED: &str = "xdp-gateway.dev/applied-keys";

/// A write of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub kind: Kind,
    pub name: ObjectName,
    /// The Gateway that it is for; `None` where it only takes away.
    pub gateway: Option<ObjectName>,
    /// Resource version that it is made from; empty where there is nothing yet.
    pub base: String,
    pub change: Change,
    /// What is sent; `null` for [`Change::Delete`].
    pub body: Json,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Create,
    /// A merge patch (RFC 7386).
    Patch,
    /// Of the object with that uid.
    Delete {
        uid: String,
    },
}

impl Operation {
    pub fn key(&self) -> Key {
        (self.kind, self.name.clone())
    }

    pub fn attempt(&self) -> Attempt<'_> {
        Attempt {
            base: &self.base,
            content: &self.body,
        }
    }
}

/// The writes that lead from `made` to what is wanted, removals last; none for what is there.
pub fn operations(infrastructure: &Infrastructure, made: &MadeObjects) -> Vec<Operation> {
    let Infrastructure {
        objects, removals, ..
    } = infrastructure;
    let needed = objects.iter().filter_map(|(key, wanted)| {
        let Some(made) = made.get(key) else {
            return Some(create(key, wanted));
        };
        // Another Gateway's gives way first.
        let same = *made.gateway == *wanted.uid && !made.deleting;
        same.then(|| patch(key, wanted, made)).flatten()
    });
    let unwanted = made.iter().rev().filter(|(key, made)| {
        let wanted = objects.get(*key);
        !made.deleting && wanted.is_none_or(|wanted| *made.gateway != *wanted.uid)
    });
    let removals = unwanted.filter(|_| *removals);
    needed
        .chain(removals.map(|(key, made)| delete(key, made)))
        .collect()
}

fn create((kind, name): &Key, wanted: &Wanted) -> Operation {
    Operation {
        kind: *kind,
        name: name.clone(),
        gateway: Some(wanted.gateway.clone()),
        base: String::new(),
        change: Change::Create,
        body: wanted.object.clone(),
    }
}

fn delete((kind, name): &Key, made: &Made) -> Operation {
    Operation {
        kind: *kind,
        name: name.clone(),
        gateway: None,
        base: made.resource_version.clone(),
        change: Change::Delete {
            uid: made.uid.clone(),
        },
        body: Json::Null,
    }
}

fn patch((kind, name): &Key, wanted: &Wanted, made: &Made) -> Option<Operation> {
    let mut body = Map::new();
    for (field, value) in wanted.object.as_object().into_iter().flatten() {
        let live = &made.object[field];
        match field.as_str() {
            "apiVersion" | "kind" | "metadata" => (),
            "spec" => {
                let spec = fields(value, live);
                if !spec.is_empty() {
                    body.insert(field.clone(), Json::Object(spec));
                }
            }
            _ if covers(value, live) => (),
            _ => drop(body.insert(field.clone(), value.clone())),
        }
    }
    let mut metadata = Map::new();
    let (new, old) = (&wanted.object["metadata"], &made.object["metadata"]);
    let applied = applied(&old["annotations"]);
    for field in ["labels", "annotations"] {
        let keys = keys(&new[field], &old[field], &applied[field]);
        if !keys.is_empty() {
            metadata.insert(field.to_owned(), Json::Object(keys));
        }
    }
    if body.is_empty() && metadata.is_empty() {
        return None;
    }
    metadata.insert("resourceVersion".to_owned(), json!(made.resource_version));
    body.insert("metadata".to_owned(), Json::Object(metadata));
    Some(Operation {
        kind: *kind,
        name: name.clone(),
        gateway: Some(wanted.gateway.clone()),
        base: made.resource_version.clone(),
        change: Change::Patch,
        body: Json::Object(body),
    })
}

/// What we had put there; whatever somebody wrote into the annotation, it is read as nothing.
fn applied(annotations: &Json) -> Json {
    let text = annotations[APPLIED].as_str().unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}

/// Changes of labels or annotations: `null` for keys of ours that are wanted no more.
fn keys(wanted: &Json, live: &Json, applied: &Json) -> Map<String, Json> {
    let mut changes = fields(wanted, live);
    for key in applied.as_array().into_iter().flatten() {
        if let Some(key) = key.as_str()
            && wanted[key].is_null()
            && !live[key].is_null()
        {
            changes.insert(key.to_owned(), Json::Null);
        }
    }
    changes
}

/// The fields of `wanted` that `live` does not have so.
fn fields(wanted: &Json, live: &Json) -> Map<String, Json> {
    let fields = wanted.as_object().into_iter().flatten();
    let differ = fields.filter(|(field, value)| !covers(value, &live[*field]));
    differ
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect()
}

/// Whether `live` says what `wanted` does; it may say more, such as defaults. An empty list is
/// the same as none.
fn covers(wanted: &Json, live: &Json) -> bool {
    match (wanted, live) {
        (Json::Object(wanted), Json::Object(_)) => wanted
            .iter()
            .all(|(field, value)| covers(value, &live[field])),
        (Json::Array(wanted), Json::Array(live)) => {
            let mut pairs = wanted.iter().zip(live);
            wanted.len() == live.len() && pairs.all(|(wanted, live)| covers(wanted, live))
        }
        (Json::Array(wanted), Json::Null) => wanted.is_empty(),
        _ => wanted == live,
    }
}
