//! The body of an update is compared with a record while it is read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

/// Returns whether the record has every value of a JSON body. Its objects may have more members.
pub(super) fn shows_all(record: &Json, body: &[u8]) -> bool {
    let mut body = serde_json::Deserializer::from_slice(body);
    Shown(record).deserialize(&mut body).is_ok()
}

/// Reads a value that equals this one. A difference is an error.
struct Shown<'a>(&'a Json);

/// Reads the name of a member of this object, and returns the member's value.
struct MemberOf<'a>(&'a Map<String, Json>);

/// Returns an error if two values differ.
fn expect<E: Error>(is_same: bool) -> Result<(), E> {
    match is_same {
        true => Ok(()),
        false => Err(E::custom("")),
    }
}

impl<'de> DeserializeSeed<'de> for Shown<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shown<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        expect(self.0.is_null())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        expect(*self.0 == value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        expect(*self.0 == value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        expect(*self.0 == value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        expect(*self.0 == value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        expect(*self.0 == *value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        expect(*self.0 == Json::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let held = self.0.as_object().ok_or_else(|| A::Error::custom(""))?;
        while let Some(value) = members.next_key_seed(MemberOf(held))? {
            members.next_value_seed(Shown(value))?;
        }
        Ok(())
    }
}

impl<'de, 'a> DeserializeSeed<'de> for MemberOf<'a> {
    type Value = &'a Json;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<&'a Json, D::Error> {
        name.deserialize_str(self)
    }
}

impl<'de, 'a> Visitor<'de> for MemberOf<'a> {
    type Value = &'a Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<&'a Json, E> {
        self.0.get(name).ok_or_else(|| E::custom(""))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_with_all_values_shows_them_and_one_with_another_value_does_not() {
        let record = json!({
            "name": "Å\"sa", "age": 7, "debt": -7, "height": 1.5, "is_new": true, "email": null,
            "address": {"city": "Lund", "code": "1"}, "tags": [{"a": 1, "b": 2}, "x"],
        });
        let shows = |body: &Json| shows_all(&record, body.to_string().as_bytes());
        assert!(shows(&record));
        assert!(shows(&json!({})));
        for (member, value) in record.as_object().unwrap() {
            assert!(shows(&json!({member: value})), "{member}");
            for other in [
                json!("Å"),
                json!(8),
                json!(-8),
                json!(2.5),
                json!(false),
                json!(null),
                json!({"city": "Solna"}),
                json!({"town": "Lund"}),
                json!([{"a": 1}, "x"]),
                json!([{"a": 1, "b": 2}]),
            ] {
                let is_same = other == *value;
                assert_eq!(shows(&json!({member: other})), is_same, "{member}: {other}");
            }
        }
        assert!(shows(&json!({"address": {"city": "Lund"}})));
        assert!(!shows(&json!({"nickname": null})));
        assert!(!shows_all(&record, b""));
    }
}
