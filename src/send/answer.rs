use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value as Json;

use crate::clock::UnixNanos;
use crate::targets::{Answers, QuotaHeaders, ResetUnit};

/// What came back for a request, as far as it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The API's error code.
    pub code: String,
    /// The error's text, on one line.
    pub message: String,
    /// The API's id of the request.
    pub request_id: String,
    /// Moment before which the API asks for no request.
    pub not_before: Option<UnixNanos>,
    /// The sign-in itself was refused, so no request was made.
    pub sign_in_refused: bool,
    /// The token with which the request was refused: another one may be taken.
    pub(super) stale_token: Option<u64>,
}

/// Why no answer came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No connection could be made, so the request was never sent.
    Connect,
    /// No answer within the time-out.
    TimeOut,
    /// The connection ended before an answer came.
    Lost,
}

impl Fault {
    /// The fault as an error code.
    pub fn code(self) -> &'static str {
        match self {
            Fault::Connect => "network.connect",
            Fault::TimeOut => "network.timeout",
            Fault::Lost => "network.lost",
        }
    }
}

/// Longest error text that is kept of an answer.
const MESSAGE: usize = 500;

impl Answer {
    /// Reads an answer. A 2xx is success whatever its body, so only other bodies are looked into.
    pub(super) fn read(
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        answers: &Answers,
        quota: Option<&QuotaHeaders>,
        now: UnixNanos,
    ) -> Answer {
        let mut answer = Answer {
            status,
            not_before: not_before(headers, quota, now),
            ..Answer::default()
        };
        if (200..300).contains(&status) {
            return answer;
        }
        match serde_json::from_slice::<Json>(body) {
            Ok(json) => {
                answer.code = text_at(&json, &answers.code);
                answer.message = text_at(&json, &answers.message);
                answer.request_id = text_at(&json, &answers.request_id);
                if let Some(pointer) = &answers.fields
                    && answer.message.is_empty()
                {
                    answer.message = one_line(&flattened(json.pointer(pointer).unwrap_or(&json)));
                }
                if answer.message.is_empty() {
                    answer.message = one_line(&json.to_string());
                }
            }
            Err(_) => answer.message = summarise(body),
        }
        if answer.message.is_empty() {
            answer.message = format!("HTTP {status}, with an empty body");
        }
        answer
    }
}

/// Messages by field, as `profile.salutation: "Sir" is not a valid choice.; …`.
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
                // What is said of no field in particular.
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

/// A body that is not JSON: a proxy's HTML page, mostly. Its tags are left out.
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

/// The moment that an answer's headers set: `Retry-After` (RFC 9110, section 10.2.3), in seconds
/// or as a date; else, where nothing remains, the reset header in its own unit. What cannot be
/// read, or lies in the past, is as if it were not there.
fn not_before(
    headers: &HeaderMap,
    quota: Option<&QuotaHeaders>,
    now: UnixNanos,
) -> Option<UnixNanos> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    if let Some(after) = text("retry-after").and_then(|value| retry_after(value, now)) {
        return Some(after);
    }
    let quota = quota?;
    if quota.draft {
        return draft_wait(headers).and_then(|seconds| {
            within_reason(now.checked_add(seconds.checked_mul(1_000_000_000)?)?, now)
        });
    }
    let remaining: f64 = text(&quota.remaining)?.parse().ok()?;
    if remaining >= 1.0 {
        return None;
    }
    let number: u64 = text(&quota.reset)?.parse().ok()?;
    let reset = match quota.reset_unit {
        ResetUnit::EpochMilliseconds => number.checked_mul(1_000_000)?,
        ResetUnit::EpochSeconds => number.checked_mul(1_000_000_000)?,
        ResetUnit::Seconds => now.checked_add(number.checked_mul(1_000_000_000)?)?,
    };
    within_reason(reset, now)
}

/// Seconds until there are more, where the draft's `RateLimit` field says that none remain:
/// `"perhr";r=0;t=30`, or in its earlier form `limit=100, remaining=0, reset=30`. Where the time
/// is not said, it is at most the window that `RateLimit-Policy` gives the policy of that name
/// (`"perhr";q=1000;w=3600`). Of several policies the longest wait counts. A field that cannot be read is as if it were not there.
fn draft_wait(headers: &HeaderMap) -> Option<u64> {
    use sfv::{BareItem, Dictionary, List, ListEntry, Parser};
    let field = headers.get("ratelimit")?.to_str().ok()?;
    let number = |item: Option<&BareItem>| match item {
        Some(BareItem::Integer(number)) => u64::try_from(i64::from(*number)).ok(),
        _ => None,
    };
    let windows = headers
        .get("ratelimit-policy")
        .and_then(|value| value.to_str().ok());
    let windows = windows.and_then(|text| Parser::new(text).parse::<List>().ok());
    let window_of = |name: &BareItem| {
        windows.iter().flatten().find_map(|entry| match entry {
            ListEntry::Item(item) if item.bare_item == *name => number(item.params.get("w")),
            _ => None,
        })
    };
    if let Ok(policies) = Parser::new(field).parse::<List>() {
        return policies
            .iter()
            .filter_map(|entry| match entry {
                ListEntry::Item(item) if number(item.params.get("r")) == Some(0) => {
                    number(item.params.get("t")).or_else(|| window_of(&item.bare_item))
                }
                _ => None,
            })
            .max();
    }
    let members = Parser::new(field).parse::<Dictionary>().ok()?;
    let member = |name: &str| match members.get(name) {
        Some(ListEntry::Item(item)) => number(Some(&item.bare_item)),
        _ => None,
    };
    (member("remaining") == Some(0)).then(|| member("reset"))?
}

