//! Parsing of rate-limit headers.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName};

use super::rate::Rate;
use crate::clock::UnixNanos;
use crate::targets::{Quota, QuotaHeaders, ResetUnit};

/// The quota according to a response.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Announced {
    /// The number of requests per period.
    pub limit: Option<Rate>,
    /// The number of requests left.
    pub remaining: Option<f64>,
}

/// Parses the rate-limit headers: the limit per period of the target's quota, or the tightest policy of the
/// IETF draft. Unreadable and implausible values are ignored.
pub(super) fn announced(headers: &HeaderMap, quota: &Quota) -> Announced {
    let Some(names) = &quota.headers else {
        return Announced::default();
    };
    if names.draft {
        return announced_by_draft(headers, quota);
    }
    let number = |name: &str| -> Option<f64> {
        let value = headers.get(name)?.to_str().ok()?;
        value.trim().parse().ok()
    };
    Announced {
        limit: number(&names.limit).and_then(|limit| sane_limit(limit, 1.0, quota)),
        remaining: number(&names.remaining).filter(|remaining| remaining.is_finite()),
    }
}

/// Returns the API's clock (`Date`, RFC 9110, section 6.6.1), in nanoseconds since the Unix epoch.
pub(super) fn date(headers: &HeaderMap) -> Option<UnixNanos> {
    let text = headers.get("date")?.to_str().ok()?;
    let date = httpdate::parse_http_date(text).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// Returns the limit of `requests` in `periods` of the quota, if it is plausible.
fn sane_limit(requests: f64, periods: f64, quota: &Quota) -> Option<Rate> {
    let rate = Rate {
        requests: requests / periods,
        per: quota.per,
    };
    // Limits below one request per day or above one million per second are mistakes.
    let sane = Duration::from_micros(1)..=Duration::from_secs(86_400);
    sane.contains(&rate.interval()).then_some(rate)
}

fn announced_by_draft(headers: &HeaderMap, quota: &Quota) -> Announced {
    use sfv::{Dictionary, List, ListEntry, Parser};
    let list = |name: &str| -> Option<List> {
        let text = headers.get(name)?.to_str().ok()?;
        Parser::new(text).parse().ok()
    };
    let limit = list("ratelimit-policy").and_then(|policies| {
        let rates = policies.iter().filter_map(|entry| match entry {
            ListEntry::Item(item) => {
                let requests = number(item.params.get("q"))?;
                let window = number(item.params.get("w"))?;
                let periods = window as f64 / quota.per.seconds() as f64;
                sane_limit(requests as f64, periods, quota)
            }
            ListEntry::InnerList(_) => None,
        });
        rates.max_by(|one, other| one.interval().cmp(&other.interval()))
    });
    let of_list = list("ratelimit").and_then(|policies| {
        let remaining = policies.iter().filter_map(|entry| match entry {
            ListEntry::Item(item) => number(item.params.get("r")),
            ListEntry::InnerList(_) => None,
        });
        remaining.min()
    });
    let of_members = || {
        let text = headers.get("ratelimit")?.to_str().ok()?;
        let members = Parser::new(text).parse::<Dictionary>().ok()?;
        match members.get("remaining")? {
            ListEntry::Item(item) => number(Some(&item.bare_item)),
            ListEntry::InnerList(_) => None,
        }
    };
    Announced {
        limit,
        remaining: of_list
            .or_else(of_members)
            .map(|remaining| remaining as f64),
    }
}

/// Returns an integer of a structured field, if it is not negative.
fn number(item: Option<&sfv::BareItem>) -> Option<u64> {
    match item {
        Some(sfv::BareItem::Integer(number)) => u64::try_from(i64::from(*number)).ok(),
        _ => None,
    }
}

/// A rate-limit header and its interpretation.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaHeader {
    /// The name of the header, as in the target file.
    pub name: String,
    /// The value, or `None` if the response lacks the header.
    pub value: Option<String>,
    /// The interpretation.
    pub means: Vec<QuotaMeaning>,
}

/// The interpretation of a rate-limit header.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QuotaMeaning {
    /// The number of requests per period.
    Limit(Rate),
    /// The number of requests left.
    Remaining(f64),
    /// Seconds until more requests are available.
    Reset(u64),
    /// Seconds before which no request should be made.
    RetryAfter(u64),
    /// The target file does not name the header.
    Unnamed,
    /// The value cannot be read.
    Unreadable,
}

