//! The `[protected]` table of a target file describes how a record marks a protected person.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::pointer::Pointer;

/// The marking of protected persons in a record. A marked record is never updated.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protected {
    /// JSON pointer (RFC 6901) to the marking. It can select list elements.
    pub pointer: Pointer,
    /// The values that mark a protected person. Case is ignored; Booleans are `true` or `false`.
    pub values: Vec<String>,
}

impl Protected {
    /// Whether a record marks its person as protected. An ambiguous marking or an object counts as marked.
    pub fn marks(&self, record: &Json) -> bool {
        self.pointer.get(record).map_or(true, |found| {
            found.is_some_and(|value| self.is_mark(&value))
        })
    }

    fn is_mark(&self, value: &Json) -> bool {
        let text: Cow<'_, str> = match value {
            Json::Null => return false,
            Json::Object(_) => return true,
            Json::Array(values) => return values.iter().any(|value| self.is_mark(value)),
            Json::String(text) => text.trim().into(),
            other => other.to_string().into(),
        };
        let text = text.to_lowercase();
        self.values.iter().any(|mark| mark.to_lowercase() == text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn listed_and_ambiguous_values_mark_a_record_as_protected() {
        let protected = |pointer: &str| Protected {
            pointer: pointer.into(),
            values: ["Sekretessmarkering", "true", "2"]
                .map(str::to_owned)
                .into(),
        };
        for (value, is_marked) in [
            (json!("Sekretessmarkering"), true),
            (json!(" SEKRETESSMARKERING"), true),
            (json!("Ingen"), false),
            (json!(""), false),
            (json!(null), false),
            (json!(true), true),
            (json!(false), false),
            (json!(2), true),
            (json!(["Ingen", "sekretessmarkering"]), true),
            (json!(["Ingen"]), false),
            (json!({}), true),
        ] {
            let record = json!({"securityMarking": value});
            let marks = protected("/securityMarking").marks(&record);
            assert_eq!(marks, is_marked, "{record}");
        }
        assert!(!protected("/securityMarking").marks(&json!({})));
        let twice = json!({"marks": [{"type": "a", "is": "no"}, {"type": "a", "is": "no"}]});
        assert!(protected("/marks[type=a]/is").marks(&twice));
    }
}
