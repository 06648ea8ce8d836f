//! Builds the requests for records that were created, changed or deleted since a given time.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::body::{put, tokens};
use super::lookup::{LookUp, Question};
use crate::targets::Lookup;

impl LookUp {
    /// The look-ups by the record's id, if the target describes how to find changes.
    pub fn by_id(&self) -> Option<LookUp> {
        self.how.changes.as_ref()?;
        LookUp::new(&self.spec, self.spec.key_field()?)
    }

    /// Returns one request per timestamp of a record, with the pointer to that timestamp. Each request finds
    /// the records whose timestamp is later than `since`.
    pub fn changes_since(&self, since: Timestamp) -> Vec<(Question, &str)> {
        let Some(changes) = &self.how.changes else {
            return Vec::new();
        };
        let path = changes.search.as_ref().or(self.how.search.as_ref());
        let question = |moment: &String| {
            let mut body = Json::Object(self.how.search_body.clone());
            let mut places = tokens(&changes.filter);
            places.extend(tokens(moment));
            put(&mut body, &places, since.to_string().into());
            Question {
                path: path.cloned().unwrap_or_default(),
                body: Some(body),
            }
        };
        let moments = changes.moments.iter();
        moments
            .map(|moment| (question(moment), moment.as_str()))
            .collect()
    }

    /// Returns the look-up and the request for deletions since a given time. The ids of that look-up are
    /// those of the deleted records.
    pub fn deleted_since(&self, since: Timestamp) -> Option<(LookUp, Question)> {
        let deleted = self.how.changes.as_ref()?.deleted.as_ref()?;
        let mut body = Json::Object(deleted.search_body.clone());
        put(
            &mut body,
            &tokens(&deleted.moment),
            since.to_string().into(),
        );
        let look_up = LookUp {
            how: Lookup {
                id: deleted.id.clone(),
                ..self.how.clone()
            },
            ..self.clone()
        };
        let path = deleted.search.clone();
        let body = Some(body);
        Some((look_up, Question { path, body }))
    }

    /// Returns the latest timestamp in a record, if it has one.
    pub fn changed_at(&self, record: &Json) -> Option<Timestamp> {
        let moments = self.how.changes.iter().flat_map(|how| &how.moments);
        moments.filter_map(|moment| moment_at(record, moment)).max()
    }
}

/// Parses the timestamp at a place in a record (RFC 3339).
pub fn moment_at(record: &Json, pointer: &str) -> Option<Timestamp> {
    record.pointer(pointer)?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    #[test]
    fn change_and_deletion_searches_follow_the_target_file() {
        let spec = Arc::new(crate::targets::load("meitner").unwrap());
        let look_up = LookUp::new(&spec, spec.field("identity_number").unwrap()).unwrap();
        let since: Timestamp = "2026-08-20T01:50:00Z".parse().unwrap();
        let asked = look_up.changes_since(since);
        let asked: Vec<Json> = asked
            .into_iter()
            .map(|(question, _)| {
                assert_eq!(question.path, "/student/_search");
                question.body.unwrap()
            })
            .collect();
        let moment = "2026-08-20T01:50:00Z";
        assert_eq!(
            asked,
            [
                json!({"filter": {"orCondition": false, "greaterThan": {"meta": {"updatedAt": moment}}}}),
                json!({"filter": {"orCondition": false, "greaterThan": {"meta": {"createdAt": moment}}}}),
            ]
        );
        let (deleted, question) = look_up.deleted_since(since).unwrap();
        let first = deleted.walk(question).first().unwrap();
        assert_eq!(first.path, "/audit-event/_search?limit=50&offset=0");
        assert_eq!(
            first.body.unwrap(),
            json!({"filter": {
                "orCondition": false,
                "equals": {"resource": "Student", "type": "Delete"},
                "greaterThan": {"timestamp": moment},
            }})
        );
        let event = json!({"id": "e", "resourceID": "s", "timestamp": moment});
        assert_eq!(deleted.id_of(&event).as_deref(), Some("s"));
        assert_eq!(look_up.by_id().unwrap().key(), spec.key_field().unwrap());
        assert_eq!(
            look_up.page_of_list(3).unwrap().path,
            "/student?limit=50&offset=150"
        );
    }

    #[test]
    fn the_latest_timestamp_of_a_record_is_its_modification_time() {
        let spec = Arc::new(crate::targets::load("meitner").unwrap());
        let look_up = LookUp::new(&spec, 0).unwrap();
        let at = |updated: Json| {
            let meta = json!({"createdAt": "2026-01-01T00:00:00Z", "updatedAt": updated});
            look_up.changed_at(&json!({ "meta": meta }))
        };
        let [created, updated] =
            ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"].map(|text| text.parse().unwrap());
        assert_eq!(at(json!("2026-02-01T01:00:00+01:00")), Some(updated));
        assert_eq!(at(Json::Null), Some(created));
        assert_eq!(look_up.changed_at(&json!({})), None);
    }
}
