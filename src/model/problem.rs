//! Problems of rows.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::l10n::{Message, message};

/// The code of a row whose journal entry is damaged.
pub const DAMAGED: &str = "journal.damaged";

/// A problem of one row. Problems are data and never stop a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The column's header in the file; empty if the problem concerns the whole row.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// The field that the column maps to; empty if the problem concerns the whole row.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// The API's name for the field, if the API reported the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_name: Option<Box<str>>,
    /// A stable code of the form `kind.reason`, such as `identity_number.check_digit`.
    pub code: Cow<'static, str>,
    /// What was found, what was expected and what to do, without the field's name.
    pub message: Message,
    /// The cell's text, shortened if it is very long. The journal does not store it, because the roster has
    /// it.
    #[serde(skip)]
    pub value: String,
}

impl Problem {
    /// Creates a problem of the whole row, such as too few cells.
    pub fn of_row(code: impl Into<Cow<'static, str>>, message: Message) -> Self {
        Problem {
            column: String::new(),
            field: String::new(),
            api_name: None,
            code: code.into(),
            message,
            value: String::new(),
        }
    }

    /// The problem as a clause such as `Kön: message`, named by the column's header, or by the field if it
    /// has no column.
    pub fn clause(&self) -> String {
        let name = if self.column.is_empty() {
            &self.field
        } else {
            &self.column
        };
        if name.is_empty() {
            self.message.to_string()
        } else if let Some(api_name) = &self.api_name {
            format!("{name} ({api_name}): {}", self.message)
        } else {
            format!("{name}: {}", self.message)
        }
    }

    /// Joins the problems of a row with `; `.
    pub fn join(problems: &[Problem]) -> String {
        let clauses: Vec<String> = problems.iter().map(Problem::clause).collect();
        clauses.join("; ")
    }

    /// The messages of a row's problems, without field names.
    pub fn clauses(problems: &[Problem]) -> Message {
        let messages = problems.iter().map(|problem| problem.message.clone());
        Message::clauses(messages.collect())
    }

    /// Whether both problems have the same column and code. The cell's text is not compared.
    pub fn is_same(&self, other: &Problem) -> bool {
        (&self.column, &self.code) == (&other.column, &other.code)
    }

    /// Serializes problems for the journal; an empty list becomes an empty text.
    pub fn to_stored(problems: &[Problem]) -> String {
        if problems.is_empty() {
            return String::new();
        }
        // Serializing strings and numbers as JSON cannot fail.
        serde_json::to_string(problems).unwrap_or_default()
    }

    /// Parses problems from the journal. Damaged text becomes one problem that reports the damage, so that
    /// the row's state and the other rows can still be read.
    pub fn of_stored(text: &str) -> Vec<Problem> {
        let damaged = |why: serde_json::Error| {
            let why = message::journal_damaged_problems(why.to_string());
            vec![Problem::of_row(DAMAGED, why)]
        };
        match text {
            "" => Vec::new(),
            text => serde_json::from_str(text).unwrap_or_else(damaged),
        }
    }
}

#[cfg(test)]
impl Problem {
    /// Creates a problem with this text. An empty text gives no problem.
    pub fn in_these_words(words: &str) -> Vec<Problem> {
        let of = |words| Problem::of_row("", Message::verbatim(words));
        (!words.is_empty()).then(|| of(words)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_problems_in_the_journal_become_one_problem() {
        let problem = Problem {
            column: "Namn".to_owned(),
            ..Problem::of_row("cell.nul", message::cell_nul())
        };
        let stored = Problem::to_stored(std::slice::from_ref(&problem));
        assert_eq!(Problem::of_stored(&stored), [problem]);
        assert_eq!(Problem::of_stored(""), []);
        for damaged in [&stored[1..], "[{}]", "a sentence"] {
            let read = Problem::of_stored(damaged);
            assert_eq!((read.len(), &*read[0].code), (1, DAMAGED), "{damaged}");
        }
    }
}
