//! Entries are what a writer records in the journal.

use std::collections::HashMap;

use crate::model::{Call, DAMAGED, Found, Outcome, Problem, RowAt, RowFacts};

/// A row that is planned.
#[derive(Debug)]
pub struct PlannedRow {
    /// By what it is known.
    pub mark: RowMark,
    /// What is to be done for it.
    pub what: PlannedWhat,
}

/// What is kept of a row itself.
#[derive(Debug, Clone, Default)]
pub struct RowMark {
    /// Where it stands.
    pub at: RowAt,
    /// A fingerprint of its key, by which it is known again in another file.
    pub key: i64,
    /// Fingerprints of its cells, by which it is known whether it was changed.
    pub cells: Vec<u8>,
    /// What is doubtful about it, for a person; empty where nothing is.
    pub warning: Vec<Problem>,
    /// What planning learned about it.
    pub facts: RowFacts,
}

/// What is to be done for a row.
#[derive(Debug)]
pub enum PlannedWhat {
    /// This request is to be made.
    Call(Box<Call>),
    /// Nothing: it has its outcome.
    Settled(Outcome),
}

/// Whose entries they are.
#[derive(Debug)]
pub struct RunFieldSets {
    pub(super) run: i64,
    /// The sets of fields that its calls change, by number: most rows have the same few.
    field_sets: HashMap<String, i64>,
    /// The one that was asked for last, and its number: most rows have that of the row before.
    last: Option<(String, i64)>,
}

/// Sets of fields that are remembered; a file where each row changes others has some of them twice.
const FIELD_SETS: usize = 1024;

impl RunFieldSets {
    pub(super) fn new(run: i64) -> RunFieldSets {
        RunFieldSets {
            run,
            field_sets: HashMap::new(),
            last: None,
        }
    }

    /// The number of a set of fields; where it has none yet, `number` gives it one.
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

/// Something that is to be recorded of a run.
#[derive(Debug)]
pub enum Entry {
    /// Rows of the plan.
    Planned(Vec<PlannedRow>),
    /// Requests may be made for all rows up to this one.
    Reach(u64),
    /// So many requests may have been made for this row.
    Attempt(u64, u32),
    /// The outcome of a row.
    Outcome(Box<Outcome>),
    /// The run sends no more: requests whose answer nobody waited for, and their attempts.
    Left(Vec<(u64, u32)>),
    /// Nothing; whoever waits for it waits for all before it.
    Flush,
}

/// The facts of a row as a column holds them.
pub(super) fn facts_text(facts: &RowFacts) -> Result<Option<String>, serde_json::Error> {
    if facts.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(facts).map(Some)
}

/// How the facts of a row begin that matched the record with this id.
pub(super) fn facts_of_record(id: &str) -> String {
    format!("{{\"found\":{{\"id\":{},", serde_json::Value::from(id))
}

/// The facts of rows whose columns hold these texts. A text that is damaged is reported as a match by
/// [`DAMAGED`].
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

/// The last segment of a path.
pub(super) fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// What a value in a path is encoded with: all but the unreserved characters (RFC 3986, section 2.3).
const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A value as it stands in a path.
pub(super) fn encoded_segment(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_facts_are_reported_and_those_of_other_rows_are_read() {
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
