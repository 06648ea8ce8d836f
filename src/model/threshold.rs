//! A threshold is a number of rows or a share of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::l10n::say;

/// A limit, as a number of rows or a share of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Threshold {
    /// The maximum number of rows.
    Rows(u64),
    /// The maximum percentage of rows.
    Percent(f64),
}

/// A threshold that cannot be parsed.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}", say().threshold_unclear(.0.as_str()))]
pub struct ThresholdError(String);

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let parsed = match text.trim().strip_suffix('%') {
            Some(percent) => {
                let percent = percent.trim().parse().ok();
                let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
                percent.map(Threshold::Percent)
            }
            None => text.trim().parse().ok().map(Threshold::Rows),
        };
        parsed.ok_or_else(|| ThresholdError(text.to_owned()))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Rows(rows) => write!(f, "{rows}"),
            Threshold::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Threshold {
    /// Whether `count` out of `rows` exceeds the threshold.
    pub fn is_passed(self, count: u64, rows: u64) -> bool {
        match self {
            Threshold::Rows(most) => count > most,
            Threshold::Percent(percent) => count as f64 > rows as f64 * percent / 100.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_a_number_or_a_percentage_of_rows() {
        assert_eq!("50".parse(), Ok(Threshold::Rows(50)));
        assert_eq!("2.5%".parse(), Ok(Threshold::Percent(2.5)));
        for bad in ["", "x", "-1", "101%", "-5%", "%", "1.5"] {
            assert!(bad.parse::<Threshold>().is_err(), "{bad}");
        }
        assert!(!Threshold::Percent(20.0).is_passed(20, 100));
        assert!(Threshold::Percent(20.0).is_passed(21, 100));
        assert!(Threshold::Rows(0).is_passed(1, 100));
    }
}
