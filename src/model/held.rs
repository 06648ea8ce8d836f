//! Held reasons state which guard holds a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::fact::Fact;
use super::threshold::Threshold;
use crate::l10n::{conflicts, number, rows, say};

/// The guard that holds a run, with its figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "snake_case")]
pub enum Held {
    /// The file has no rows.
    NoRows,
    /// Too many rows are invalid.
    MaxInvalid {
        /// The number of all rows.
        count: u64,
        /// The allowed number or share of rows.
        rows: u64,
        /// The allowed number.
        most: Threshold,
    },
    /// The file has far fewer rows than the previous file of the same name.
    MaxShrink {
        /// The number of rows.
        rows: u64,
        /// The number of rows in the previous file.
        last: u64,
        /// The allowed decrease.
        most: Threshold,
    },
    /// Too many records would change.
    MaxChanges {
        /// The number of rows with changes.
        count: u64,
        /// The number of all rows.
        rows: u64,
        /// The allowed number or share of changes.
        most: Threshold,
    },
    /// Too many rows would replace one person with another.
    IdentityChanges {
        /// The number of rows that replace a person.
        count: u64,
        /// The allowed number of such rows.
        most: u64,
        /// The number of rows that change a person's identity number.
        #[serde(default)]
        renumbered: u64,
        /// The first rows of both kinds, by row number.
        #[serde(default)]
        rows: Vec<u64>,
        /// The spreadsheet row numbers of `rows`.
        #[serde(default)]
        lines: Vec<u64>,
    },
    /// Rows change a person's identity number.
    Renumbering {
        /// The number of rows that change an identity number.
        count: u64,
        /// The number of rows that replace one person with another. Alone, they would be allowed.
        #[serde(default)]
        changed: u64,
        /// The first rows of both kinds, by row number.
        #[serde(default)]
        rows: Vec<u64>,
        /// The spreadsheet row numbers of `rows`.
        #[serde(default)]
        lines: Vec<u64>,
    },
    /// Values that changed since rosterpatch last wrote them require a decision.
    Conflicts {
        /// The number of conflicts.
        count: u64,
    },
}

/// The maximum number of rows that a reason lists.
pub const NAMED_ROWS: usize = 20;

/// Formats row numbers as the `--rows` option expects them.
pub fn row_list(rows: &[u64]) -> String {
    let rows: Vec<String> = rows.iter().map(u64::to_string).collect();
    rows.join(",")
}

impl Held {
    /// The rows that require individual approval: their number, and the first of them by row number and by
    /// spreadsheet row number.
    fn to_approve(&self) -> Option<(u64, &[u64], &[u64])> {
        match self {
            Held::IdentityChanges {
                count,
                renumbered: more,
                rows,
                lines,
                ..
            }
            | Held::Renumbering {
                count,
                changed: more,
                rows,
                lines,
            } => Some((count + more, rows, lines)),
            _ => None,
        }
    }

    /// The rows to approve as a command-line argument; the placeholder `ROWS` if the reason does not list
    /// all.
    pub fn rows_to_approve(&self) -> Option<String> {
        let (count, rows, _) = self.to_approve()?;
        Some(match rows.len() as u64 == count {
            true => row_list(rows),
            false => "ROWS".to_owned(),
        })
    }

    fn rows_in_words(&self) -> String {
        let Some((count, _, lines)) = self.to_approve().filter(|(.., lines)| !lines.is_empty())
        else {
            return String::new();
        };
        let named: Vec<String> = lines.iter().map(|line| number(*line)).collect();
        match count.saturating_sub(lines.len() as u64) {
            0 => say().held_rows(count, named.join(", ")),
            more => say().held_rows_more(named.join(", "), number(more)),
        }
    }

    /// The reason for logs and notifications.
    pub fn fact(&self) -> Fact {
        let fact = |code, count, of, most: &Threshold| {
            let fact = Fact::new(code).with_count(count).of(of);
            match most {
                Threshold::Rows(rows) => fact.with_most(*rows),
                Threshold::Percent(percent) => fact.with_most_percent(*percent),
            }
        };
        match self {
            Held::NoRows => Fact::new(Code::GuardNoRows),
            Held::MaxInvalid { count, rows, most } => {
                fact(Code::GuardMaxInvalid, *count, *rows, most)
            }
            Held::MaxShrink { rows, last, most } => fact(Code::GuardMaxShrink, *rows, *last, most),
            Held::MaxChanges { count, rows, most } => {
                fact(Code::GuardMaxChanges, *count, *rows, most)
            }
            Held::IdentityChanges { count, most, .. } => {
                let fact = Fact::new(Code::GuardMaxIdentityChanges);
                fact.with_count(*count).with_most(*most)
            }
            Held::Renumbering { count, .. } => Fact::new(Code::GuardRenumber).with_count(*count),
            Held::Conflicts { count } => Fact::new(Code::GuardConflicts).with_count(*count),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Held::NoRows => say().held_no_rows(),
            Held::MaxInvalid { count, rows, most } => {
                say().held_invalid(number(*count), number(*rows), most.to_string())
            }
            Held::MaxShrink { rows, last, most } => {
                say().held_shrunk(number(*rows), number(*last), most.to_string())
            }
            Held::MaxChanges { count, rows, most } => {
                say().held_changes(number(*count), number(*rows), most.to_string())
            }
            Held::IdentityChanges {
                count,
                most,
                renumbered,
                ..
            } => {
                let mut text = say().held_identity(rows(*count), number(*most));
                if *renumbered > 0 {
                    text = format!("{text}; {}", say().held_renumbering(rows(*renumbered)));
                }
                text + &self.rows_in_words()
            }
            Held::Renumbering { count, .. } => {
                say().held_renumbering(rows(*count)) + &self.rows_in_words()
            }
            Held::Conflicts { count } => say().held_conflicts(conflicts(*count)),
        })
    }
}
