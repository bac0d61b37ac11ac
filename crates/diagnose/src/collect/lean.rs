//! Reads the API server's JSON without what no rule reads: field ownership is half the bytes of a list, a custom resource
//! definition is nearly all schema, and building them only to drop them would double the memory of a large cluster.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

pub struct Lean(pub Value);

/// Dropped wherever they stand.
const SKIPPED: &[&str] = &["managedFields", "kubectl.kubernetes.io/last-applied-configuration", "openAPIV3Schema"];

impl<'de> Deserialize<'de> for Lean {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LeanVisitor)
    }
}

struct LeanVisitor;

impl<'de> Visitor<'de> for LeanVisitor {
    type Value = Lean;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Lean, E> {
        Ok(Lean(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Lean, E> {
        Ok(Lean(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Lean, E> {
        Ok(Lean(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Lean, E> {
        Ok(Lean(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Lean, E> {
        Ok(Lean(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Lean, E> {
        Ok(Lean(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Lean, E> {
        Ok(Lean(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Lean, A::Error> {
        let mut list = Vec::new();
        while let Some(Lean(value)) = seq.next_element()? {
            list.push(value);
        }
        list.shrink_to_fit();
        Ok(Lean(Value::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Lean, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if SKIPPED.contains(&key.as_str()) {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            let Lean(value) = entries.next_value()?;
            map.insert(key, value);
        }
        Ok(Lean(Value::Object(map)))
    }
}
