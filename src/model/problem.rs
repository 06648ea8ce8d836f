//! A problem is something wrong with one row.

use std::borrow::Cow;

/// One thing that is wrong with one row: data, never an error that stops a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The column's header as it stands in the file; empty when the row as a whole is at fault.
    pub column: String,
    /// The field that the column was mapped to; empty when the row as a whole is at fault.
    pub field: String,
    /// Stable machine-readable code, `kind.reason`, such as `identity_number.check_digit`.
    pub code: Cow<'static, str>,
    /// For a person: what was found, what was expected, what to do. Without the field's name.
    pub message: String,
    /// The cell's text, shortened if it is very long.
    pub value: String,
}

impl Problem {
    /// A problem of the row as a whole, such as too few cells.
    pub fn of_row(code: &'static str, message: impl Into<String>) -> Self {
        Problem {
            column: String::new(),
            field: String::new(),
            code: Cow::Borrowed(code),
            message: message.into(),
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
            self.message.clone()
        } else {
            format!("{name}: {}", self.message)
        }
    }

    /// All of a row's problems as one text, separated by `; `.
    pub fn join(problems: &[Problem]) -> String {
        let clauses: Vec<String> = problems.iter().map(Problem::clause).collect();
        clauses.join("; ")
    }
}
