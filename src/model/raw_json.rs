//! JSON whose values are not parsed.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use serde_json::value::RawValue;

/// Returns the members of an object by name, or `None` if a name has an escape sequence or `json` is no object.
pub fn members(json: &RawValue) -> Option<BTreeMap<&str, &RawValue>> {
    serde_json::from_str(json.get()).ok()
}

/// Returns whether a record has every value of an update's body. Its objects may have more members. Most APIs
/// return what was sent, so equal text is compared first.
pub fn shows_all(record: &RawValue, body: &RawValue) -> bool {
    if record.get() == body.get() {
        return true;
    }
    match (members(record), members(body)) {
        (Some(record), Some(body)) => body
            .into_iter()
            .all(|(name, value)| record.get(name).is_some_and(|it| shows_all(it, value))),
        (None, None) => {
            let [record, body] = [record, body].map(|it| serde_json::from_str::<Json>(it.get()));
            matches!((record, body), (Ok(record), Ok(body)) if record == body)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_record_with_all_values_shows_them_and_one_with_another_value_does_not() {
        let record = json!({
            "name": "Å\"sa", "age": 7, "debt": -7, "height": 1.5, "is_new": true, "email": null,
            "address": {"city": "Lund", "code": "1"}, "tags": [{"a": 1, "b": 2}, "x"],
        });
        let text = record.to_string();
        let shows = |body: &Json| shows_all(raw(&text), raw(&body.to_string()));
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
    }

    #[test]
    fn values_in_another_notation_are_the_same() {
        let record = raw(r#"{"name": "\u00c5sa", "tags": [ 1, 2 ], "name\u0032": 1}"#);
        assert!(shows_all(record, record));
        // A name with an escape sequence is left to the comparison of parsed records.
        assert!(!shows_all(record, raw(r#"{"name": "Åsa"}"#)));
        let record = raw(r#"{"name": "\u00c5sa", "tags": [ 1, 2 ]}"#);
        assert!(shows_all(record, raw(r#"{"name": "Åsa", "tags": [1,2]}"#)));
        assert!(!shows_all(record, raw(r#"{"name": "Åse"}"#)));
    }
}
