//! The selection restricts a run to certain rows.

use crate::l10n::say;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The rows that a run is restricted to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Row numbers; empty means all rows.
    pub rows: Vec<RangeInclusive<u64>>,
    /// Spreadsheet row numbers; empty means all rows.
    #[serde(default)]
    pub lines: Vec<RangeInclusive<u64>>,
    /// The maximum number of calls.
    pub limit: Option<u64>,
}

/// A selection of rows that cannot be parsed.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}", say().selection_unclear(.0.as_str()))]
pub struct SelectionError(String);

impl Selection {
    /// The maximum number of selected rows in a file with `rows` rows, of which `valid` are valid.
    pub fn most(&self, rows: u64, valid: u64) -> u64 {
        let named = |ranges: &[RangeInclusive<u64>], last: u64| -> u64 {
            let count = |range: &RangeInclusive<u64>| {
                (*range.end()).min(last).saturating_sub(range.start() - 1)
            };
            match ranges {
                [] => valid,
                ranges => ranges.iter().map(count).sum(),
            }
        };
        // Spreadsheet row numbers can exceed the last row's number, because of empty lines.
        let asked = valid
            .min(named(&self.rows, rows))
            .min(named(&self.lines, u64::MAX));
        asked.min(self.limit.unwrap_or(u64::MAX))
    }

    /// Whether `row`, with the spreadsheet row number `line`, is selected, regardless of the limit.
    pub fn holds(&self, row: u64, line: u64) -> bool {
        let has = |ranges: &[RangeInclusive<u64>], number: u64| {
            ranges.is_empty() || ranges.iter().any(|range| range.contains(&number))
        };
        has(&self.rows, row) && has(&self.lines, line)
    }
}

impl FromStr for Selection {
    type Err = SelectionError;

    /// Parses row numbers and ranges, from 1, such as `10-20,35`.
    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let error = || SelectionError(text.to_owned());
        let number = |digits: &str| match digits.trim().parse::<u64>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(error()),
        };
        let rows = text
            .split(',')
            .map(|part| {
                let (from, to) = part.split_once('-').unwrap_or((part, part));
                let (from, to) = (number(from)?, number(to)?);
                if from > to {
                    return Err(error());
                }
                Ok(from..=to)
            })
            .collect::<Result<_, _>>()?;
        Ok(Selection {
            rows,
            ..Selection::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_parses_rows_and_ranges() {
        let selection: Selection = "10-12,35".parse().unwrap();
        let held: Vec<u64> = (1..40)
            .filter(|&row| selection.holds(row, row + 1))
            .collect();
        assert_eq!(held, [10, 11, 12, 35]);
        assert!(Selection::default().holds(1, 2));
        let lines = Selection {
            lines: selection.rows,
            ..Selection::default()
        };
        assert!(lines.holds(9, 10) && !lines.holds(10, 9));
        assert_eq!(lines.most(40, 40), 4);
        for bad in ["", "a", "5-3", "0", "1-", "1--2"] {
            assert!(bad.parse::<Selection>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_forecast_counts_only_selected_rows() {
        let selected = |rows: &str, limit| Selection {
            limit,
            ..rows.parse().unwrap()
        };
        for (selection, most) in [
            (Selection::default(), 30),
            (selected("1", None), 1),
            (selected("1-10,15", None), 11),
            // The file ends at row 40.
            (selected("40", None), 1),
            (selected("38-50", None), 3),
            (selected("41-50", None), 0),
            (selected("1-40", None), 30),
            (selected("1-10", Some(3)), 3),
            (selected("1-10", Some(30)), 10),
        ] {
            assert_eq!(selection.most(40, 30), most, "{selection:?}");
        }
        // A spreadsheet row number can exceed the number of rows.
        let lines = Selection {
            lines: vec![41..=50],
            limit: Some(100),
            ..Selection::default()
        };
        assert_eq!(lines.most(40, 30), 10);
    }

    #[test]
    fn spaces_in_a_selection_are_ignored() {
        let selection: Selection = " 1 , 3 - 3,7-9 ".parse().unwrap();
        assert_eq!(selection.rows, [1..=1, 3..=3, 7..=9]);
        let error = "1;2".parse::<Selection>().unwrap_err().to_string();
        assert_eq!(error, "\"1;2\" is not a list of rows such as 10-20,35");
    }
}
