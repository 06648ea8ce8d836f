//! The status, headers and body of a response.

use reqwest::header::HeaderMap;
use serde_json::Value as Json;

use super::headers::{Announced, announced, date, wait};
use super::trouble::Trouble;
use crate::clock::UnixNanos;
use crate::l10n::{Message, say};
use crate::model::{Code, redacted};
use crate::targets::{Answers, Quota};

/// The relevant parts of a response.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The API's error code.
    pub code: String,
    /// The error message, on one line.
    pub message: String,
    /// The error messages by field.
    pub(super) fields: Option<Json>,
    /// The API's request id.
    pub request_id: String,
    /// The time before which the API accepts no request.
    pub not_before: Option<UnixNanos>,
    /// Whether the response has `Retry-After`, readable or not.
    pub asks_to_wait: bool,
    /// Whether a header with the time of the next request is unusable.
    pub(super) is_wait_unusable: bool,
    /// The quota according to the response.
    pub announced: Announced,
    /// The `Link` header.
    pub link: Option<String>,
    /// The API's clock.
    pub date: Option<UnixNanos>,
    /// Whether the response comes from the token endpoint. Then no request was sent, and its quota headers
    /// describe another quota.
    pub of_sign_in: bool,
    /// The version of the record (RFC 9110, section 8.8.3).
    pub(super) etag: Option<String>,
    /// What a successful response contains instead of the expected content.
    pub(super) foreign: Option<Code>,
    /// Whether the sign-in was refused.
    pub sign_in_refused: bool,
    /// The number of the refused token, if it can be replaced.
    pub(super) stale_token: Option<u64>,
}

/// The reason why a request got no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No connection was made, so the request was not sent.
    Connect(Trouble),
    /// The response did not arrive in time.
    TimeOut,
    /// The connection ended before the response.
    Lost,
    /// A page of records exceeded the size limit and was not read.
    TooLarge,
}

impl Fault {
    /// Returns the message for the user.
    pub fn message(self) -> Message {
        match self {
            Fault::Connect(trouble) => trouble.message(),
            Fault::TimeOut => Trouble::TimeOut.message(),
            other => Message::verbatim(other.code().as_str()),
        }
    }

    /// Returns the message in the reader's language.
    pub fn in_words(self) -> String {
        self.message().to_string()
    }

    /// Returns the error code.
    pub fn code(self) -> Code {
        match self {
            Fault::Connect(_) => Code::NetworkConnect,
            Fault::TimeOut => Code::NetworkTimeOut,
            Fault::Lost => Code::NetworkLost,
            Fault::TooLarge => Code::NetworkTooLarge,
        }
    }

    /// Returns the error code, which is more specific for a failed connection.
    pub fn cause(self) -> Code {
        match self {
            Fault::Connect(trouble) => trouble.code(),
            other => other.code(),
        }
    }
}

/// The maximum length of an error message.
const MESSAGE: usize = 500;

impl Answer {
    /// Returns whether the API throttled the request: 429, or 403 with `Retry-After`.
    pub fn is_throttled(&self) -> bool {
        self.status == 429 || self.status == 403 && self.asks_to_wait
    }

    /// Reads a response that arrived at `now`. Only the bodies of errors are parsed.
    pub fn read(
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        answers: &Answers,
        quota: &Quota,
        now: UnixNanos,
    ) -> Answer {
        let wait = wait(headers, quota.headers.as_ref(), now);
        let mut answer = Answer {
            status,
            not_before: wait.not_before,
            asks_to_wait: wait.is_asked,
            is_wait_unusable: wait.is_unusable,
            announced: announced(headers, quota),
            link: link(headers),
            date: date(headers),
            etag: headers
                .get("etag")
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            ..Answer::default()
        };
        if !(200..300).contains(&status) {
            answer.explain(body, answers);
        }
        answer
    }

    /// Returns the API's message for the user's terminal, not for logs, without values of the body that was
    /// `sent`. JSON without a message is omitted, because nothing is left without its values.
    pub fn said(&self, sent: &[u8]) -> String {
        match self.message.starts_with('{') {
            true => String::new(),
            false => redacted(&self.message, sent),
        }
    }

