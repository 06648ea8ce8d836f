//! The quota of a target is a number of requests per period.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A unit of time that a rate is given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RateUnit {
    /// A second.
    #[serde(rename = "s")]
    Second,
    /// A minute.
    #[serde(rename = "m")]
    Minute,
    /// An hour.
    #[serde(rename = "h")]
    Hour,
    /// A day of 24 hours.
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

    /// The letter that stands for it.
    pub fn letter(self) -> char {
        match self {
            RateUnit::Second => 's',
            RateUnit::Minute => 'm',
            RateUnit::Hour => 'h',
            RateUnit::Day => 'd',
        }
    }
}

/// How many requests the API takes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Requests a period.
    pub requests: f64,
    /// The period.
    pub per: RateUnit,
    /// Requests that a full bucket lets through at once.
    pub burst: u32,
    /// Whether the API's vendor does not publish it.
    #[serde(default)]
    pub guess: bool,
    /// The headers that tell how much is left.
    pub headers: Option<QuotaHeaders>,
}

/// Headers that tell how much of the quota is left.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaHeaders {
    /// Header that holds the requests of a period.
    #[serde(default)]
    pub limit: String,
    /// Header that holds the requests that are left.
    #[serde(default)]
    pub remaining: String,
    /// Header that tells when there are more.
    #[serde(default)]
    pub reset: String,
    /// What the reset header's number means.
    #[serde(default)]
    pub reset_unit: ResetUnit,
    /// Whether the API speaks the IETF draft's structured `RateLimit` field
    /// (draft-ietf-httpapi-ratelimit-headers-08 and later).
    #[serde(default)]
    pub draft: bool,
}

/// What the number in a reset header means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResetUnit {
    /// Milliseconds since the Unix epoch.
    EpochMilliseconds,
    /// Seconds since the Unix epoch.
    EpochSeconds,
    /// Seconds from now.
    #[default]
    Seconds,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_of_time_is_written_as_its_letter() {
        for (letter, seconds) in [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)] {
            let unit: RateUnit = serde_json::from_value(letter.to_string().into()).unwrap();
            assert_eq!((unit.letter(), unit.seconds()), (letter, seconds));
        }
    }
}
