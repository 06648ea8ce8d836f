//! Held reasons state which guard holds a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::fact::Fact;
use super::threshold::Threshold;
use crate::l10n::{conflicts, number, say};

/// Why a guard holds a run: which guard, and its figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "snake_case")]
pub enum Held {
    /// The file has no rows.
    NoRows,
    /// Too many rows are invalid.
    MaxInvalid {
        /// So many.
        count: u64,
        /// Of so many rows.
        rows: u64,
        /// What is allowed.
        most: Threshold,
    },
    /// The file has far fewer rows than the last one of its name.
    MaxShrink {
        /// So many rows.
        rows: u64,
        /// So many the last time.
        last: u64,
        /// What is allowed.
        most: Threshold,
    },
    /// Too many records would be changed.
    MaxChanges {
        /// So many.
        count: u64,
        /// Of so many rows.
        rows: u64,
        /// What is allowed.
        most: Threshold,
    },
    /// A person decides about values that were changed since they were last written.
    Conflicts {
        /// So many.
        count: u64,
    },
}

impl Held {
    /// The same for logs and notifications.
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
            Held::Conflicts { count } => say().held_conflicts(conflicts(*count)),
        })
    }
}