    /// Extracts the error from a body.
    fn explain(&mut self, body: &[u8], answers: &Answers) {
        match serde_json::from_slice::<Json>(body) {
            Ok(json) => {
                self.code = text_at(&json, &answers.code);
                self.message = text_at(&json, &answers.message);
                self.request_id = text_at(&json, &answers.request_id);
                if let Some(pointer) = &answers.fields {
                    self.fields = json.pointer(pointer).filter(|it| it.is_object()).cloned();
                }
                if let Some(pointer) = &answers.fields
                    && self.message.is_empty()
                {
                    self.message = one_line(&flattened(json.pointer(pointer).unwrap_or(&json)));
                }
                if self.message.is_empty() {
                    self.message = usual_message(&json);
                }
                if self.message.is_empty() {
                    self.message = one_line(&json.to_string());
                }
            }
            Err(_) => self.message = summarise(body),
        }
        if self.message.is_empty() {
            self.message = say().answer_empty(self.status);
        }
    }

    /// Extracts the error of a token endpoint (RFC 6749, section 5.2).
    pub(super) fn explain_refusal(&mut self, body: &[u8]) {
        let Ok(json) = serde_json::from_slice::<Json>(body) else {
            return;
        };
        let code = text_at(&json, "/error");
        if !code.is_empty() && json["error"].is_string() {
            self.code = code;
            let told = text_at(&json, "/error_description");
            if !told.is_empty() {
                self.message = told;
            }
        }
    }

    /// Records what a successful response contains instead of the expected content.
    pub(super) fn holds_instead(&mut self, what: Code, body: &[u8], answers: &Answers) {
        self.explain(body, answers);
        if body.trim_ascii().is_empty() {
            self.message.clear();
        }
        self.code = what.as_str().to_owned();
        self.foreign = Some(what);
    }
}

/// Returns the error message at the usual locations: RFC 9457, OAuth, and common members.
fn usual_message(json: &Json) -> String {
    let places = [
        "/error_description",
        "/detail",
        "/message",
        "/error/message",
        "/errors/0/message",
        "/errors/0/detail",
        "/errorSummary",
        "/title",
        "/error",
    ];
    let texts = places
        .iter()
        .filter_map(|place| json.pointer(place)?.as_str());
    texts
        .map(one_line)
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// Joins all `Link` headers, which are parts of one list (RFC 9110, section 5.3).
fn link(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(reqwest::header::LINK).iter();
    let links: Vec<&str> = links.filter_map(|link| link.to_str().ok()).collect();
    (!links.is_empty()).then(|| links.join(", "))
}

/// Formats messages by field, as `profile.salutation: "Sir" is not a valid choice.; …`.
fn flattened(json: &Json) -> String {
    fn collect(path: &str, json: &Json, clauses: &mut Vec<String>) {
        match json {
            Json::Object(members) => {
                for (name, value) in members {
                    let path = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    collect(&path, value, clauses);
                }
            }
            Json::Array(items) => items.iter().for_each(|item| collect(path, item, clauses)),
            Json::Null => {}
            leaf => {
                let text = leaf
                    .as_str()
                    .map_or_else(|| leaf.to_string(), str::to_owned);
                // A message about no field.
                if matches!(path, "" | "non_field_errors" | "detail") {
                    clauses.push(text);
                } else {
                    clauses.push(format!("{path}: {text}"));
                }
            }
        }
    }
    let mut clauses = Vec::new();
    collect("", json, &mut clauses);
    clauses.join("; ")
}

fn text_at(json: &Json, pointer: &str) -> String {
    if pointer.is_empty() {
        return String::new();
    }
    match json.pointer(pointer) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => one_line(text),
        Some(other) => one_line(&other.to_string()),
    }
}

