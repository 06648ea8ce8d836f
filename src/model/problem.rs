//! A problem is something wrong with one row.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::l10n::Message;

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

    /// The problems that a journal keeps.
    ///
    /// # Errors
    /// If the text is not what [`Problem::to_stored`] writes.
    pub fn of_stored(text: &str) -> Result<Vec<Problem>, serde_json::Error> {
        match text {
            "" => Ok(Vec::new()),
            text => serde_json::from_str(text),
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
