//! Guards hold runs that would change more than expected.

use serde::{Deserialize, Serialize};

use crate::model::{Held, Lines, NAMED_ROWS, Threshold};

/// The limits of a run. A run that exceeds one is held for review before anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    /// The allowed number or share of invalid rows.
    pub max_invalid: Threshold,
    /// The allowed number or share of changed records.
    pub max_changes: Option<Threshold>,
    /// The allowed decrease in rows since the previous file of the same name.
    pub max_shrink: Threshold,
    /// The allowed number of rows that replace one person with another.
    #[serde(default)]
    pub max_identity_changes: u64,
    /// The policy for rows that change a person's identity number.
    #[serde(default)]
    pub renumber: RenumberMode,
}

/// The policy for rows that change a person's identity number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenumberMode {
    /// The run is held until the rows are approved.
    #[default]
    Ask,
    /// The rows are sent if a field that identifies the person matches.
    Approve,
    /// Renumbered persons are not searched for, and the row's record is not found.
    Off,
}

impl Default for Guards {
    /// Allows 20 % invalid rows and a decrease of 50 %.
    fn default() -> Self {
        Guards {
            max_invalid: Threshold::Percent(20.0),
            max_changes: None,
            max_shrink: Threshold::Percent(50.0),
            max_identity_changes: 0,
            renumber: RenumberMode::Ask,
        }
    }
}

/// The minimum size of the previous file for the shrink guard to apply.
const FEW: u64 = 10;

impl Guards {
    /// The reason to hold a run with rows that require individual approval, if any: rows that replace one
    /// person with another, and rows that change a person's identity number.
    pub fn by_row(&self, changed: &[u64], renumbered: &[u64], lines: &Lines) -> Option<Held> {
        let most = self.max_identity_changes;
        let (count, renumbered_rows) = (changed.len() as u64, renumbered.len() as u64);
        let mut rows = [changed, renumbered].concat();
        rows.sort_unstable();
        rows.truncate(NAMED_ROWS);
        let lines = rows.iter().map(|row| lines.line_of(*row)).collect();
        if count > most {
            return Some(Held::IdentityChanges {
                count,
                most,
                renumbered: renumbered_rows,
                rows,
                lines,
            });
        }
        (renumbered_rows > 0).then_some(Held::Renumbering {
            count: renumbered_rows,
            changed: count,
            rows,
            lines,
        })
    }

    /// The reason to hold a run with these figures, if any. `rows`, `invalid` and `to_send` are numbers of
    /// rows; `last` is the number of rows in the previous file of the same name.
    pub fn reason(&self, rows: u64, invalid: u64, to_send: u64, last: Option<u64>) -> Option<Held> {
        if rows == 0 {
            return Some(Held::NoRows);
        }
        if self.max_invalid.is_passed(invalid, rows) {
            return Some(Held::MaxInvalid {
                count: invalid,
                rows,
                most: self.max_invalid,
            });
        }
        if let Some(last) = last
            && last >= FEW
            && self.max_shrink.is_passed(last.saturating_sub(rows), last)
        {
            let most = self.max_shrink;
            return Some(Held::MaxShrink { rows, last, most });
        }
        let most = self.max_changes?;
        most.is_passed(to_send, rows).then_some(Held::MaxChanges {
            count: to_send,
            rows,
            most,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_held_only_if_a_limit_is_exceeded() {
        let guards = Guards {
            max_changes: Some(Threshold::Rows(300)),
            ..Guards::default()
        };
        let reason = |rows, invalid, to_send, last| guards.reason(rows, invalid, to_send, last);
        assert_eq!(reason(1000, 200, 300, Some(2000)), None);
        assert!(reason(0, 0, 0, None) == Some(Held::NoRows));
        assert!(
            reason(1000, 201, 0, None)
                .unwrap()
                .to_string()
                .contains("--max-invalid")
        );
        assert!(
            reason(1000, 0, 301, None)
                .unwrap()
                .to_string()
                .contains("--max-changes")
        );
        assert!(
            reason(999, 0, 0, Some(2000))
                .unwrap()
                .to_string()
                .contains("--max-shrink")
        );
        assert_eq!(reason(1, 0, 0, Some(9)), None, "too few to tell");
        assert!(reason(4, 0, 0, Some(10)).is_some());
    }

    #[test]
    fn a_percentage_of_changes_refers_to_the_rows_of_this_file() {
        let guards = Guards {
            max_changes: Some(Threshold::Percent(10.0)),
            ..Guards::default()
        };
        assert_eq!(guards.reason(1000, 0, 100, Some(1900)), None);
        assert!(guards.reason(1000, 0, 101, Some(1900)).is_some());
        // Without a limit, all records may change.
        assert_eq!(Guards::default().reason(1000, 0, 1000, None), None);
    }

    #[test]
    fn each_guard_holds_at_the_first_row_above_its_limit() {
        let guards = |invalid, shrink, changes| Guards {
            max_invalid: invalid,
            max_shrink: shrink,
            max_changes: Some(changes),
            max_identity_changes: 0,
            renumber: RenumberMode::Ask,
        };
        let (rows, percent) = (Threshold::Rows, Threshold::Percent);
        let in_rows = guards(rows(5), rows(5), rows(5));
        let in_percent = guards(percent(5.0), percent(5.0), percent(5.0));
        for (guards, most) in [(in_rows, rows(5)), (in_percent, percent(5.0))] {
            assert_eq!(guards.reason(100, 5, 5, Some(105)), None);
            let held = |invalid, to_send, last| guards.reason(100, invalid, to_send, Some(last));
            let invalid = Held::MaxInvalid {
                count: 6,
                rows: 100,
                most,
            };
            assert_eq!(held(6, 0, 100), Some(invalid.clone()));
            let shrunk = Held::MaxShrink {
                rows: 100,
                last: 106,
                most,
            };
            assert_eq!(held(0, 0, 106), Some(shrunk.clone()));
            let changed = Held::MaxChanges {
                count: 6,
                rows: 100,
                most,
            };
            assert_eq!(held(0, 6, 100), Some(changed));
            // If several guards apply, the most informative one is reported.
            assert_eq!(held(6, 6, 106), Some(invalid));
            assert_eq!(held(5, 6, 106), Some(shrunk));
        }
        // A larger file does not trigger the shrink guard.
        assert_eq!(in_rows.reason(100, 0, 0, Some(50)), None);
        assert_eq!(in_rows.reason(0, 0, 0, Some(50)), Some(Held::NoRows));
    }
}
