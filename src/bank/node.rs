//! Trees into serde types, with the place of the mistake.
//!
//! [`decode`] reads a [`Node`] into any type that serde can make, and says on failure which step of the tree is wrong,
//! so that [`super::yaml::locate`] can find line and column. The formats of the bank itself are decoded by hand in
//! `load`; this serves types that other rooms own.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess,
        SeqAccess, VariantAccess, Visitor,
    },
    forward_to_deserialize_any,
};

use super::{
    problem::did_you_mean,
    yaml::{Key, Node, Step},
};

/// What does not fit, and where below the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeError {
    /// From the node to the place of the mistake.
    pub path: Vec<Step>,
    /// What was found and what would be right.
    pub message: String,
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NodeError {}

impl NodeError {
    fn below(mut self, step: Step) -> Self {
        self.path.insert(0, step);
        self
    }
}

impl de::Error for NodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        NodeError {
            path: Vec::new(),
            message: message.to_string(),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let meant = did_you_mean(field, expected.iter().copied());
        let known = if meant.is_empty() {
            format!("; known keys: {}", expected.join(" "))
        } else {
            meant
        };
        Self::custom(format!("unknown key `{field}`{known}"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format!("missing key `{field}`"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let meant = did_you_mean(variant, expected.iter().copied());
        Self::custom(format!(
            "`{variant}` is not one of {}{meant}",
            expected.join(" ")
        ))
    }
}

/// Reads a tree into a type.
///
/// # Errors
/// The first place that does not fit the type.
pub fn decode<T: DeserializeOwned>(node: &Node) -> Result<T, NodeError> {
    T::deserialize(node)
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = NodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match self {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Int(value) => visitor.visit_i64(*value),
            Node::Float(value) => visitor.visit_f64(*value),
            Node::Text(text) => visitor.visit_borrowed_str(text),
            Node::List(items) => visitor.visit_seq(Items { items, place: 0 }),
            Node::Map(entries) => visitor.visit_map(Entries { entries, place: 0 }),
            Node::Broken => Err(de::Error::custom("something unreadable")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match self {
            Node::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        match self {
            Node::Text(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            Node::Map(entries) if entries.len() == 1 => {
                let (word, value) = &entries[0];
                visitor
                    .visit_enum(Variant { word, value })
                    .map_err(|error| error.below(Step::Key(word.clone())))
            }
            other => Err(de::Error::custom(format!(
                "{} where a word, or a word with its value, is expected",
                other.describe()
            ))),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match self {
            Node::Int(value) => visitor.visit_f64(*value as f64),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'de> {
    items: &'de [Node],
    place: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = NodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, NodeError> {
        let Some(item) = self.items.get(self.place) else {
            return Ok(None);
        };
        let place = self.place;
        self.place += 1;
        seed.deserialize(item)
            .map(Some)
            .map_err(|error| error.below(Step::Item(place)))
    }
}

struct Entries<'de> {
    entries: &'de [(Key, Node)],
    place: usize,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = NodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, NodeError> {
        let Some((key, _)) = self.entries.get(self.place) else {
            return Ok(None);
        };
        // numbers as keys (broker 2) are text in the tree
        let read = match key.parse::<u64>() {
            Ok(number) => seed.deserialize(KeyNumber(number, key)),
            Err(_) => seed.deserialize((&**key).into_deserializer()),
        };
        read.map(Some)
            .map_err(|error: NodeError| error.below(Step::Entry(self.place)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NodeError> {
        let Some((key, value)) = self.entries.get(self.place) else {
            return Err(de::Error::custom("a value without a key"));
        };
        self.place += 1;
        seed.deserialize(value)
            .map_err(|error| error.below(Step::Key(key.clone())))
    }
}

/// A key of digits: a number where one is wanted, else text.
struct KeyNumber<'de>(u64, &'de str);

impl<'de> Deserializer<'de> for KeyNumber<'de> {
    type Error = NodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        visitor.visit_borrowed_str(self.1)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        visitor.visit_u64(self.0)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        visitor.visit_u64(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Variant<'de> {
    word: &'de str,
    value: &'de Node,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = NodeError;
    type Variant = &'de Node;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, &'de Node), NodeError> {
        let word: de::value::StrDeserializer<'_, NodeError> = self.word.into_deserializer();
        Ok((seed.deserialize(word)?, self.value))
    }
}

impl<'de> VariantAccess<'de> for &'de Node {
    type Error = NodeError;

    fn unit_variant(self) -> Result<(), NodeError> {
        Err(de::Error::custom("this word takes no value"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, NodeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, NodeError> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        self.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::bank::yaml;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Keys {
        None,
        Hot(u8),
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        name: String,
        rate: Option<f64>,
        keys: Keys,
        #[serde(default)]
        racks: BTreeMap<u32, String>,
    }

    #[test]
    fn types_are_read() {
        let text =
            "- {name: a, rate: 3, keys: {hot: 80}, racks: {1: x}}\n- {name: b, keys: none}\n";
        let things: Vec<Thing> = decode(&yaml::parse(text).unwrap()).unwrap();
        assert_eq!(things[0].keys, Keys::Hot(80));
        assert_eq!(things[0].racks[&1], "x");
        assert_eq!((things[1].rate, &things[1].keys), (None, &Keys::None));
    }

    #[test]
    fn mistakes_are_found_where_they_stand() {
        let place = |text: &str| {
            let error = decode::<Vec<Thing>>(&yaml::parse(text).unwrap()).unwrap_err();
            let place = yaml::locate(text, &error.path).unwrap();
            (error.message, place)
        };
        let (message, at) = place("- name: a\n  keys: none\n  rats: 5\n");
        assert_eq!(
            (message.as_str(), at),
            ("unknown key `rats`; did you mean `rate`?", (3, 3))
        );
        let (message, at) = place("- name: a\n  keys: {hot: 800}\n");
        assert!(message.contains("800"), "{message}");
        assert_eq!(at.0, 2);
        let (message, _) = place("- name: a\n");
        assert_eq!(message, "missing key `keys`");
        let (message, _) = place("- name: a\n  keys: hat\n");
        assert!(message.ends_with("did you mean `hot`?"), "{message}");
    }
}
