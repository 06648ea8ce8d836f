//! The rate limit of a target, as a number of requests per period.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The unit of time of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RateUnit {
    /// One second.
    #[serde(rename = "s")]
    Second,
    /// One minute.
    #[serde(rename = "m")]
    Minute,
    /// One hour.
    #[serde(rename = "h")]
    Hour,
    /// 24 hours.
    #[serde(rename = "d")]
    Day,
}

impl RateUnit {
    /// The unit's length in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            RateUnit::Second => 1,
            RateUnit::Minute => 60,
            RateUnit::Hour => 3_600,
            RateUnit::Day => 86_400,
        }
    }

    /// The letter of the unit.
    pub fn letter(self) -> char {
        match self {
            RateUnit::Second => 's',
            RateUnit::Minute => 'm',
            RateUnit::Hour => 'h',
            RateUnit::Day => 'd',
        }
    }
}

/// The API's rate limit.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Requests per period.
    pub requests: f64,
    /// The period.
    pub per: RateUnit,
    /// The burst: the number of requests that can be sent immediately.
    pub burst: u32,
    /// Whether the rate limit is an estimate, because the API's vendor does not publish it.
    #[serde(default)]
    pub guess: bool,
    /// The response headers with the remaining requests.
    pub headers: Option<QuotaHeaders>,
}

/// The rate limit headers of an API.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaHeaders {
    /// The header with the number of requests per period.
    #[serde(default)]
    pub limit: String,
    /// The header with the number of remaining requests.
    #[serde(default)]
    pub remaining: String,
    /// The header with the time of the reset.
    #[serde(default)]
    pub reset: String,
    /// The unit of the reset header.
    #[serde(default)]
    pub reset_unit: ResetUnit,
    /// Whether the API sends the structured `RateLimit` field of the IETF draft
    /// (draft-ietf-httpapi-ratelimit-headers-08 and later).
    #[serde(default)]
    pub draft: bool,
}

/// The unit of a reset header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResetUnit {
    /// Milliseconds since the Unix epoch.
    EpochMilliseconds,
    /// Seconds since the Unix epoch.
    EpochSeconds,
    /// Seconds from the response.
    #[default]
    Seconds,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_unit_is_written_as_its_letter() {
        for (letter, seconds) in [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)] {
            let unit: RateUnit = serde_json::from_value(letter.to_string().into()).unwrap();
            assert_eq!((unit.letter(), unit.seconds()), (letter, seconds));
        }
    }
}
