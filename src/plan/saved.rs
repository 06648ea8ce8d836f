//! Saved plans list what an import may send.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::l10n::{number, rows, say};
use crate::model::{Call, Lines, hex};

/// A saved plan: digests that show whether another plan would send the same. It contains no values, but a
/// person who knows a record can verify guesses at its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// The version of the file format.
    pub version: u32,
    /// The target's name.
    pub target: String,
    /// The base address, or `sandbox` for the built-in sandbox, whose address changes.
    pub address: String,
    /// The SHA-256 of the roster.
    pub sha256: String,
    /// A digest of each row's path, body and previous values, by row number.
    pub rows: BTreeMap<u64, String>,
}

/// The version of the file format that is written.
pub const SAVED_PLAN: u32 = 1;

/// The maximum number of differing rows that a message lists.
const NAMED: usize = 10;

impl SavedPlan {
    /// Adds a row's call to the plan.
    pub fn add(&mut self, call: &Call) {
        self.rows.insert(call.at.row, digest(call));
    }

    /// Describes the difference between this plan and `now`, for the user. Returns `None` if they are equal.
    /// `lines` holds the spreadsheet row numbers.
    pub fn difference(&self, now: &SavedPlan, lines: &Lines) -> Option<String> {
        if (&self.target, &self.address) != (&now.target, &now.address) {
            let place = |plan: &SavedPlan| format!("{} ({})", plan.address, plan.target);
            return Some(say().saved_place(place(self), place(now)));
        }
        if self.sha256 != now.sha256 {
            return Some(say().saved_roster());
        }
        let mut differing: Vec<u64> = self
            .rows
            .iter()
            .filter(|(row, digest)| now.rows.get(row) != Some(digest))
            .chain(
                now.rows
                    .iter()
                    .filter(|(row, _)| !self.rows.contains_key(row)),
            )
            .map(|(row, _)| *row)
            .collect();
        if differing.is_empty() {
            return None;
        }
        differing.sort_unstable();
        let named = differing.iter().take(NAMED);
        let mut named: Vec<String> = named.map(|row| number(lines.line_of(*row))).collect();
        if differing.len() > NAMED {
            named.push("…".to_owned());
        }
        let amount = rows(differing.len() as u64);
        Some(say().saved_rows(amount, named.join(", ")))
    }
}

/// A digest of the values that a call sends and of the record's values.
pub fn digest(call: &Call) -> String {
    let mut hash = Sha256::new();
    for part in [call.path.as_bytes(), &call.body, call.changed.as_bytes()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    for change in &call.changes {
        hash.update(change.field.as_bytes());
        let from = change.from.as_ref().map(ToString::to_string);
        for text in [from.unwrap_or_default(), change.to.to_string()] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
    }
    hex(&hash.finalize()[..12])
}

#[cfg(test)]
mod tests;
