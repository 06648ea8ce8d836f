//! Successful answers are checked for foreign content.

use serde_json::Value as Json;

use crate::model::Code;
use crate::targets::{Expects, TargetSpec};

const NO_CONTENT: u16 = 204;

/// What a success holds in place of what it should contain; nothing if it contains that. An update
/// should be answered as the target's file says, if it says so, and a look-up with JSON.
pub(super) fn foreign(
    spec: &TargetSpec,
    is_update: bool,
    status: u16,
    body: &[u8],
) -> Option<Code> {
    let expects = spec.answers.expects.filter(|_| is_update);
    match expects {
        None if is_update => return None,
        Some(Expects::NoContent | Expects::RecordOrNoContent) if status == NO_CONTENT => {
            return None;
        }
        _ => {}
    }
    let body = body.trim_ascii();
    match serde_json::from_slice::<Json>(body) {
        Ok(_) if !is_update => None,
        Ok(_) if expects == Some(Expects::NoContent) => Some(Code::AnswerContent),
        Ok(json) => (!holds_record(spec, &json)).then_some(Code::AnswerNoRecord),
        Err(_) if body.starts_with(b"<") => Some(Code::AnswerHtml),
        // Reading is attempted again: the answer may have been cut off.
        Err(_) if !is_update => None,
        Err(_) if body.is_empty() => Some(Code::AnswerEmpty),
        Err(_) => Some(Code::AnswerNoJson),
    }
}

/// Whether there is an object with a member that the target's file names where the record stands.
fn holds_record(spec: &TargetSpec, answer: &Json) -> bool {
    let Some(Json::Object(record)) = spec.record_in(answer) else {
        return false;
    };
    let id = spec.lookup.as_ref().map(|how| how.id.as_str());
    let id = id.and_then(|pointer| pointer.split('/').nth(1));
    let fields = spec.fields.iter();
    let fields = fields.filter_map(|field| field.pointer.path().first());
    let mut members = fields.map(String::as_str).chain(id);
    members.any(|member| record.contains_key(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_without_the_record_is_not_the_apis() {
        let mut spec = crate::targets::load("meitner").unwrap();
        let of = |spec: &TargetSpec, body: &str| foreign(spec, true, 200, body.as_bytes());
        for (body, expected) in [
            (r#"{"id":"1","firstName":"Bo"}"#, None),
            (r#"{"firstName":null}"#, None),
            ("", Some(Code::AnswerEmpty)),
            ("  \n", Some(Code::AnswerEmpty)),
            (
                "<!doctype html><title>Sign in</title>",
                Some(Code::AnswerHtml),
            ),
            ("\n <html>", Some(Code::AnswerHtml)),
            ("OK", Some(Code::AnswerNoJson)),
            ("{}", Some(Code::AnswerNoRecord)),
            ("[]", Some(Code::AnswerNoRecord)),
            ("null", Some(Code::AnswerNoRecord)),
            (r#"{"job":"queued"}"#, Some(Code::AnswerNoRecord)),
            (r#"{"data":{"id":"1"}}"#, Some(Code::AnswerNoRecord)),
        ] {
            assert_eq!(of(&spec, body), expected, "{body}");
        }
        spec.answers.record = "/data".into();
        assert_eq!(of(&spec, r#"{"data":{"id":"1"}}"#), None);
        assert_eq!(of(&spec, r#"{"id":"1"}"#), Some(Code::AnswerNoRecord));
        spec.answers.expects = None;
        assert_eq!(of(&spec, "<html>"), None);
    }

    #[test]
    fn an_update_may_be_answered_without_content_where_the_target_says_so() {
        let mut spec = crate::targets::load("meitner").unwrap();
        let record = r#"{"id":"1"}"#;
        for (expects, status, body, expected) in [
            (Expects::Record, 204, "", Some(Code::AnswerEmpty)),
            (Expects::NoContent, 204, "", None),
            (Expects::NoContent, 200, "", Some(Code::AnswerEmpty)),
            (Expects::NoContent, 202, "", Some(Code::AnswerEmpty)),
            (Expects::NoContent, 200, record, Some(Code::AnswerContent)),
            (Expects::NoContent, 200, "<html>", Some(Code::AnswerHtml)),
            (Expects::RecordOrNoContent, 204, "", None),
            (Expects::RecordOrNoContent, 200, record, None),
            (Expects::RecordOrNoContent, 200, "", Some(Code::AnswerEmpty)),
            (
                Expects::RecordOrNoContent,
                200,
                "{}",
                Some(Code::AnswerNoRecord),
            ),
        ] {
            spec.answers.expects = Some(expects);
            let found = foreign(&spec, true, status, body.as_bytes());
            assert_eq!(found, expected, "{expects:?}, {status} {body}");
        }
        // A look-up without content has nothing to read.
        assert_eq!(foreign(&spec, false, 204, b""), None);
    }

    #[test]
    fn a_page_in_place_of_a_look_ups_answer_is_not_the_apis() {
        let spec = crate::targets::load("meitner").unwrap();
        let of = |body: &str| foreign(&spec, false, 200, body.as_bytes());
        assert_eq!(of("<html>"), Some(Code::AnswerHtml));
        for body in ["{}", r#"{"data":[]}"#, "", r#"{"data":[{"#] {
            assert_eq!(of(body), None, "{body}");
        }
    }
}
