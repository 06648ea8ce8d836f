//! Decisions about columns are stored by header and offered for the next file with that header.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::{Action, AppError};
use crate::journal::make_private_folder;
use crate::map::name_key;
use crate::model::hex;
use crate::report::WholeFile;

/// The folder beside the journal of decisions about columns.
pub(super) const COLUMNS: &str = "columns";

/// The decision about a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedColumn {
    /// The field's name; empty for a column that was left out.
    pub field: String,
    pub file: String,
    pub at: Timestamp,
}

/// The decisions about columns of files for one target. They are suggestions: no file is read by them.
#[derive(Debug)]
pub struct ColumnMemory {
    path: PathBuf,
    by_header: BTreeMap<String, DecidedColumn>,
}

impl ColumnMemory {
    /// Reads the decisions for a target from the state folder.
    pub fn read(state: &Path, target: &str) -> Result<ColumnMemory, AppError> {
        let name = hex(&Sha256::digest(target.as_bytes())[..16]);
        let path = state.join(COLUMNS).join(name).with_extension("json");
        let failed = Action::Read.failed(&path);
        let by_header = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(failed(source)),
        };
        Ok(ColumnMemory { path, by_header })
    }

    /// The last decision about a column with this header, in any file.
    pub fn of(&self, header: &str) -> Option<&DecidedColumn> {
        self.by_header.get(&name_key(header))
    }

    /// Stores decisions: each header with a field's name, nothing for a column that is left out, or `None` for a
    /// column that needs no decision.
    pub fn store<'a>(
        &mut self,
        file: &str,
        at: Timestamp,
        decided: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<(), AppError> {
        let before = self.by_header.clone();
        for (header, field) in decided {
            let key = name_key(header);
            if key.is_empty() {
                continue;
            }
            match field {
                // The first file that was decided so is as good a source as the last one.
                Some(field) if self.of(header).is_some_and(|one| one.field == field) => {}
                Some(field) => {
                    let decided = DecidedColumn {
                        field: field.to_owned(),
                        file: file.to_owned(),
                        at,
                    };
                    self.by_header.insert(key, decided);
                }
                None => {
                    self.by_header.remove(&key);
                }
            }
        }
        if self.by_header == before {
            return Ok(());
        }
        let failed = Action::Write.failed(&self.path);
        let text = serde_json::to_string(&self.by_header).map_err(|error| failed(error.into()))?;
        if let Some(folder) = self.path.parent() {
            make_private_folder(folder).map_err(failed)?;
        }
        Ok(WholeFile::write_text(&self.path, &text)?)
    }
}

/// A pattern for files that are named like `file`, with `*` for years, numbers and terms. Without any of these it matches
/// this name alone.
pub fn pattern_of(file: &str) -> String {
    const TERMS: [&str; 6] = ["ht", "vt", "höst", "vår", "hösttermin", "vårtermin"];
    let path = Path::new(file);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map(|ending| ending.to_string_lossy());
    let is_separator = |c: char| matches!(c, ' ' | '-' | '_' | '.' | '(' | ')' | '[' | ']');
    let varies = |word: &str| {
        let word = word.to_lowercase();
        word.chars().any(|c| c.is_ascii_digit()) || TERMS.contains(&&*word)
    };
    // Words and separators in turn.
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = &*stem;
    while let Some(first) = rest.chars().next() {
        let kind = is_separator(first);
        let end = rest.find(|c: char| is_separator(c) != kind);
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        parts.push(part);
        rest = after;
    }
    let is_word = |part: &&&str| !part.starts_with(is_separator);
    let words = || parts.iter().filter(is_word);
    let stays = words().any(|word| !varies(word) && word.chars().count() > 2);
    if !stays || !words().any(|word| varies(word)) {
        return glob::Pattern::escape(file);
    }
    let (first, last) = (
        parts.iter().position(|part| varies(part)).unwrap_or(0),
        parts.iter().rposition(|part| varies(part)).unwrap_or(0),
    );
    let mut pattern = glob::Pattern::escape(&parts[..first].concat());
    // Constant words between varying ones are kept.
    let between = &parts[first..=last];
    let mut is_starred = false;
    for part in between {
        let is_star = varies(part) || part.starts_with(is_separator) && is_starred;
        if is_star && !is_starred {
            pattern.push('*');
        } else if !is_star {
            pattern.push_str(&glob::Pattern::escape(part));
        }
        is_starred = is_star;
    }
    pattern.push_str(&glob::Pattern::escape(&parts[last + 1..].concat()));
    if let Some(ending) = ending {
        pattern.push('.');
        pattern.push_str(&glob::Pattern::escape(&ending));
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_decision_is_found_by_the_header_in_any_file_for_the_same_target() {
        let folder = tempfile::tempdir().unwrap();
        let memory = |target: &str| ColumnMemory::read(folder.path(), target).unwrap();
        let decided = [("Mejl  elev", Some("email_address1")), ("", Some("x"))];
        memory("meitner").store("ht.csv", at(1), decided).unwrap();
        let found = memory("meitner").of(" MEJL-elev ").cloned().unwrap();
        let expected = DecidedColumn {
            field: "email_address1".into(),
            file: "ht.csv".into(),
            at: at(1),
        };
        assert_eq!(found, expected);
        assert_eq!(memory("other").of("Mejl elev"), None);
        assert_eq!(memory("meitner").of(""), None);
        // The same decision keeps its source, another replaces it.
        let again = [("Mejl elev", Some("email_address1"))];
        memory("meitner").store("vt.csv", at(2), again).unwrap();
        assert_eq!(memory("meitner").of("Mejl elev"), Some(&expected));
        let other = [("Mejl elev", Some(""))];
        memory("meitner").store("vt.csv", at(2), other).unwrap();
        let found = memory("meitner");
        let found = found.of("Mejl elev").unwrap();
        assert_eq!((&*found.field, &*found.file), ("", "vt.csv"));
        let none = [("Mejl elev", None)];
        memory("meitner").store("vt.csv", at(3), none).unwrap();
        assert_eq!(memory("meitner").of("Mejl elev"), None);
    }

    #[test]
    #[cfg(unix)]
    fn decisions_are_readable_for_their_owner_alone_and_damaged_ones_are_an_error() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let mut memory = ColumnMemory::read(folder.path(), "meitner").unwrap();
        memory.store("r.csv", at(1), [("a", Some("b"))]).unwrap();
        let mode = std::fs::metadata(&memory.path).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        std::fs::write(&memory.path, "no JSON").unwrap();
        let damaged = ColumnMemory::read(folder.path(), "meitner");
        assert!(matches!(damaged, Err(AppError::File { .. })));
    }

    #[test]
    fn years_numbers_and_terms_of_a_file_name_vary() {
        for (file, pattern) in [
            ("elever-2026-ht.csv", "elever-*.csv"),
            ("Elevlista HT26 Ekskolan.xlsx", "Elevlista * Ekskolan.xlsx"),
            ("2026-08-12 elever.csv", "* elever.csv"),
            ("elever_2026_skola_17.csv", "elever_*skola_*.csv"),
            ("elever.csv", "elever.csv"),
            ("elever [a].csv", "elever [[]a[]].csv"),
            // Nothing else would be left of the name.
            ("2026-08.csv", "2026-08.csv"),
            ("ht 26", "ht 26"),
        ] {
            assert_eq!(pattern_of(file), pattern, "{file}");
            assert!(glob::Pattern::new(&pattern_of(file)).unwrap().matches(file));
        }
    }
}
