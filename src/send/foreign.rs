//! Detection of successful responses that do not come from the API.

use serde_json::Value as Json;

use crate::model::Code;
use crate::targets::{Expects, TargetSpec};

const NO_CONTENT: u16 = 204;

/// Returns what a successful response contains instead of the expected content. The target file defines the
/// response to an update; the response to a look-up is JSON. `json` is the parsed `body`.
pub(super) fn foreign(
    spec: &TargetSpec,
    is_update: bool,
    status: u16,
    body: &[u8],
    json: Option<&Json>,
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
    match json {
        Some(_) if !is_update => None,
        Some(_) if expects == Some(Expects::NoContent) => Some(Code::AnswerContent),
        Some(json) => (!holds_record(spec, json)).then_some(Code::AnswerNoRecord),
        None if body.starts_with(b"<") => Some(Code::AnswerHtml),
        // The look-up is retried, because the response may be truncated.
        None if !is_update => None,
        None if body.is_empty() => Some(Code::AnswerEmpty),
        None => Some(Code::AnswerNoJson),
    }
}

/// Returns whether the record in a response is an object with a member that the target file names.
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

    fn found(spec: &TargetSpec, is_update: bool, status: u16, body: &str) -> Option<Code> {
        let json = serde_json::from_str(body).ok();
        foreign(spec, is_update, status, body.as_bytes(), json.as_ref())
    }

    #[test]
    fn a_success_without_the_record_is_foreign() {
        let mut spec = crate::targets::load("meitner").unwrap();
        let of = |spec: &TargetSpec, body: &str| found(spec, true, 200, body);
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
    fn no_content_is_a_success_if_the_target_allows_it() {
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
            let found = found(&spec, true, status, body);
            assert_eq!(found, expected, "{expects:?}, {status} {body}");
        }
        // A look-up without content has no body to parse.
        assert_eq!(found(&spec, false, 204, ""), None);
    }

    #[test]
    fn a_page_instead_of_a_look_ups_response_is_foreign() {
        let spec = crate::targets::load("meitner").unwrap();
        let of = |body: &str| found(&spec, false, 200, body);
        assert_eq!(of("<html>"), Some(Code::AnswerHtml));
        for body in ["{}", r#"{"data":[]}"#, "", r#"{"data":[{"#] {
            assert_eq!(of(body), None, "{body}");
        }
    }
}
