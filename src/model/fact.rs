//! Facts describe events and errors by codes, numbers and paths.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::causes::is_held_open;
use super::code::Code;
use super::declared::{Declared, RunName};
use super::refusal::{FileKind, Refusal};
use crate::l10n::{number, say};

/// An event or error in machine-readable form: a stable code, numbers, paths, and names declared in a target
/// file. It cannot hold cells, roster headers, or text from an API or a database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fact(Box<Parts>);

/// The parts of a fact. They are boxed because error types contain facts and should stay small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Parts {
    code: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunName>,
    #[serde(flatten)]
    numbers: Numbers,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<Declared>,
    #[serde(skip_serializing_if = "Option::is_none")]
    io_error: Option<IoError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_error: Option<DatabaseError>,
}

/// An operating system error: its kind and number, without the error's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "StoredIo", from = "StoredIo")]
pub struct IoError {
    kind: io::ErrorKind,
    number: Option<i32>,
    /// The reason why a file or folder is not used; it holds paths, accounts and modes.
    refusal: Option<Box<Refusal>>,
}

/// The stored form of an [`IoError`]. The kind is restored from the error number.
#[derive(Serialize, Deserialize)]
struct StoredIo {
    #[serde(skip_deserializing)]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<Cow<'static, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<FileKind>,
}

impl From<IoError> for StoredIo {
    fn from(error: IoError) -> StoredIo {
        StoredIo {
            kind: format!("{:?}", error.kind),
            number: error.number,
            entry: error.refusal.as_ref().and_then(|refusal| refusal.kind()),
            refusal: error.refusal.map(|refusal| refusal.code().into()),
        }
    }
}

impl From<StoredIo> for IoError {
    fn from(stored: StoredIo) -> IoError {
        let refusal = stored.refusal.as_deref();
        let refusal = refusal.and_then(|code| Refusal::of(code, stored.entry));
        match (stored.number, refusal) {
            (Some(number), _) => IoError::from(&io::Error::from_raw_os_error(number)),
            (None, Some(refusal)) => IoError::from(&io::Error::from(refusal)),
            (None, None) => IoError {
                kind: io::ErrorKind::Other,
                number: None,
                refusal: None,
            },
        }
    }
}

impl From<&io::Error> for IoError {
    fn from(error: &io::Error) -> IoError {
        IoError {
            kind: error.kind(),
            number: error.raw_os_error(),
            refusal: Refusal::within(error).cloned().map(Box::new),
        }
    }
}

impl std::fmt::Display for IoError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.refusal, self.number) {
            (Some(refusal), _) => f.write_str(refusal.code()),
            (None, Some(number)) => write!(f, "{:?} ({number})", self.kind),
            (None, None) => write!(f, "{:?}", self.kind),
        }
    }
}

impl IoError {
    /// The error in the interface language. Returns `None` for a custom error, whose text is not stored.
    fn in_words(&self) -> Option<String> {
        if let Some(refusal) = &self.refusal {
            return Some(refusal.to_string());
        }
        match self.kind {
            io::ErrorKind::NotFound => Some(say().cause_not_found()),
            io::ErrorKind::PermissionDenied => Some(say().cause_denied()),
            io::ErrorKind::StorageFull => Some(say().cause_full()),
            _ if is_held_open(self.number) => Some(say().cause_held_open()),
            io::ErrorKind::Other if self.number.is_none() => None,
            kind => Some(kind.to_string()),
        }
    }
}

/// A database error code. The database's text is not kept because it may quote values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseError {
    /// SQLite's extended result code.
    Sqlite(i32),
    /// An SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html).
    SqlState([u8; 5]),
}

impl DatabaseError {
    /// Parses an SQLSTATE: five upper-case letters or digits. Returns `None` for any other text.
    pub fn sql_state(text: &str) -> Option<DatabaseError> {
        let state: [u8; 5] = text.as_bytes().try_into().ok()?;
        let is_one = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        state
            .iter()
            .all(is_one)
            .then_some(DatabaseError::SqlState(state))
    }
}

impl std::fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DatabaseError::Sqlite(code) => write!(f, "SQLite {code}"),
            DatabaseError::SqlState(state) => {
                write!(f, "SQLSTATE {}", String::from_utf8_lossy(state))
            }
        }
    }
}

impl Serialize for DatabaseError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DatabaseError {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let of_sqlite = text
            .strip_prefix("SQLite ")
            .and_then(|code| code.parse().ok());
        let of_sql_state = text
            .strip_prefix("SQLSTATE ")
            .and_then(DatabaseError::sql_state);
        let error = of_sqlite.map(DatabaseError::Sqlite).or(of_sql_state);
        error.ok_or_else(|| serde::de::Error::custom("database error"))
    }
}

impl Fact {
    /// Whether the run is held until the user decides about specific rows or values.
    pub fn asks_a_person(&self) -> bool {
        matches!(
            self.code(),
            Code::GuardMaxIdentityChanges | Code::GuardRenumber | Code::GuardConflicts
        )
    }

