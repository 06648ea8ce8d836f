//! Fingerprints identify a row in another file and show whether it was changed.

use xxhash_rust::xxh3::xxh3_64;

use crate::check::{CheckedRow, Checker, looks_right};
use crate::model::Value;
use crate::read::RawRow;

/// Fingerprints of a row's key and of everything it says, by which it is known again in a file
/// that a spreadsheet has written again: of the normalised values, and of what is wrong as it
/// stands.
///
/// A row with cells missing or in excess is taken as its results file will have it.
pub struct RowFingerprints<'a> {
    checker: &'a Checker,
    key: Option<usize>,
    /// Of each field's name.
    names: Vec<u32>,
    /// What is made a fingerprint of.
    text: Vec<u8>,
}

impl<'a> RowFingerprints<'a> {
    /// Fingerprints of rows that `key` names.
    pub fn of(checker: &'a Checker, key: Option<usize>) -> RowFingerprints<'a> {
        let fields = checker.spec().fields.iter();
        RowFingerprints {
            checker,
            key,
            names: fields.map(|field| of_name(field.name())).collect(),
            text: Vec::new(),
        }
    }

    /// Of the row's key, and of everything that it says: a list, a field after the other, so that a column
    /// that was added or taken away makes no difference to the others.
    pub fn of_row(&mut self, raw: &RawRow<'_>, row: &CheckedRow<'_>) -> (i64, Vec<u8>) {
        // What is wrong with it may be no single cell.
        if row.problems.iter().any(|problem| problem.field.is_empty()) {
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
                    // Cleared because somebody wrote so, or because nobody wrote anything.
                    Value::Null if !blank() => add(*name, false, CLEARED),
                    value => add(*name, false, &value.as_text()),
                }
            }
        }
        for problem in &row.problems {
            let name = of_name(&problem.field);
            // The results hold the text of such a cell, which looks right there.
            let looks_right = looks_right(&problem.code);
            add(name, !looks_right, &problem.value);
            if looks_right {
                add(name, true, LOST_KIND);
            }
        }
        cells
    }
}

/// The fingerprint of the value that finds a record.
pub fn key_fingerprint(value: &str) -> i64 {
    xxh3_64(value.as_bytes()).cast_signed()
}

fn of_name(field: &str) -> u32 {
    xxh3_64(field.as_bytes()) as u32
}

/// What stands beside a value that only looks right: no cell's text.
pub(super) const LOST_KIND: &str = "\0kind";

/// Whether a row that had cells that only look right still has one of them as it was `before`.
pub(super) fn still_looks_right(now: &[u8], before: &[u8]) -> bool {
    let room = &mut Vec::new();
    let lost = fingerprint(true, LOST_KIND, room).to_le_bytes();
    let nothing = fingerprint(false, "", room).to_le_bytes();
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

/// What stands for a value that a cell clears in so many words.
const CLEARED: &str = "<null>";

/// Whether nobody has put anything into a row's empty cells, or changed the others, since it was
/// `before`.
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

/// Of a value; `room` is where it is put together.
pub(super) fn fingerprint(is_wrong: bool, text: &str, room: &mut Vec<u8>) -> u32 {
    room.clear();
    room.push(u8::from(is_wrong));
    room.extend_from_slice(text.as_bytes());
    xxh3_64(room) as u32
}

/// Whether a row still says what it said: every field that it has now is as it was. A field that it
/// no longer has is not sent, and so is no change.
pub(super) fn says_the_same(now: &[u8], before: &[u8]) -> bool {
    let (now, _) = now.as_chunks::<8>();
    let (before, _) = before.as_chunks::<8>();
    now.iter().all(|field| before.contains(field))
}