/// Summarizes a body that is not JSON, usually a proxy's HTML page, without its tags.
fn summarise(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(64 * 1024)]);
    let mut plain = String::new();
    let mut in_tag = false;
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                plain.push(' ');
            }
            c if !in_tag => plain.push(c),
            _ => {}
        }
    }
    one_line(&plain)
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let mut line = words.join(" ");
    if let Some((end, _)) = line.char_indices().nth(MESSAGE) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const NOW: u64 = 1_785_585_600 * SECOND;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let spec = crate::targets::load("meitner").unwrap();
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        Answer::read(
            status,
            &map,
            body.as_bytes(),
            &spec.answers,
            &spec.quota,
            NOW,
        )
    }

    #[test]
    fn the_apis_code_and_message_are_kept() {
        let refused = answer(
            409,
            &[],
            r#"{"error":{"code":"Conflict","message":"identity number\n taken","requestID":"r-1"}}"#,
        );
        assert_eq!(
            (refused.code.as_str(), refused.request_id.as_str()),
            ("Conflict", "r-1")
        );
        assert_eq!(refused.message, "identity number taken");
    }

    #[test]
    fn messages_by_field_are_flattened() {
        let json = serde_json::json!({
            "first_name": ["This field may not be blank."],
            "profile": {"salutation": ["\"Sir\" is not a valid choice."]},
            "errors": [{"code": "x"}],
            "non_field_errors": ["No."],
        });
        assert_eq!(
            flattened(&json),
            "first_name: This field may not be blank.; profile.salutation: \"Sir\" is not a valid choice.; errors.code: x; No."
        );
    }

    #[test]
    fn any_body_is_parsed_without_a_panic() {
        assert_eq!(answer(500, &[], "").message, "HTTP 500, with an empty body");
        assert_eq!(
            answer(502, &[], "<html><h1>Bad\nGateway</h1></html>").message,
            "Bad Gateway"
        );
        assert_eq!(answer(400, &[], "[1]").message, "[1]");
        assert_eq!(answer(400, &[], r#"{"error":{"code":7}}"#).code, "7");
        assert!(answer(400, &[], &"x".repeat(9_000)).message.chars().count() <= 501);
        assert_eq!(
            answer(200, &[], "garbage"),
            Answer {
                status: 200,
                ..Answer::default()
            }
        );
    }

    #[test]
    fn headers_are_parsed_in_successes_and_errors() {
        for status in [200, 429] {
            let read = answer(
                status,
                &[
                    ("Retry-After", "30"),
                    ("RateLimit-Limit", "5000"),
                    ("RateLimit-Remaining", "7"),
                    ("Date", "Sat, 01 Aug 2026 12:00:01 GMT"),
                ],
                "{}",
            );
            assert_eq!(read.not_before, Some(NOW + 30 * SECOND));
            assert_eq!(read.announced.limit.unwrap().to_string(), "5000/h");
            assert_eq!(read.announced.remaining, Some(7.0));
            assert_eq!(read.date, Some(NOW + SECOND));
        }
        assert_eq!(answer(200, &[("Date", "yesterday")], "").date, None);
    }

    #[test]
    fn html_is_summarized_without_tags_and_other_text_is_kept() {
        assert_eq!(answer(502, &[], "3 > 2 <b>of</b> 4").message, "3 > 2 of 4");
        // Only the beginning of a page is summarized, here only markup.
        let markup = format!("<{}>why", "x".repeat(2000));
        assert_eq!(answer(502, &[], &markup).message, "why");
    }

    #[test]
    fn each_fault_has_a_message_and_a_code() {
        for (fault, code, cause, part) in [
            (
                Fault::Connect(Trouble::NoHost),
                Code::NetworkConnect,
                Code::NetworkNoHost,
                "host",
            ),
            (
                Fault::TimeOut,
                Code::NetworkTimeOut,
                Code::NetworkTimeOut,
                "time",
            ),
            (
                Fault::Lost,
                Code::NetworkLost,
                Code::NetworkLost,
                "network.lost",
            ),
        ] {
            assert_eq!((fault.code(), fault.cause()), (code, cause));
            let told = fault.in_words();
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn messages_by_field_are_used_without_an_overall_message() {
        let spec = crate::targets::load("pathwright").unwrap();
        let read = |body: &str| {
            let body = body.as_bytes();
            let map = HeaderMap::new();
            Answer::read(400, &map, body, &spec.answers, &spec.quota, NOW).message
        };
        let told = read(r#"{"first_name":["may not be blank"]}"#);
        assert_eq!(told, "first_name: may not be blank");
    }
}