    /// Creates a fact with this code.
    pub fn new(code: Code) -> Fact {
        Fact(Box::new(Parts {
            code,
            cause: None,
            path: None,
            run: None,
            numbers: Numbers::default(),
            names: Vec::new(),
            io_error: None,
            database_error: None,
        }))
    }

    /// Sets the file or folder.
    #[must_use]
    pub fn at_path(mut self, path: &Path) -> Fact {
        self.0.path = Some(path.to_owned());
        self
    }

    /// Sets the run. A text that is not a run's name is ignored.
    #[must_use]
    pub fn in_run(mut self, name: &str) -> Fact {
        self.0.run = RunName::of(name);
        self
    }

    /// Sets the row number.
    #[must_use]
    pub fn at_row(mut self, row: u64) -> Fact {
        self.0.numbers.row = Some(row);
        self
    }

    /// Sets the spreadsheet row number.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Fact {
        self.0.numbers.line = Some(line);
        self
    }

    /// Sets the first and last spreadsheet row numbers.
    #[must_use]
    pub fn at_lines(mut self, (first, last): (u64, u64)) -> Fact {
        (self.0.numbers.line, self.0.numbers.last_line) = (Some(first), Some(last));
        self
    }

    /// Sets the column, counted from 1.
    #[must_use]
    pub fn at_column(mut self, column: usize) -> Fact {
        self.0.numbers.column = Some(column as u64);
        self
    }

    /// Sets two columns, counted from 1.
    #[must_use]
    pub fn at_columns(mut self, (first, second): (usize, usize)) -> Fact {
        (self.0.numbers.column, self.0.numbers.other_column) =
            (Some(first as u64), Some(second as u64));
        self
    }

    /// Sets the declared names.
    #[must_use]
    pub fn with_names(mut self, names: impl IntoIterator<Item = Declared>) -> Fact {
        self.0.names = names.into_iter().collect();
        self
    }

    /// Sets the count.
    #[must_use]
    pub fn with_count(mut self, count: u64) -> Fact {
        self.0.numbers.count = Some(count);
        self
    }

    /// Sets the total that the count is part of.
    #[must_use]
    pub fn of(mut self, of: u64) -> Fact {
        self.0.numbers.of = Some(of);
        self
    }

    /// Sets the limit as a number.
    #[must_use]
    pub fn with_most(mut self, most: u64) -> Fact {
        self.0.numbers.most = Some(most);
        self
    }

    /// Sets the limit as a percentage.
    #[must_use]
    pub fn with_most_percent(mut self, percent: f64) -> Fact {
        self.0.numbers.most_percent = Some(percent);
        self
    }

    /// Sets the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Fact {
        self.0.numbers.status = Some(status);
        self
    }

    /// Sets the operating system error.
    #[must_use]
    pub fn with_io(mut self, error: impl Into<IoError>) -> Fact {
        self.0.io_error = Some(error.into());
        self
    }

    /// Sets the database error, if its code is known.
    #[must_use]
    pub fn with_database(mut self, error: Option<DatabaseError>) -> Fact {
        self.0.database_error = error;
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn because(mut self, cause: Code) -> Fact {
        self.0.cause = Some(cause);
        self
    }

    /// Sets another fact as the cause, and takes over its arguments where this fact has none.
    #[must_use]
    pub fn because_of(self, cause: Fact) -> Fact {
        let (own, cause) = (*self.0, *cause.0);
        Fact(Box::new(Parts {
            code: own.code,
            cause: own.cause.or(Some(cause.code)),
            path: own.path.or(cause.path),
            run: own.run.or(cause.run),
            numbers: own.numbers.or(cause.numbers),
            names: if own.names.is_empty() {
                cause.names
            } else {
                own.names
            },
            io_error: own.io_error.or(cause.io_error),
            database_error: own.database_error.or(cause.database_error),
        }))
    }

    /// The fact's code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The code of the cause, if it has one.
    pub fn cause(&self) -> Option<Code> {
        self.0.cause
    }

    /// The file or folder.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The run's name.
    pub fn run(&self) -> Option<&str> {
        self.0.run.as_ref().map(RunName::as_str)
    }

    /// The numeric arguments, named as in logs and JSON.
    pub fn numbers(&self) -> Numbers {
        self.0.numbers
    }

    /// The names, comma-separated; `None` if there are none.
    pub fn names(&self) -> Option<String> {
        let names: Vec<&str> = self.0.names.iter().map(Declared::as_str).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// The operating system error.
    pub fn io_error(&self) -> Option<&IoError> {
        self.0.io_error.as_ref()
    }

    /// The rule that a file violates, if that is the cause.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.0.io_error.as_ref()?.refusal.as_deref()
    }

    /// The database error.
    pub fn database_error(&self) -> Option<DatabaseError> {
        self.0.database_error
    }

    /// The fact as a sentence with path and code, for logs, cron mail and files in a shared folder.
    pub fn in_words(&self) -> String {
        let text = format!("{} [{}]", self.sentence(), self.0.code);
        match &self.0.path {
            Some(path) => format!("{}: {text}", path.display()),
            None => text,
        }
    }

    /// The fact as a sentence without code and path, for pages that name the file.
    pub fn sentence(&self) -> String {
        let mut text = self.0.code.sentence();
        if let Some(cause) = self.0.cause {
            text = format!("{text}: {}", cause.sentence());
        }
        if let Some(words) = self.0.io_error.as_ref().and_then(IoError::in_words) {
            text = format!("{text}: {words}");
        }
        let details = self.details();
        if !details.is_empty() {
            text = format!("{text} ({})", details.join("; "));
        }
        text
    }

    fn details(&self) -> Vec<String> {
        let mut details = Vec::new();
        details.extend(self.run().map(|run| say().fact_run(run)));
        details.extend(self.0.numbers.row.map(|row| say().fact_at_row(row)));
        details.extend(match (self.0.numbers.line, self.0.numbers.last_line) {
            (Some(first), Some(last)) => Some(say().fact_at_lines(first, last)),
            (Some(line), None) => Some(say().fact_at_line(line)),
            (None, _) => None,
        });
        details.extend(match (self.0.numbers.column, self.0.numbers.other_column) {
            (Some(first), Some(second)) => Some(say().fact_at_columns(first, second)),
            (Some(column), None) => Some(say().fact_at_column(column)),
            (None, _) => None,
        });
        details.extend(self.0.numbers.count.map(|count| match self.0.numbers.of {
            Some(of) => say().fact_found_of(number(count), number(of)),
            None => say().fact_found(number(count)),
        }));
        let percent = self
            .0
            .numbers
            .most_percent
            .map(|percent| format!("{percent}%"));
        let most = self.0.numbers.most.map(number).or(percent);
        details.extend(most.map(|most| say().fact_most(most)));
        details.extend(self.names().map(|names| say().fact_names(names)));
        details.extend(self.0.numbers.status.map(|status| format!("HTTP {status}")));
        details.extend(self.0.database_error.map(|error| error.to_string()));
        details
    }
}

