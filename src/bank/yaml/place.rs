//! Finds where something stands: line and column of a place in a tree.
//!
//! The crate tells a position only with an error. So a walk to the place fails there, on purpose. It reads the text
//! once more, which is of no account as long as it is only done for what is reported.

use std::fmt;

use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Step, bounds};

/// Line and column, from 1, of the place that `path` leads to; `None` when it leads nowhere.
pub fn locate(text: &str, path: &[Step]) -> Option<(u32, u32)> {
    bounds(text).ok()?;
    let deserializer = serde_yaml::Deserializer::from_str(text);
    match Probe(path).deserialize(deserializer) {
        Err(error) => error
            .location()
            .map(|place| (place.line() as u32, place.column() as u32)),
        Ok(()) => None,
    }
}

/// Walks to a place and fails there: the crate then adds the position to the error.
#[derive(Clone, Copy)]
struct Probe<'p>(&'p [Step]);

impl Probe<'_> {
    fn here<E: de::Error>(self) -> Result<(), E> {
        if self.0.is_empty() {
            Err(E::custom("here"))
        } else {
            Ok(())
        }
    }
}

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.here()
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.here()
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        self.here()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.here()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        self.here()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.here()
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.here()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.here()?;
        let (wanted, rest) = match self.0 {
            [Step::Item(wanted), rest @ ..] => (*wanted, rest),
            _ => (usize::MAX, self.0),
        };
        for place in 0.. {
            let more = if place == wanted {
                list.next_element_seed(Probe(rest))?.is_some()
            } else {
                list.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.here()?;
        for place in 0.. {
            let at_key = matches!(self.0, [Step::Entry(wanted)] if *wanted == place);
            let Some(key) = map.next_key_seed(KeyProbe(at_key))? else {
                break;
            };
            match self.0 {
                [Step::Key(wanted), rest @ ..] if **wanted == *key => {
                    map.next_value_seed(Probe(rest))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_enum<A: de::EnumAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(de::Error::custom("here"))
    }
}

/// Reads a key, or fails at it.
struct KeyProbe(bool);

impl<'de> DeserializeSeed<'de> for KeyProbe {
    type Value = String;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyProbe {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        if self.0 {
            Err(E::custom("here"))
        } else {
            Ok(text.to_owned())
        }
    }
}
