use crate::l10n::{number, say};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// So many rows, or such a part of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Threshold {
    /// A number of rows.
    Rows(u64),
    /// A percentage.
    Percent(f64),
}

/// Why a threshold cannot be understood.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}", say().threshold_unclear(.0.as_str()))]
pub struct ThresholdError(String);

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let error = || ThresholdError(text.to_owned());
        match text.trim().strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.trim().parse().map_err(|_| error())?;
                if (0.0..=100.0).contains(&percent) {
                    Ok(Threshold::Percent(percent))
                } else {
                    Err(error())
                }
            }
            None => text
                .trim()
                .parse()
                .map(Threshold::Rows)
                .map_err(|_| error()),
        }
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
    /// Whether `count` of `rows` is past it.
    pub fn is_passed(self, count: u64, rows: u64) -> bool {
        match self {
            Threshold::Rows(most) => count > most,
            Threshold::Percent(percent) => count as f64 > rows as f64 * percent / 100.0,
        }
    }
}

/// What a run may look like before anything is sent; past it, it is held for a person to look at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    /// Rows that may be invalid.
    pub max_invalid: Threshold,
    /// Records that may be changed.
    pub max_changes: Option<Threshold>,
    /// Rows by which the file may have shrunk since the last run of one of its name.
    pub max_shrink: Threshold,
}

impl Default for Guards {
    /// A fifth of the rows invalid, half of the rows gone.
    fn default() -> Self {
        Guards {
            max_invalid: Threshold::Percent(20.0),
            max_changes: None,
            max_shrink: Threshold::Percent(50.0),
        }
    }
}

/// Rows that the last file must have had before a shorter one is remarkable.
const FEW: u64 = 10;

impl Guards {
    /// Why a run with these figures is to be held, if it is: `rows` in the file, `invalid` ones,
    /// records `to_send`, and the rows of the last run of a file of this name.
    pub fn reason(
        &self,
        rows: u64,
        invalid: u64,
        to_send: u64,
        last: Option<u64>,
    ) -> Option<String> {
        if rows == 0 {
            return Some(say().held_no_rows());
        }
        if self.max_invalid.is_passed(invalid, rows) {
            let most = self.max_invalid;
            return Some(say().held_invalid(number(invalid), number(rows), most.to_string()));
        }
        if let Some(last) = last
            && last >= FEW
            && self.max_shrink.is_passed(last.saturating_sub(rows), last)
        {
            let most = self.max_shrink;
            return Some(say().held_shrunk(number(rows), number(last), most.to_string()));
        }
        let most = self.max_changes?;
        most.is_passed(to_send, rows)
            .then(|| say().held_changes(number(to_send), number(rows), most.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds() {
        assert_eq!("50".parse(), Ok(Threshold::Rows(50)));
        assert_eq!("2.5%".parse(), Ok(Threshold::Percent(2.5)));
        for bad in ["", "x", "-1", "101%", "-5%", "%", "1.5"] {
            assert!(bad.parse::<Threshold>().is_err(), "{bad}");
        }
        assert!(!Threshold::Percent(20.0).is_passed(20, 100));
        assert!(Threshold::Percent(20.0).is_passed(21, 100));
        assert!(Threshold::Rows(0).is_passed(1, 100));
    }

    #[test]
    fn a_run_is_held_for_each_reason_and_for_no_other() {
        let guards = Guards {
            max_changes: Some(Threshold::Rows(300)),
            ..Guards::default()
        };
        let reason = |rows, invalid, to_send, last| guards.reason(rows, invalid, to_send, last);
        assert_eq!(reason(1000, 200, 300, Some(2000)), None);
        assert!(reason(0, 0, 0, None).unwrap().contains("no rows"));
        assert!(
            reason(1000, 201, 0, None)
                .unwrap()
                .contains("--max-invalid")
        );
        assert!(
            reason(1000, 0, 301, None)
                .unwrap()
                .contains("--max-changes")
        );
        assert!(
            reason(999, 0, 0, Some(2000))
                .unwrap()
                .contains("--max-shrink")
        );
        assert_eq!(reason(1, 0, 0, Some(9)), None, "too few to tell");
        assert!(reason(4, 0, 0, Some(10)).is_some());
    }

    #[test]
    fn a_percentage_of_changes_is_of_this_files_rows() {
        let guards = Guards {
            max_changes: Some(Threshold::Percent(10.0)),
            ..Guards::default()
        };
        assert_eq!(guards.reason(1000, 0, 100, Some(1900)), None);
        assert!(guards.reason(1000, 0, 101, Some(1900)).is_some());
        // Without a limit, everything may change.
        assert_eq!(Guards::default().reason(1000, 0, 1000, None), None);
    }
}
