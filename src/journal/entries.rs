//! The entries that a writer records in the journal.

use std::collections::HashMap;

use crate::model::{Call, DAMAGED, Found, Outcome, Problem, RowAt, RowFacts};

/// A planned row.
#[derive(Debug)]
pub struct PlannedRow {
    /// The stored data about the row.
    pub mark: RowMark,
    /// The planned action.
    pub what: PlannedWhat,
}

/// The stored data about a row, without its request.
#[derive(Debug, Clone, Default)]
pub struct RowMark {
    /// The position of the row.
    pub at: RowAt,
    /// The fingerprint of the key, which identifies the row in other files.
    pub key: i64,
    /// The fingerprints of the cells, which show whether the row was edited.
    pub cells: Vec<u8>,
    /// The warnings of the row.
    pub warning: Vec<Problem>,
    /// The facts that planning found.
    pub facts: RowFacts,
}

/// The planned action for a row.
#[derive(Debug)]
pub enum PlannedWhat {
    /// A request to send.
    Call(Box<Call>),
    /// No request: the outcome is known.
    Settled(Outcome),
}

/// The run of the entries, with a cache of its field sets.
#[derive(Debug)]
pub struct RunFieldSets {
    pub(super) run: i64,
    /// The numbers of the field sets, which most rows share.
    field_sets: HashMap<String, i64>,
    /// The last field set with its number, which most rows have in common with the previous row.
    last: Option<(String, i64)>,
}

/// The maximum size of the cache. In a file where each row changes different fields, some sets are stored
/// twice.
const FIELD_SETS: usize = 1024;

impl RunFieldSets {
    pub(super) fn new(run: i64) -> RunFieldSets {
        RunFieldSets {
            run,
            field_sets: HashMap::new(),
            last: None,
        }
    }

    /// Returns the number of a field set; a new set gets one from `number`.
    pub(super) fn field_set<E>(
        &mut self,
        names: &str,
        number: impl FnOnce() -> Result<i64, E>,
    ) -> Result<i64, E> {
        if let Some((last, known)) = &self.last
            && last == names
        {
            return Ok(*known);
        }
        let number = match self.field_sets.get(names) {
            Some(known) => *known,
            None => {
                let number = number()?;
                if self.field_sets.len() < FIELD_SETS {
                    self.field_sets.insert(names.to_owned(), number);
                }
                number
            }
        };
        self.last = Some((names.to_owned(), number));
        Ok(number)
    }
}

/// An entry to record.
#[derive(Debug)]
pub enum Entry {
    /// Planned rows.
    Planned(Vec<PlannedRow>),
    /// Requests may be made for all rows up to this one.
    Reach(u64),
    /// This many requests may have been made for this row.
    Attempt(u64, u32),
    /// The outcome of a row.
    Outcome(Box<Outcome>),
    /// The run stops sending: rows with unanswered requests, and their attempts.
    Left(Vec<(u64, u32)>),
    /// Nothing; it becomes durable after all earlier entries.
    Flush,
}

/// Encodes the facts of a row for its column.
pub(super) fn facts_text(facts: &RowFacts) -> Result<Option<String>, serde_json::Error> {
    if facts.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(facts).map(Some)
}

/// Returns the start of the encoded facts of a row that matched the record with this id.
pub(super) fn facts_of_record(id: &str) -> String {
    format!("{{\"found\":{{\"id\":{},", serde_json::Value::from(id))
}

/// Decodes the facts of rows. A damaged text is reported as a match by [`DAMAGED`].
pub(super) fn facts_in(rows: Vec<(u64, String)>) -> Vec<(u64, RowFacts)> {
    let facts = |text: &str| {
        serde_json::from_str(text).unwrap_or_else(|_| RowFacts {
            found: Some(Found {
                id: String::new(),
                by: DAMAGED.to_owned(),
            }),
            ..RowFacts::default()
        })
    };
    rows.iter().map(|(row, text)| (*row, facts(text))).collect()
}

pub(super) fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Returns the last segment of a path.
pub(super) fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The characters to encode in a path segment: all but the unreserved ones (RFC 3986, section 2.3).
const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Encodes a value as a path segment.
pub(super) fn encoded_segment(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_facts_are_reported_and_other_rows_are_read() {
        let found = Found {
            id: "7".into(),
            by: "name".into(),
        };
        let facts = RowFacts {
            found: Some(found),
            identity: Some("d1".into()),
            conflicts: vec!["d2".into()],
        };
        assert_eq!(facts_text(&RowFacts::default()).unwrap(), None);
        let text = facts_text(&facts).unwrap().unwrap();
        assert!(text.starts_with(&facts_of_record("7")), "{text}");
        let read = facts_in(vec![(1, "{".into()), (2, text)]);
        assert_eq!(read[0].1.found.as_ref().unwrap().by, DAMAGED);
        assert_eq!(read[1], (2, facts));
    }
}