/// Returns the quota headers that the target file names, `Retry-After`, and other headers that look like
/// quota headers.
pub(super) fn quota_headers(
    headers: &HeaderMap,
    quota: &Quota,
    now: UnixNanos,
) -> Vec<QuotaHeader> {
    let seconds = |moment: Moment| match moment {
        Moment::At(at) => Some(at.saturating_sub(now).div_ceil(1_000_000_000)),
        Moment::Passed => Some(0),
        Moment::Unusable => None,
    };
    let text = |name: &str| {
        let value = headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let said = announced(headers, quota);
    let mut found: Vec<QuotaHeader> = Vec::new();
    let mut add = |name: &str, means: Vec<Option<QuotaMeaning>>| {
        if name.is_empty() || found.iter().any(|one| one.name.eq_ignore_ascii_case(name)) {
            return;
        }
        let value = text(name);
        let mut means: Vec<QuotaMeaning> = means.into_iter().flatten().collect();
        if means.is_empty() && value.is_some() {
            means.push(QuotaMeaning::Unreadable);
        }
        let name = name.to_owned();
        found.push(QuotaHeader { name, value, means });
    };
    let limit = said.limit.map(QuotaMeaning::Limit);
    let remaining = said.remaining.map(QuotaMeaning::Remaining);
    match &quota.headers {
        Some(names) if names.draft => {
            let reset = draft_wait(headers, false).map(QuotaMeaning::Reset);
            add("RateLimit", vec![remaining, reset]);
            add("RateLimit-Policy", vec![limit]);
        }
        Some(names) => {
            let reset = text(&names.reset).and_then(|text| number_of(&text));
            let reset = reset.and_then(|number| seconds(reset_at(number, names.reset_unit, now)));
            add(&names.limit, vec![limit]);
            add(&names.remaining, vec![remaining]);
            add(&names.reset, vec![reset.map(QuotaMeaning::Reset)]);
        }
        None => {}
    }
    if let Some(value) = text("retry-after") {
        let wait = seconds(retry_after(&value, now)).map(QuotaMeaning::RetryAfter);
        add("Retry-After", vec![wait]);
    }
    for name in headers.keys().map(HeaderName::as_str) {
        if ["ratelimit", "rate-limit", "quota"]
            .iter()
            .any(|word| name.contains(word))
        {
            add(name, vec![Some(QuotaMeaning::Unnamed)]);
        }
    }
    found
}

/// The earliest time of the next request, according to the headers of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wait {
    /// The time, if it is in the future.
    pub(super) not_before: Option<UnixNanos>,
    /// Whether the response has `Retry-After`, readable or not.
    pub(super) is_asked: bool,
    /// Whether a header is unreadable, or its time is more than a day away.
    pub(super) is_unusable: bool,
}

/// The time in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// A time in the future.
    At(UnixNanos),
    /// A time in the past.
    Passed,
    /// The value is unreadable or implausibly far away.
    Unusable,
}

/// Returns the earliest time of the next request: from `Retry-After` (RFC 9110, section 10.2.3), in seconds
/// or as a date; otherwise, if no requests are left, from the reset header in its own unit.
pub(super) fn wait(headers: &HeaderMap, quota: Option<&QuotaHeaders>, now: UnixNanos) -> Wait {
    let mut wait = Wait::default();
    // The longest of several waits applies.
    for value in headers.get_all("retry-after") {
        wait.is_asked = true;
        match value.to_str().map(|text| retry_after(text, now)) {
            Ok(Moment::At(moment)) => wait.not_before = wait.not_before.max(Some(moment)),
            Ok(Moment::Passed) => {}
            Ok(Moment::Unusable) | Err(_) => wait.is_unusable = true,
        }
    }
    if wait.not_before.is_some() {
        return wait;
    }
    match quota.and_then(|quota| reset(headers, quota, now)) {
        Some(Moment::At(moment)) => wait.not_before = Some(moment),
        Some(Moment::Unusable) => wait.is_unusable = true,
        Some(Moment::Passed) | None => {}
    }
    wait
}

