//! Errors of mapping a header to a target.

use thiserror::Error;

use crate::l10n::say;
use crate::model::{Code, Declared, Fact};

/// The reason why a header cannot be mapped to a target's fields.
#[derive(Debug, Error)]
pub enum MapError {
    /// A column has the name of a result column.
    #[error("{}", say().map_result_column(column.as_str()))]
    ResultColumn {
        /// The column's header.
        column: String,
        /// The column's position, from 1.
        at: usize,
    },
    /// Required fields have no column.
    #[error("{}", missing(*.one_is_enough, .needed, .found, .suggestions))]
    Missing {
        /// Whether a single one of the fields is enough, because each of them finds the record.
        one_is_enough: bool,
        /// The fields without a column, each with the headers that it matches.
        needed: Vec<String>,
        /// The names of the same fields.
        fields: Vec<Declared>,
        /// The file's headers.
        found: Vec<String>,
        /// The headers that may be misspelt.
        suggestions: Vec<String>,
    },
    /// Two columns map to the same field.
    #[error("{}", say().map_two_columns(first.as_str(), second.as_str(), field.as_str()))]
    TwoColumns {
        /// The field.
        field: Declared,
        /// The positions of both columns, from 1.
        at: (usize, usize),
        /// The header of the first column.
        first: String,
        /// The header of the second column.
        second: String,
    },
    /// The column marks protected persons and cannot be ignored or mapped to a field.
    #[error("{}", say().map_protected(column.as_str()))]
    Protected {
        /// The column's header.
        column: String,
        /// The position of the column, from 1.
        at: usize,
    },
    /// The column maps to a read-only field.
    #[error("{}", say().map_read_only(column.as_str(), field.as_str(), target.as_str()))]
    ReadOnly {
        /// The column's header.
        column: String,
        /// The field.
        field: Declared,
        /// The position of the column, from 1.
        at: usize,
        /// The target's name.
        target: String,
    },
    /// Headers resemble fields that have no column, so that their columns would not be imported.
    #[error("{}", misspelt(.columns))]
    Misspelt {
        /// Each column's header, and the field that it resembles.
        columns: Vec<(String, String)>,
        /// The position of the first column, from 1.
        at: usize,
    },
    /// `--map`, or `[map]` in the config file, names a column that the file does not have.
    #[error("{}", no_column(column, config.as_deref(), found))]
    NoColumn {
        /// The column's name.
        column: String,
        /// The config file that names it, if `--map` does not.
        config: Option<String>,
        /// The file's headers, comma-separated.
        found: String,
    },
    /// `--map` or `--key` names a field that the target does not have.
    #[error("{}", say().map_no_field(field.as_str(), target.as_str(), names(known)))]
    NoField {
        /// The field's name.
        field: String,
        /// The target's name.
        target: String,
        /// The target's fields.
        known: Vec<Declared>,
    },
}

impl MapError {
    /// The error for logs and notifications: fields and column numbers without headers. If a file lacks a
    /// header row, its first row is taken for the headers.
    pub fn fact(&self) -> Fact {
        match self {
            MapError::ResultColumn { at, .. } => Fact::new(Code::MapResultColumn).at_column(*at),
            MapError::Missing {
                one_is_enough,
                fields,
                ..
            } => {
                let code = match one_is_enough {
                    true => Code::MapNoKey,
                    false => Code::MapMissing,
                };
                Fact::new(code).with_names(fields.clone())
            }
            MapError::TwoColumns { field, at, .. } => Fact::new(Code::MapTwoColumns)
                .at_columns(*at)
                .with_names([field.clone()]),
            MapError::Protected { at, .. } => Fact::new(Code::MapProtected).at_column(*at),
            MapError::ReadOnly { field, at, .. } => Fact::new(Code::MapReadOnly)
                .at_column(*at)
                .with_names([field.clone()]),
            MapError::Misspelt { columns, at } => Fact::new(Code::MapMisspelt)
                .at_column(*at)
                .with_count(columns.len() as u64),
            MapError::NoColumn { .. } => Fact::new(Code::MapNoColumn),
            MapError::NoField { known, .. } => {
                Fact::new(Code::MapNoField).with_names(known.clone())
            }
        }
    }
}

