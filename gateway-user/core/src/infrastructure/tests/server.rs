//! An API server as far as these objects need one: conditional writes, and a watch at once.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::{Change, Operation};
use crate::{
    api::Kind,
    world::{Event, Store},
};

pub(super) struct Server {
    objects: BTreeMap<String, Json>,
    pub store: Store,
    version: u64,
}

impl Default for Server {
    fn default() -> Self {
        let kinds = [
            Kind::GatewayClass,
            Kind::Gateway,
            Kind::Service,
            Kind::EndpointSlice,
        ];
        Self {
            objects: BTreeMap::new(),
            store: Store::new(kinds),
            version: 0,
        }
    }
}

impl Server {
    /// Whatever was there before.
    pub(super) fn put(&mut self, mut object: Json) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        drop_nulls(&mut object);
        let name = name(&object);
        self.objects.insert(name.clone(), object.clone());
        self.store.take(kind(&name), Event::Applied(object));
    }

    /// Somebody's merge patch.
    pub(super) fn merge(&mut self, name: &str, change: &Json) {
        let mut object = self.object(name).clone();
        merge(&mut object, change);
        self.put(object);
    }

    pub(super) fn delete(&mut self, name: &str) {
        let object = self.objects.remove(name).expect(name);
        self.store.take(kind(name), Event::Deleted(object));
    }

    /// `Service shop/web`.
    pub(super) fn object(&self, name: &str) -> &Json {
        self.objects
            .get(name)
            .unwrap_or_else(|| panic!("no {name}"))
    }

    /// # Panics
    /// Where an API server would refuse.
    pub(super) fn take(&mut self, operation: &Operation) -> String {
        let Operation { kind, name, .. } = operation;
        let object = format!("{kind} {name}");
        match &operation.change {
            Change::Create => {
                assert!(!self.objects.contains_key(&object), "{object} exists");
                let mut new = operation.body.clone();
                new["metadata"]["uid"] = json!(format!("uid-{}", self.version));
                self.put(new);
                format!("create {object}")
            }
            Change::Patch => {
                let version = self.object(&object)["metadata"]["resourceVersion"].clone();
                assert_eq!(
                    operation.body["metadata"]["resourceVersion"], version,
                    "{object}"
                );
                self.merge(&object, &operation.body);
                format!("patch {object}")
            }
            Change::Delete { uid } => {
                let metadata = &self.object(&object)["metadata"];
                assert_eq!(metadata["uid"], **uid, "{object}");
                assert_eq!(metadata["resourceVersion"], *operation.base, "{object}");
                self.delete(&object);
                format!("delete {object}")
            }
        }
    }
}

fn name(object: &Json) -> String {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let (kind, metadata) = (text(&object["kind"]), &object["metadata"]);
    format!(
        "{kind} {}/{}",
        text(&metadata["namespace"]),
        text(&metadata["name"])
    )
}

fn kind(name: &str) -> Kind {
    let mut kinds = Kind::ALL.into_iter();
    let found = kinds.find(|kind| name.split(' ').next() == Some(kind.as_str()));
    found.expect("a kind that is known")
}

/// An API server keeps none.
fn drop_nulls(json: &mut Json) {
    if let Some(fields) = json.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
        fields.values_mut().for_each(drop_nulls);
    }
}

/// RFC 7386.
fn merge(target: &mut Json, patch: &Json) {
    let Some(fields) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (field, value) in fields {
        if value.is_null() {
            target.as_object_mut().expect("fields").remove(field);
        } else {
            merge(&mut target[field], value);
        }
    }
}
