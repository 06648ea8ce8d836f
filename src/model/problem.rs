//! A problem is something wrong with one row.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::l10n::{Message, message};

/// The code of a row whose record in the journal is damaged.
pub const DAMAGED: &str = "journal.damaged";

/// One thing that is wrong with one row: data, never an error that stops a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The column's header as it stands in the file; empty when the row as a whole is at fault.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// The field that the column was mapped to; empty when the row as a whole is at fault.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// What the API calls the field, if the problem is the API's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_name: Option<Box<str>>,
    /// Stable machine-readable code, `kind.reason`, such as `identity_number.check_digit`.
    pub code: Cow<'static, str>,
    /// What was found, what was expected, what to do. Without the field's name.
    pub message: Message,
    /// The cell's text, shortened if it is very long. The journal does not keep it: the roster has it.
    #[serde(skip)]
    pub value: String,
}

impl Problem {
    /// A problem of the row as a whole, such as too few cells.
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

    /// The problem as one clause of `import_error`: `Kön: message`, by the column's header, or by the
    /// field's name where it has no column.
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

    /// All of a row's problems as one text, separated by `; `.
    pub fn join(problems: &[Problem]) -> String {
        let clauses: Vec<String> = problems.iter().map(Problem::clause).collect();
        clauses.join("; ")
    }

    /// What all of a row's problems say, without the names of their fields.
    pub fn clauses(problems: &[Problem]) -> Message {
        let messages = problems.iter().map(|problem| problem.message.clone());
        Message::clauses(messages.collect())
    }

    /// Whether both are the same finding, whatever the cell holds.
    pub fn is_same(&self, other: &Problem) -> bool {
        (&self.column, &self.code) == (&other.column, &other.code)
    }

    /// The form in which a journal keeps problems; an empty text if there are none.
    pub fn to_stored(problems: &[Problem]) -> String {
        if problems.is_empty() {
            return String::new();
        }
        // Texts and numbers always have a form as JSON.
        serde_json::to_string(problems).unwrap_or_default()
    }

    /// The problems that a journal keeps. A text that is damaged gives one problem that reports it, so that
    /// the state of the row and the rows around it are still read.
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
    /// One problem with these words; none without words.
    pub fn in_these_words(words: &str) -> Vec<Problem> {
        let of = |words| Problem::of_row("", Message::verbatim(words));
        (!words.is_empty()).then(|| of(words)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_problems_are_reported_and_cost_nothing_else() {
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