fn retry_after(value: &str, now: UnixNanos) -> Option<UnixNanos> {
    let moment = match value.parse::<u64>() {
        Ok(seconds) => now.checked_add(seconds.checked_mul(1_000_000_000)?)?,
        Err(_) => {
            let date = httpdate::parse_http_date(value).ok()?;
            let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
            crate::clock::nanos(since)
        }
    };
    within_reason(moment, now)
}

/// A moment still to come, and within a day: longer than any quota's period known here, and
/// shorter than what a clock set wrong would ask for.
fn within_reason(moment: UnixNanos, now: UnixNanos) -> Option<UnixNanos> {
    const DAY: u64 = Duration::from_secs(86_400).as_nanos() as u64;
    (moment > now && moment - now <= DAY).then_some(moment)
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
            spec.quota.headers.as_ref(),
            NOW,
        )
    }

    #[test]
    fn the_apis_own_words_are_kept() {
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

    fn dialect(toml: &str, headers: &[(&'static str, &str)]) -> Option<u64> {
        let quota: QuotaHeaders = toml::from_str(toml).unwrap();
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        not_before(&map, Some(&quota), NOW).map(|moment| (moment - NOW) / SECOND)
    }

    #[test]
    fn every_dialect_of_rate_headers() {
        let x = "limit = \"X-RateLimit-Limit\"\nremaining = \"X-RateLimit-Remaining\"\nreset = \"X-RateLimit-Reset\"\n";
        let seconds = format!("{x}reset_unit = \"seconds\"");
        let none = ("X-RateLimit-Remaining", "0");
        assert_eq!(
            dialect(&seconds, &[none, ("X-RateLimit-Reset", "30")]),
            Some(30)
        );
        let epoch = format!("{x}reset_unit = \"epoch-seconds\"");
        assert_eq!(
            dialect(&epoch, &[none, ("X-RateLimit-Reset", "1785585630")]),
            Some(30)
        );
        let draft = "draft = true";
        assert_eq!(
            dialect(draft, &[("RateLimit", "\"perhr\";r=0;t=30")]),
            Some(30)
        );
        assert_eq!(
            dialect(draft, &[("RateLimit", "\"a\";r=0;t=30, \"b\";r=0;t=60")]),
            Some(60)
        );
        assert_eq!(
            dialect(draft, &[("RateLimit", "\"perhr\";r=50;t=30")]),
            None
        );
        assert_eq!(
            dialect(draft, &[("RateLimit", "limit=100, remaining=0, reset=30")]),
            Some(30)
        );
        for nonsense in [
            "",
            "\"perhr",
            "r=0",
            "\"p\";r=x;t=1",
            "remaining=0",
            "\"p\";r=0;t=-5",
        ] {
            assert_eq!(
                dialect(draft, &[("RateLimit", nonsense)]),
                None,
                "{nonsense}"
            );
        }
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
    fn any_body_is_survived() {
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
    fn a_moment_is_read_in_every_dialect_and_nonsense_is_not() {
        let wait = |headers: &[(&'static str, &str)]| {
            answer(429, headers, "")
                .not_before
                .map(|moment| (moment - NOW) / SECOND)
        };
        assert_eq!(wait(&[("Retry-After", "30")]), Some(30));
        assert_eq!(
            wait(&[("Retry-After", "Sat, 01 Aug 2026 12:01:00 GMT")]),
            Some(60)
        );
        for nonsense in [
            "-1",
            "soon",
            "0",
            "99999999999999999999",
            "31536000",
            "Sat, 01 Aug 2020 12:00:00 GMT",
        ] {
            assert_eq!(wait(&[("Retry-After", nonsense)]), None, "{nonsense}");
        }
        let reset = |remaining: &str, at: &str| {
            wait(&[("RateLimit-Remaining", remaining), ("RateLimit-Reset", at)])
        };
        assert_eq!(reset("0", "1785585605000"), Some(5));
        assert_eq!(reset("3", "1785585605000"), None);
        assert_eq!(reset("0", "1785585500000"), None);
        assert_eq!(reset("0", "x"), None);
    }
}
