//! Guards hold runs that would change more than expected.

use serde::{Deserialize, Serialize};

use crate::model::{Held, Lines, NAMED_ROWS, Threshold};

/// What a run may look like before anything is sent; past it, it is held for a person to look at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    /// Rows that may be invalid.
    pub max_invalid: Threshold,
    /// Records that may be changed.
    pub max_changes: Option<Threshold>,
    /// Rows by which the file may have shrunk since the last run of one of its name.
    pub max_shrink: Threshold,
    /// Rows that may turn one person into another.
    #[serde(default)]
    pub max_identity_changes: u64,
    /// The policy for rows that give a person another identity number.
    #[serde(default)]
    pub renumber: RenumberMode,
}

/// The policy for rows that give a person another identity number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenumberMode {
    /// The run is held until they are approved.
    #[default]
    Ask,
    /// They are sent, if a field that identifies the person matches.
    Approve,
    /// Renumberings are not searched for; the record of the row is not found.
    Off,
}

impl Default for Guards {
    /// A fifth of the rows invalid, half of the rows gone.
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

/// Rows that the last file must have had before a shorter one is remarkable.
const FEW: u64 = 10;

impl Guards {
    /// Why to hold a run with rows that require individual approval, if it is held: rows that turn one person into
    /// another, and rows that give a person another number.
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

    /// Why a run with these figures is to be held, if it is: `rows` in the file, `invalid` ones,
    /// records `to_send`, and the rows of the last run of a file of this name.
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
    fn a_run_is_held_for_each_reason_and_for_no_other() {
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

    #[test]
    fn each_guard_holds_from_the_first_row_past_its_limit() {
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
            // The first of several reasons is the one that explains most.
            assert_eq!(held(6, 6, 106), Some(invalid));
            assert_eq!(held(5, 6, 106), Some(shrunk));
        }
        // A file that has grown has not shrunk.
        assert_eq!(in_rows.reason(100, 0, 0, Some(50)), None);
        assert_eq!(in_rows.reason(0, 0, 0, Some(50)), Some(Held::NoRows));
    }
}
