//! The names of the fields of a type, found by asking its `Deserialize`.

use serde::{
    Deserializer,
    de::value::Error as Stop,
    de::{
        DeserializeOwned, DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
    },
    forward_to_deserialize_any,
};

use crate::api::path::{Path, Step};

/// Fields of the struct at `path` within a `T`; empty where there is none.
pub(super) fn fields_at<T: DeserializeOwned>(path: &Path) -> &'static [&'static str] {
    let mut found: &'static [&'static str] = &[];
    // It always ends with an error: there is no value, only a way to the struct.
    let _: Result<T, Stop> = T::deserialize(Probe {
        steps: &path.0,
        found: &mut found,
    });
    found
}

/// Leads a `Deserialize` along `steps`, and notes the fields of the struct at their end.
struct Probe<'a> {
    steps: &'a [Step],
    found: &'a mut &'static [&'static str],
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Stop;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.steps.split_first() {
            Some((Step::Field(_), _)) => visitor.visit_map(self),
            Some((Step::Index(_), _)) => visitor.visit_seq(self),
            None => Err(Stop::custom("end of the path")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        if self.steps.is_empty() {
            *self.found = fields;
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Probe<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        match self.steps.first() {
            Some(Step::Field(name)) => seed.deserialize((&**name).into_deserializer()).map(Some),
            _ => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        seed.deserialize(Probe {
            steps: self.steps.get(1..).unwrap_or_default(),
            found: self.found,
        })
    }
}

impl<'de> SeqAccess<'de> for Probe<'_> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Stop> {
        seed.deserialize(Probe {
            steps: self.steps.get(1..).unwrap_or_default(),
            found: self.found,
        })
        .map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::Value as Json;

    use super::fields_at;
    use crate::api::{AddressPool, Gateway, GatewayParameters, HttpRoute, path::Path};

    #[test]
    fn fields_of_nested_types() {
        let listener = Path::spec().field("listeners").index(3);
        assert!(fields_at::<Gateway>(&listener).contains(&"allowedRoutes"));
        let header = Path::spec()
            .field("rules")
            .index(0)
            .field("filters")
            .index(0);
        let header = header.field("requestHeaderModifier").field("set").index(1);
        assert_eq!(fields_at::<HttpRoute>(&header), ["name", "value"]);
        let meta = Path::default().field("metadata");
        assert!(fields_at::<HttpRoute>(&meta).contains(&"namespace"));
        assert!(fields_at::<HttpRoute>(&Path::spec().field("nothing")).is_empty());
    }

    /// Our types have the fields of our schemas; `tests/crds.rs` finds those that nobody reads.
    #[test]
    fn our_schemas_know_every_field_of_our_types() {
        let pools =
            include_str!("../../../../charts/xdp-gateway/charts/crds/crds/addresspools.yaml");
        assert_known::<AddressPool>(pools);
        let parameters =
            include_str!("../../../../charts/xdp-gateway/charts/crds/crds/gatewayparameters.yaml");
        assert_known::<GatewayParameters>(parameters);
    }

    fn assert_known<T: DeserializeOwned>(crd: &str) {
        let crd: Json = serde_saphyr::from_str(crd).expect("a CRD");
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut seen = 0;
        walk::<T>(&Path::spec(), &schema["properties"]["spec"], &mut seen);
        assert!(seen > 1, "no objects in the schema");
    }

    fn walk<T: DeserializeOwned>(at: &Path, schema: &Json, seen: &mut usize) {
        if let Some(properties) = schema["properties"].as_object() {
            let mut fields = fields_at::<T>(at).to_vec();
            fields.sort_unstable();
            let mut known: Vec<&str> = properties.keys().map(String::as_str).collect();
            known.sort_unstable();
            assert_eq!(fields, known, "{at}");
            *seen += 1;
            for (name, schema) in properties {
                walk::<T>(&at.field(name.clone()), schema, seen);
            }
        }
        if schema["items"].is_object() {
            walk::<T>(&at.index(0), &schema["items"], seen);
        }
    }
}
