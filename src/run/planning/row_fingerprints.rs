//! Fingerprints identify a row in another file and show whether it was changed.

use xxhash_rust::xxh3::xxh3_64;

use crate::check::{CheckedRow, Checker, looks_right};
use crate::model::Value;
use crate::read::RawRow;

/// Computes fingerprints of a row's key and cells that identify the row in a file that a spreadsheet saved again.
/// Valid cells count by normalised value, invalid cells by their text.
///
/// A row with missing or surplus cells counts as its results file will contain it.
pub struct RowFingerprints<'a> {
    checker: &'a Checker,
    key: Option<usize>,
    /// The fingerprint of each field's name.
    names: Vec<u32>,
    /// A buffer for the hashed text.
    text: Vec<u8>,
}

impl<'a> RowFingerprints<'a> {
    /// Computes fingerprints of rows that the field `key` identifies.
    pub fn of(checker: &'a Checker, key: Option<usize>) -> RowFingerprints<'a> {
        let fields = checker.spec().fields.iter();
        RowFingerprints {
            checker,
            key,
            names: fields.map(|field| of_name(field.name())).collect(),
            text: Vec::new(),
        }
    }

    /// Returns the fingerprint of the row's key and those of its cells, field by field: an added or removed column
    /// does not affect the others.
    pub fn of_row(&mut self, raw: &RawRow<'_>, row: &CheckedRow<'_>) -> (i64, Vec<u8>) {
        // A problem of the whole row has no cell, and a skipped row has no values.
        if row.is_skipped || row.problems.iter().any(|problem| problem.field.is_empty()) {
            let as_written = self.checker.check_as_written(raw);
            return (self.key(&as_written), self.cells(raw, &as_written));
        }
        (self.key(row), self.cells(raw, row))
    }

    fn key(&self, row: &CheckedRow<'_>) -> i64 {
        let value = self.key.and_then(|field| row.values.get(field)?.as_ref());
        value.map_or(0, |value| key_fingerprint(&value.as_text()))
    }

    fn cells(&mut self, raw: &RawRow<'_>, row: &CheckedRow<'_>) -> Vec<u8> {
        let (checker, text) = (self.checker, &mut self.text);
        let mut cells = Vec::with_capacity(8 * (self.names.len() + row.problems.len()));
        let mut add = |name: u32, is_wrong: bool, value: &str| {
            cells.extend(name.to_le_bytes());
            cells.extend(fingerprint(is_wrong, value, text).to_le_bytes());
        };
        let fields = checker.spec().fields.iter().zip(&self.names);
        for ((field, name), value) in fields.zip(&row.values) {
            if let Some(value) = value {
                let blank = || checker.is_blank(raw, field.name());
                match value {
                    // A cleared value differs from an empty cell.
                    Value::Null if !blank() => add(*name, false, CLEARED),
                    value => add(*name, false, &value.as_text()),
                }
            }
        }
        for problem in &row.problems {
            let name = of_name(&problem.field);
            // The results file holds the text of this cell, which is valid there.
            let looks_right = looks_right(&problem.code);
            add(name, !looks_right, &problem.value);
            if looks_right {
                add(name, true, LOST_KIND);
            }
        }
        cells
    }
}

/// Returns the fingerprint of a key value.
pub fn key_fingerprint(value: &str) -> i64 {
    xxh3_64(value.as_bytes()).cast_signed()
}

fn of_name(field: &str) -> u32 {
    xxh3_64(field.as_bytes()) as u32
}

/// Marks a value whose cell lost its type. No cell has this text.
pub(super) const LOST_KIND: &str = "\0kind";

/// Whether a cell that lost its type still has the value from `before`.
pub(super) fn still_looks_right(now: &[u8], before: &[u8]) -> bool {
    let buffer = &mut Vec::new();
    let lost = fingerprint(true, LOST_KIND, buffer).to_le_bytes();
    let nothing = fingerprint(false, "", buffer).to_le_bytes();
    let (now, _) = now.as_chunks::<8>();
    let (before, _) = before.as_chunks::<8>();
    let names = before.iter().filter(|field| field[4..] == lost);
    let of = |cells: &[[u8; 8]], name: &[u8]| -> Vec<[u8; 8]> {
        let fields = cells.iter().filter(|field| field[..4] == *name);
        let is_value = |field: &&[u8; 8]| field[4..] != lost && field[4..] != nothing;
        fields.filter(is_value).copied().collect()
    };
    names
        .map(|field| &field[..4])
        .any(|name| of(now, name) == of(before, name))
}

/// Stands for a value that a cell clears explicitly.
const CLEARED: &str = "<null>";

/// Whether a row's empty cells are still empty and its other cells unchanged since `before`.
pub(super) fn is_as_it_was(now: &[u8], before: &[u8]) -> bool {
    let nothing = fingerprint(false, "", &mut Vec::new()).to_le_bytes();
    let (fields, _) = now.as_chunks::<8>();
    let filled: Vec<u8> = fields
        .iter()
        .filter(|field| field[4..] != nothing)
        .flatten()
        .copied()
        .collect();
    says_the_same(&filled, before)
}

/// Hashes a value; `buffer` is reused.
pub(super) fn fingerprint(is_wrong: bool, text: &str, buffer: &mut Vec<u8>) -> u32 {
    buffer.clear();
    buffer.push(u8::from(is_wrong));
    buffer.extend_from_slice(text.as_bytes());
    xxh3_64(buffer) as u32
}

/// Whether each field that a row has now is unchanged since `before`. A field that was removed is not sent and is no
/// change.
pub(super) fn says_the_same(now: &[u8], before: &[u8]) -> bool {
    let (now, _) = now.as_chunks::<8>();
    let (before, _) = before.as_chunks::<8>();
    now.iter().all(|field| before.contains(field))
}
