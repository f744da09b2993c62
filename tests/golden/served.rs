//! The objects of a case as an API server delivers them.

use gateway_core::{
    api::Kind,
    world::{Event, Store, World},
};
use serde_json::{Value as Json, json};

use crate::case::Case;

impl Case {
    /// The world that watches of all kinds give.
    ///
    /// # Panics
    /// Where an object cannot be read.
    pub(crate) fn served(&self) -> World {
        let mut store = Store::new(Kind::ALL);
        for document in self.documents() {
            let json: Option<Json> = serde_saphyr::from_str(document).expect("valid YAML");
            if let Some(mut json) = json {
                let kind = kind(&json).unwrap_or_else(|| panic!("{}: {json}", self.name()));
                if kind.is_namespaced() && json["metadata"]["namespace"].is_null() {
                    json["metadata"]["namespace"] = json!("default");
                }
                store.take(kind, Event::Applied(json));
            }
        }
        assert_eq!(store.problems(), [], "{}", self.name());
        store.world().clone()
    }
}

fn kind(json: &Json) -> Option<Kind> {
    let name = json["kind"].as_str()?;
    Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
}