fn no_column(column: &str, config: Option<&str>, found: &str) -> String {
    match config {
        Some(config) => say().map_no_column_config(config, column, found),
        None => say().map_no_column(column, found),
    }
}

fn misspelt(columns: &[(String, String)]) -> String {
    let lines = columns
        .iter()
        .map(|(header, field)| say().column_misspelt(header.as_str(), field.as_str()));
    lines.collect::<Vec<_>>().join("\n")
}

fn names(declared: &[Declared]) -> String {
    let names: Vec<&str> = declared.iter().map(Declared::as_str).collect();
    names.join(", ")
}

/// Joins headers for a message, with limits on their number and length. A file that is not a roster can have
/// many long ones.
fn shown(found: &[String]) -> String {
    const MOST: usize = 40;
    let names: Vec<String> = found
        .iter()
        .take(MOST)
        .map(|name| match name.char_indices().nth(MOST) {
            Some((end, _)) => format!("{}…", &name[..end]),
            None => name.clone(),
        })
        .collect();
    let more = if found.len() > MOST { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}

fn missing(
    one_is_enough: bool,
    needed: &[String],
    found: &[String],
    suggestions: &[String],
) -> String {
    let what = if one_is_enough {
        say().map_no_key()
    } else {
        say().map_lacking()
    };
    let mut text = format!(
        "{what}:\n  {}\n{}",
        needed.join("\n  "),
        say().map_found(shown(found))
    );
    for suggestion in suggestions {
        text.push('\n');
        text.push_str(suggestion);
    }
    text.push('\n');
    text.push_str(&say().map_what_to_do());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(amount: usize) -> Vec<String> {
        (1..=amount).map(|number| format!("h{number}")).collect()
    }

    #[test]
    fn long_header_lists_are_truncated() {
        assert_eq!(shown(&headers(2)), "h1, h2");
        assert!(shown(&headers(40)).ends_with(", h40"));
        assert!(shown(&headers(41)).ends_with(", h40, …"));
        let long = |amount: usize| vec!["å".repeat(amount), "b".to_owned()];
        assert_eq!(shown(&long(40)), format!("{}, b", "å".repeat(40)));
        assert_eq!(shown(&long(41)), format!("{}…, b", "å".repeat(40)));
    }

    #[test]
    fn logged_mapping_errors_contain_no_headers() {
        let field = || Declared::name("gender");
        let missing = |one_is_enough| MapError::Missing {
            one_is_enough,
            needed: vec!["gender (or: Kön)".to_owned()],
            fields: vec![field(), Declared::name("id")],
            found: vec!["19121212-1212".to_owned()],
            suggestions: Vec::new(),
        };
        let header = || "19121212-1212".to_owned();
        for (error, code, columns, names) in [
            (
                MapError::ResultColumn {
                    column: header(),
                    at: 3,
                },
                Code::MapResultColumn,
                (Some(3), None),
                None,
            ),
            (
                missing(true),
                Code::MapNoKey,
                (None, None),
                Some("gender, id"),
            ),
            (
                missing(false),
                Code::MapMissing,
                (None, None),
                Some("gender, id"),
            ),
            (
                MapError::TwoColumns {
                    field: field(),
                    at: (2, 5),
                    first: header(),
                    second: header(),
                },
                Code::MapTwoColumns,
                (Some(2), Some(5)),
                Some("gender"),
            ),
            (
                MapError::ReadOnly {
                    column: header(),
                    field: field(),
                    at: 4,
                    target: "meitner".to_owned(),
                },
                Code::MapReadOnly,
                (Some(4), None),
                Some("gender"),
            ),
            (
                MapError::NoColumn {
                    column: header(),
                    config: None,
                    found: header(),
                },
                Code::MapNoColumn,
                (None, None),
                None,
            ),
            (
                MapError::NoField {
                    field: header(),
                    target: "meitner".to_owned(),
                    known: vec![field()],
                },
                Code::MapNoField,
                (None, None),
                Some("gender"),
            ),
        ] {
            let fact = error.fact();
            assert_eq!(fact.code(), code);
            let numbers = fact.numbers();
            assert_eq!((numbers.column, numbers.other_column), columns);
            assert_eq!(fact.names().as_deref(), names);
            assert!(!fact.in_words().contains("1912"), "{}", fact.in_words());
        }
    }
}