/// The numeric arguments of a [`Fact`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is what the method of its name says")]
pub struct Numbers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_column: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_percent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Numbers {
    /// These arguments, and those of `other` where one is missing.
    fn or(self, other: Numbers) -> Numbers {
        Numbers {
            row: self.row.or(other.row),
            line: self.line.or(other.line),
            last_line: self.last_line.or(other.last_line),
            column: self.column.or(other.column),
            other_column: self.other_column.or(other.other_column),
            count: self.count.or(other.count),
            of: self.of.or(other.of),
            most: self.most.or(other.most),
            most_percent: self.most_percent.or(other.most_percent),
            status: self.status.or(other.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_as_text_has_path_rows_and_code_but_no_foreign_text() {
        let fact = Fact::new(Code::ReadStrayQuote)
            .at_path(Path::new("in/r.csv"))
            .at_lines((2, 9))
            .with_io(&io::Error::other("Åsa Ek"));
        let text = fact.in_words();
        assert!(text.starts_with("in/r.csv: "), "{text}");
        assert!(text.ends_with("(rows 2 to 9) [read.stray_quote]"), "{text}");
        assert!(
            !text.contains("Åsa") && !text.contains("other error"),
            "{text}"
        );
        let stored = serde_json::to_string(&fact).unwrap();
        assert_eq!(serde_json::from_str::<Fact>(&stored).unwrap(), fact);
        for text in [
            r#"{"code":"Åsa Ek"}"#,
            r#"{"code":"read.io","names":["Åsa Ek"]}"#,
            r#"{"code":"read.io","run":"20100402-2388"}"#,
            r#"{"code":"read.io","database_error":"SQLSTATE Åsa"}"#,
        ] {
            assert!(serde_json::from_str::<Fact>(text).is_err(), "{text}");
        }
        assert_eq!(
            serde_json::to_value(&fact).unwrap(),
            serde_json::json!({
                "code": "read.stray_quote", "path": "in/r.csv", "line": 2, "last_line": 9,
                "io_error": {"kind": "Other"},
            })
        );
    }

    #[test]
    fn a_stored_refusal_keeps_its_message() {
        for refusal in [
            Refusal::NotAFile {
                kind: FileKind::Pipe,
            },
            Refusal::Foreign {
                kind: FileKind::Folder,
            },
            Refusal::Stopped,
            Refusal::NotUtf8,
            Refusal::NotARoster,
            Refusal::Unfinished,
            Refusal::NoTemporary,
            Refusal::Swapped,
        ] {
            let fact = Fact::new(Code::FileIo).with_io(&io::Error::from(refusal.clone()));
            let stored = serde_json::to_string(&fact).unwrap();
            let read: Fact = serde_json::from_str(&stored).unwrap();
            assert_eq!(read, fact, "{refusal:?}");
            assert!(
                read.in_words().contains(&refusal.to_string()),
                "{refusal:?}"
            );
        }
    }

    #[test]
    fn only_an_sqlstate_is_parsed() {
        assert!(DatabaseError::sql_state("23505").is_some());
        for text in ["", "2350", "235050", "Åsa Ek", "asa e", "ÅSA1"] {
            assert_eq!(DatabaseError::sql_state(text), None, "{text}");
        }
    }
}
