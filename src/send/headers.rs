use std::time::Duration;

use reqwest::header::HeaderMap;

use super::rate::Rate;
use crate::clock::UnixNanos;
use crate::targets::{Quota, QuotaHeaders, ResetUnit};

/// What an answer says of the quota.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Announced {
    /// Requests of a period.
    pub limit: Option<Rate>,
    /// Requests that are left.
    pub remaining: Option<f64>,
}

/// Reads the rate headers: the limit in the period of the target's own quota, or the draft's
/// policies, of which the tightest counts. What cannot be read, and what is no number of requests,
/// is as if it were not there.
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

/// The API's own time (`Date`, RFC 9110, section 6.6.1), in nanoseconds since the Unix epoch.
pub(super) fn date(headers: &HeaderMap) -> Option<UnixNanos> {
    let text = headers.get("date")?.to_str().ok()?;
    let date = httpdate::parse_http_date(text).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// A limit of `requests` in `periods` of the quota's, if it is one that can be meant.
fn sane_limit(requests: f64, periods: f64, quota: &Quota) -> Option<Rate> {
    let rate = Rate {
        requests: requests / periods,
        per: quota.per,
    };
    // Outside of this it is a mistake, and not a quota: a request a day, a million a second.
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

/// An integer of a structured field, if it is not below zero.
fn number(item: Option<&sfv::BareItem>) -> Option<u64> {
    match item {
        Some(sfv::BareItem::Integer(number)) => u64::try_from(i64::from(*number)).ok(),
        _ => None,
    }
}

/// The moment that an answer's headers set: `Retry-After` (RFC 9110, section 10.2.3), in seconds
/// or as a date; else, where nothing remains, the reset header in its own unit. What cannot be
/// read, or lies in the past, is as if it were not there.
pub(super) fn not_before(
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
/// (`"perhr";q=1000;w=3600`). Of several policies the longest wait counts. A field that cannot be
/// read is as if it were not there.
fn draft_wait(headers: &HeaderMap) -> Option<u64> {
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

    fn map(headers: &[(&'static str, &str)]) -> HeaderMap {
        headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn dialect(toml: &str, headers: &[(&'static str, &str)]) -> Option<u64> {
        let quota: QuotaHeaders = toml::from_str(toml).unwrap();
        not_before(&map(headers), Some(&quota), NOW).map(|moment| (moment - NOW) / SECOND)
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
        // Without a time, it is the window of the policy that the field names.
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
    fn a_moment_is_read_in_every_dialect_and_nonsense_is_not() {
        let wait = |headers: &[(&'static str, &str)]| {
            let quota = crate::targets::load("meitner").unwrap().quota;
            not_before(&map(headers), quota.headers.as_ref(), NOW)
                .map(|moment| (moment - NOW) / SECOND)
        };
        assert_eq!(wait(&[("Retry-After", "30")]), Some(30));
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
    fn what_is_announced_is_read_in_every_dialect_and_nonsense_is_not() {
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
    fn the_apis_time_is_its_date() {
        let of = |text: &str| date(&map(&[("Date", text)]));
        assert_eq!(of("Sat, 01 Aug 2026 12:00:01 GMT"), Some(NOW + SECOND));
        assert_eq!(of("noon"), None);
        assert_eq!(date(&map(&[])), None);
    }

    #[test]
    fn a_limit_is_between_one_a_day_and_a_million_a_second() {
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
