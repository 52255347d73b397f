//! JSON objects without two readings.
//!
//! `serde_json` keeps the last of two equal members; another reader may keep the first. RFC 7515
//! §4 and RFC 7519 §4 allow refusing, and we refuse, at every level.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::Error;

/// How deep objects and arrays may nest; the outermost object is level one.
pub const DEPTH_MAX: usize = 16;

/// Parses one JSON object and nothing after it.
///
/// # Errors
/// [`Error::Json`] for anything that is not UTF-8 JSON (RFC 8259) or has trailing data,
/// [`Error::JsonNotObject`], [`Error::JsonDuplicate`] for a repeated member at any level,
/// [`Error::JsonTooDeep`] beyond [`DEPTH_MAX`].
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    let refused = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let strict = Strict { levels_left: DEPTH_MAX, refused: &refused };
    let value = strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::JsonNotObject),
        // serde's error type cannot carry ours, so the reason travels beside it.
        Err(_) => Err(refused.get().unwrap_or(Error::Json)),
    }
}

/// Builds a [`Value`] and gives up at the first repetition or level too deep.
#[derive(Clone, Copy)]
struct Strict<'a> {
    levels_left: usize,
    refused: &'a Cell<Option<Error>>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(self, reason: Error) -> E {
        self.refused.set(Some(reason));
        E::custom(reason)
    }

    fn descend<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self { levels_left, ..self }),
            None => Err(self.refuse(Error::JsonTooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        // `From<f64>` would turn an infinity into null; the parser refuses them before us.
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| self.refuse(Error::Json))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.descend()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.descend()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(self.refuse(Error::JsonDuplicate));
            }
            map.insert(name, members.next_value_seed(inner)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests;