/// Returns the time in the reset header, if no requests are left.
fn reset(headers: &HeaderMap, quota: &QuotaHeaders, now: UnixNanos) -> Option<Moment> {
    if quota.draft {
        return draft_wait(headers, true).map(|seconds| after(seconds as f64, now));
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str());
    let remaining = text(&quota.remaining)?;
    let Some(remaining) = remaining.ok().and_then(number_of) else {
        return Some(Moment::Unusable);
    };
    if remaining >= 1.0 {
        return None;
    }
    let Some(number) = text(&quota.reset)?.ok().and_then(number_of) else {
        return Some(Moment::Unusable);
    };
    Some(reset_at(number, quota.reset_unit, now))
}

/// Converts a number in the reset header to a time.
fn reset_at(number: f64, unit: ResetUnit, now: UnixNanos) -> Moment {
    match unit {
        ResetUnit::EpochMilliseconds => at(number * 1e6, now),
        ResetUnit::EpochSeconds => at(number * 1e9, now),
        ResetUnit::Seconds => after(number, now),
    }
}

/// Parses a non-negative number, with or without a fraction.
fn number_of(text: &str) -> Option<f64> {
    let text = text.trim();
    // Rust also parses "inf" and "1e3".
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| is_plain)
}

/// Returns the time in this many seconds, rounded up to whole seconds.
fn after(seconds: f64, now: UnixNanos) -> Moment {
    // The cast saturates, and the result is then too far away.
    let wait = (seconds.ceil() as u64).saturating_mul(1_000_000_000);
    within_reason(now.saturating_add(wait), now)
}

/// Converts nanoseconds since the Unix epoch to a time.
fn at(nanoseconds: f64, now: UnixNanos) -> Moment {
    within_reason(nanoseconds.ceil() as u64, now)
}

/// Returns the seconds until requests are available, if the draft's `RateLimit` field reports that none are
/// left: `"perhr";r=0;t=30`, or in its earlier form `limit=100, remaining=0, reset=30`. Without a time, it is
/// at most the window of the policy with the same name in `RateLimit-Policy` (`"perhr";q=1000;w=3600`). The
/// longest wait of several policies applies. Unreadable fields are ignored. Unless `only_empty`, the result
/// also applies if requests are left.
fn draft_wait(headers: &HeaderMap, only_empty: bool) -> Option<u64> {
    use sfv::{BareItem, Dictionary, List, ListEntry, Parser};
    let field = headers.get("ratelimit")?.to_str().ok()?;
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
                ListEntry::Item(item) if !only_empty || number(item.params.get("r")) == Some(0) => {
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
    (!only_empty || member("remaining") == Some(0)).then(|| member("reset"))?
}

/// Parses `Retry-After`: whole seconds or a date, and variants that servers send: a fraction (`30.0`), a unit
/// (`4s`, `500ms`), quotation marks, or a Unix timestamp in seconds or milliseconds.
fn retry_after(value: &str, now: UnixNanos) -> Moment {
    let text = value.trim().trim_matches('"').trim().to_ascii_lowercase();
    let unit = text.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = text.split_at(unit.unwrap_or(text.len()));
    let scale = match unit {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => Some(1.0),
        "ms" => Some(1e-3),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60.0),
        "h" | "hour" | "hours" => Some(3600.0),
        _ => None,
    };
    if let (Some(scale), Some(number)) = (scale, number_of(number)) {
        return match after(number * scale, now) {
            Moment::Unusable if unit.is_empty() => {
                let since_epoch = [at(number * 1e9, now), at(number * 1e6, now)];
                let moment = since_epoch
                    .into_iter()
                    .find(|moment| matches!(moment, Moment::At(_)));
                moment.unwrap_or(Moment::Unusable)
            }
            moment => moment,
        };
    }
    let date = httpdate::parse_http_date(value.trim()).ok();
    let since = date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
    match since {
        Some(since) => within_reason(crate::clock::nanos(since), now),
        None => Moment::Unusable,
    }
}

/// Accepts a time within a day: longer than the period of any known quota, and shorter than the error of a
/// wrong clock.
fn within_reason(moment: UnixNanos, now: UnixNanos) -> Moment {
    const DAY: u64 = Duration::from_secs(86_400).as_nanos() as u64;
    match moment.checked_sub(now) {
        None | Some(0) => Moment::Passed,
        Some(1..=DAY) => Moment::At(moment),
        Some(_) => Moment::Unusable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const NOW: u64 = 1_785_585_600 * SECOND;

    fn map(headers: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn dialect(toml: &str, headers: &[(&'static str, &str)]) -> Option<u64> {
        let quota: QuotaHeaders = toml::from_str(toml).unwrap();
        let wait = wait(&map(headers), Some(&quota), NOW);
        wait.not_before.map(|moment| (moment - NOW) / SECOND)
    }

    #[test]
    fn rate_limit_headers_are_parsed_in_every_dialect() {
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
        // Without a time, the window of the policy in the field applies.
        let policy = (
            "RateLimit-Policy",
            "\"day\";q=24000;w=7200, \"perhr\";q=1000;w=3600",
        );
        assert_eq!(
            dialect(draft, &[policy, ("RateLimit", "\"perhr\";r=0")]),
            Some(3600)
        );
        assert_eq!(
            dialect(draft, &[policy, ("RateLimit", "\"other\";r=0")]),
            None
        );
        assert_eq!(
            dialect(draft, &[policy, ("RateLimit", "\"perhr\";r=0;t=30")]),
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
    fn wait_headers_are_parsed_in_every_dialect_and_nonsense_is_ignored() {
        let quota = crate::targets::load("meitner").unwrap().quota;
        let told = |headers: &[(&'static str, &str)]| {
            super::wait(&map(headers), quota.headers.as_ref(), NOW)
        };
        let wait = |headers: &[(&'static str, &str)]| {
            let moment = told(headers).not_before;
            moment.map(|moment| (moment - NOW) / SECOND)
        };
        for (value, seconds) in [
            ("30", 30),
            ("30.0", 30),
            ("30.5", 31),
            ("0.1", 1),
            (" 30 ", 30),
            ("\"30\"", 30),
            ("4s", 4),
            ("4 s", 4),
            ("4.5 Seconds", 5),
            ("1500ms", 2),
            ("2m", 120),
            ("1h", 3600),
            ("1785585630", 30),
            ("1785585630500", 31),
        ] {
            let told = told(&[("Retry-After", value)]);
            let moment = told
                .not_before
                .map(|moment| (moment - NOW).div_ceil(SECOND));
            assert_eq!(moment, Some(seconds), "{value}");
            assert!(told.is_asked && !told.is_unusable, "{value}");
        }
        for value in [
            "soon", "-1", "", "1e3", "inf", "86401", "31536000", "30 x", "1.2.3",
        ] {
            let told = told(&[("Retry-After", value)]);
            assert!(told.is_asked && told.is_unusable, "{value}: {told:?}");
            assert_eq!(told.not_before, None, "{value}");
        }
        for value in ["0", "0.0", "Sat, 01 Aug 2020 12:00:00 GMT"] {
            let told = told(&[("Retry-After", value)]);
            assert!(told.is_asked && !told.is_unusable, "{value}");
            assert_eq!(told.not_before, None, "{value}");
        }
        let both = [("Retry-After", "5"), ("Retry-After", "20")];
        assert_eq!(wait(&both), Some(20), "the longest");
        assert!(!told(&[]).is_asked);
        for (remaining, reset) in [("x", "1"), ("0", "x"), ("0", "1985585605000")] {
            let headers = [
                ("RateLimit-Remaining", remaining),
                ("RateLimit-Reset", reset),
            ];
            assert!(told(&headers).is_unusable, "{remaining} {reset}");
            assert!(!told(&headers).is_asked);
        }
        assert_eq!(wait(&[("Retry-After", "86400")]), Some(86_400));
        assert_eq!(wait(&[("Retry-After", "86401")]), None, "longer than a day");
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
        assert_eq!(reset("1", "1785585605000"), None, "one is left");
        assert_eq!(reset("0", "1785585500000"), None);
        assert_eq!(reset("0", "x"), None);
    }

    #[test]
    fn limits_are_parsed_in_every_dialect_and_nonsense_is_ignored() {
        let mut quota = crate::targets::load("meitner").unwrap().quota;
        let read = |quota: &Quota, headers: &[(&'static str, &str)]| {
            let announced = announced(&map(headers), quota);
            (
                announced.limit.map(|limit| limit.to_string()),
                announced.remaining,
            )
        };
        let triple = [("RateLimit-Limit", "5000"), ("RateLimit-Remaining", "4987")];
        assert_eq!(read(&quota, &triple), (Some("5000/h".into()), Some(4987.0)));
        for nonsense in ["0", "-5", "x", "inf", "NaN", "1e30", "0.0001"] {
            let headers = [("RateLimit-Limit", nonsense)];
            assert_eq!(read(&quota, &headers).0, None, "{nonsense}");
        }
        if let Some(headers) = &mut quota.headers {
            headers.draft = true;
        }
        let eight = [
            (
                "RateLimit-Policy",
                "\"day\";q=24000;w=86400, \"perhr\";q=5000;w=3600",
            ),
            ("RateLimit", "\"day\";r=900;t=30, \"perhr\";r=50;t=30"),
        ];
        assert_eq!(read(&quota, &eight), (Some("1000/h".into()), Some(50.0)));
        let seven = [("RateLimit", "limit=100, remaining=50, reset=30")];
        assert_eq!(read(&quota, &seven), (None, Some(50.0)));
        for nonsense in ["", "\"p\";q=1", "q", "\"p\";q=-1;w=1", "\"p\";q=1;w=0"] {
            let headers = [("RateLimit-Policy", nonsense)];
            assert_eq!(read(&quota, &headers).0, None, "{nonsense}");
        }
    }

    #[test]
    fn each_quota_header_is_returned_with_its_interpretation() {
        let mut quota = crate::targets::load("meitner").unwrap().quota;
        let shown = |quota: &Quota, headers: &[(&'static str, &str)]| -> Vec<String> {
            let found = quota_headers(&map(headers), quota, NOW);
            let shown = found.iter().map(|one| {
                let value = one.value.as_deref().unwrap_or("-");
                format!("{}={value}: {:?}", one.name, one.means)
            });
            shown.collect()
        };
        let epoch = [
            ("RateLimit-Limit", "5000"),
            ("RateLimit-Remaining", "x"),
            ("RateLimit-Reset", "1785585605000"),
            ("X-Quota-Day", "7"),
            ("Retry-After", "soon"),
        ];
        let rate = "Limit(Rate { requests: 5000.0, per: Hour })";
        let expected = [
            format!("RateLimit-Limit=5000: [{rate}]"),
            "RateLimit-Remaining=x: [Unreadable]".into(),
            "RateLimit-Reset=1785585605000: [Reset(5)]".into(),
            "Retry-After=soon: [Unreadable]".into(),
            "x-quota-day=7: [Unnamed]".into(),
        ];
        assert_eq!(shown(&quota, &epoch), expected);
        let expected = [
            "RateLimit-Limit=-: []",
            "RateLimit-Remaining=-: []",
            "RateLimit-Reset=-: []",
        ];
        assert_eq!(shown(&quota, &[]), expected);
        if let Some(headers) = &mut quota.headers {
            headers.draft = true;
        }
        let draft = [
            ("RateLimit", "\"perhr\";r=50;t=30"),
            ("RateLimit-Policy", "\"perhr\";q=5000;w=3600"),
        ];
        let expected = [
            "RateLimit=\"perhr\";r=50;t=30: [Remaining(50.0), Reset(30)]".to_owned(),
            format!("RateLimit-Policy=\"perhr\";q=5000;w=3600: [{rate}]"),
        ];
        assert_eq!(shown(&quota, &draft), expected);
        quota.headers = None;
        let unnamed = shown(&quota, &[("RateLimit-Limit", "5000")]);
        assert_eq!(unnamed, ["ratelimit-limit=5000: [Unnamed]"]);
    }

    #[test]
    fn the_apis_clock_is_the_date_header() {
        let of = |text: &str| date(&map(&[("Date", text)]));
        assert_eq!(of("Sat, 01 Aug 2026 12:00:01 GMT"), Some(NOW + SECOND));
        assert_eq!(of("noon"), None);
        assert_eq!(date(&map(&[])), None);
    }

    #[test]
    fn limits_outside_one_per_day_to_a_million_per_second_are_ignored() {
        let mut quota = crate::targets::load("meitner").unwrap().quota;
        quota.per = crate::targets::RateUnit::Day;
        let limit = |text: &str| {
            let headers = map(&[("RateLimit-Limit", text)]);
            announced(&headers, &quota).limit.map(|rate| rate.requests)
        };
        assert_eq!(limit("1"), Some(1.0));
        assert_eq!(limit("0.5"), None);
        assert_eq!(limit("86400000000"), Some(86.4e9));
        assert_eq!(limit("87000000000"), None);
    }
}
