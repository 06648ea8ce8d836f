//! A checked column combines a field, its position and the columns that it depends on.

use regex::Regex;

use super::cell::Form;
use super::kinds::{Choices, is_rewritten};
use super::options::{CheckOptions, EmptyCell};
use crate::targets::{FieldSpec, Kind, Place, TargetSpec};

/// A field with a column, and the data for checking its cells.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) field: usize,
    pub(super) column: usize,
    pub(super) choices: Option<Choices>,
    pub(super) pattern: Option<Regex>,
    /// The meaning of an empty cell.
    pub(super) empty: Empty,
    pub(super) glance: Glance,
    /// The notation of the cells.
    pub(super) form: Form,
}

/// An identity number that is compared with other columns, all by position.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) number: usize,
    /// The field that marks the number as temporary.
    pub(super) temporary: Option<usize>,
    /// The field with the date of birth.
    pub(super) born: Option<usize>,
    /// The field with the gender, and its choices for women and men.
    pub(super) gender: Option<(usize, String, String)>,
}

impl Identity {
    /// The identity numbers among a file's columns.
    pub(super) fn all(spec: &TargetSpec, columns: &[Column]) -> Vec<Identity> {
        let in_file = |field: &usize| columns.iter().any(|column| column.field == *field);
        let fields = columns.iter().map(|column| column.field);
        fields
            .filter_map(|number| {
                let field = &spec.fields[number];
                let named = |name: &String| spec.field(name);
                let born = field.born_from.as_ref().and_then(named).filter(in_file);
                let gender = field.gender_from.as_ref().and_then(|from| {
                    let gender = spec.field(&from.field).filter(in_file)?;
                    Some((gender, from.women.clone(), from.men.clone()))
                });
                let temporary = field.temporary_if.as_ref().and_then(named);
                (born.is_some() || gender.is_some() || temporary.is_some()).then_some(Identity {
                    number,
                    temporary,
                    born,
                    gender,
                })
            })
            .collect()
    }
}

/// The meaning of an empty cell in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    /// The value is not changed.
    Nothing,
    /// The value is cleared.
    Cleared,
    /// The field's default applies.
    Default,
    /// A required value is missing.
    Missing,
}

impl Empty {
    pub(super) fn of(field: &FieldSpec, index: usize, options: &CheckOptions) -> Empty {
        let is_required = match options.sparse_key {
            // Another field finds the record, which supplies the path's other values.
            Some(key) if key != index && field.place == Place::Path => false,
            Some(key) => field.required || key == index,
            None => field.required,
        };
        match options.empty {
            _ if field.default.is_some() => Empty::Default,
            _ if is_required => Empty::Missing,
            // An empty cell clears only fields that can be cleared; otherwise it keeps the value.
            EmptyCell::Clear if field.nullable => Empty::Cleared,
            EmptyCell::Clear | EmptyCell::Keep => Empty::Nothing,
        }
    }
}

/// The cells of a column that the fast check accepts: those without repairs, doubts or problems, which are
/// most. All others get the full check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glance {
    /// `None` if every cell needs the full check.
    pub(super) kind: Option<Kind>,
    /// The maximum length of a value in bytes.
    pub(super) longest: usize,
    /// Whether dates must not be in the future.
    pub(super) is_past: bool,
}

impl Glance {
    pub(super) fn of(field: &FieldSpec) -> Glance {
        let is_limited =
            field.min_length.is_some() || field.pattern.is_some() || !field.guarded.is_empty();
        // A rewritten value differs in length from the cell.
        let is_rewritten = is_rewritten(field.kind);
        let needs_care = is_limited
            || is_rewritten && field.max_length.is_some()
            // "." and ".." are not valid in a path.
            || matches!(field.kind, Kind::Text | Kind::Choice) && field.place == Place::Path
            || field.is_list();
        Glance {
            kind: (!needs_care).then_some(field.kind),
            // A text has at most as many characters as bytes.
            longest: field.max_length.unwrap_or(usize::MAX),
            is_past: field.past,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{Roster, target};

    fn field(keys: &str) -> FieldSpec {
        target(&[("x", keys)]).fields[1].clone()
    }

    #[test]
    fn field_and_options_determine_the_meaning_of_empty_cells() {
        let text = "kind = \"text\"";
        let required = &format!("{text}\nrequired = true");
        let nullable = &format!("{text}\nnullable = true");
        let default = &format!("{required}\ndefault = \"a\"");
        let in_path = &format!("{required}\nin = \"path\"");
        for (keys, empty, sparse_key, expected) in [
            (text, EmptyCell::Keep, None, Empty::Nothing),
            (text, EmptyCell::Clear, None, Empty::Nothing),
            (nullable, EmptyCell::Keep, None, Empty::Nothing),
            (nullable, EmptyCell::Clear, None, Empty::Cleared),
            (required, EmptyCell::Keep, None, Empty::Missing),
            (required, EmptyCell::Keep, Some(0), Empty::Missing),
            (default, EmptyCell::Keep, None, Empty::Default),
            (in_path, EmptyCell::Keep, None, Empty::Missing),
            // The key is required; the record supplies the other parts of the path.
            (in_path, EmptyCell::Keep, Some(0), Empty::Nothing),
            (in_path, EmptyCell::Keep, Some(1), Empty::Missing),
            (nullable, EmptyCell::Clear, Some(1), Empty::Missing),
        ] {
            let mut options = CheckOptions::new(jiff::civil::date(2026, 8, 1));
            (options.empty, options.sparse_key) = (empty, sparse_key);
            let found = Empty::of(&field(keys), 1, &options);
            assert_eq!(found, expected, "{keys} {empty:?} {sparse_key:?}");
        }
    }

    #[test]
    fn the_fast_check_skips_fields_with_unsupported_limits() {
        for (keys, is_known) in [
            ("kind = \"text\"", true),
            ("kind = \"text\"\nmax_length = 3", true),
            ("kind = \"text\"\nmin_length = 3", false),
            ("kind = \"text\"\npattern = \"a+\"", false),
            ("kind = \"text\"\nguarded = [\"a\"]", false),
            ("kind = \"text\"\nin = \"path\"", false),
            ("kind = \"uuid\"\nin = \"path\"", true),
            ("kind = \"phone\"", true),
            ("kind = \"phone\"\nmax_length = 30", false),
        ] {
            assert_eq!(Glance::of(&field(keys)).kind.is_some(), is_known, "{keys}");
        }
        assert_eq!(
            Glance::of(&field("kind = \"text\"\nmax_length = 3")).longest,
            3
        );
    }

    #[test]
    fn an_identity_number_is_compared_with_the_columns_of_the_file() {
        let number = "kind = \"identity_number\"";
        let born = "\nborn_from = \"day\"";
        let gender = "\ngender_from = { field = \"sex\", women = \"F\", men = \"M\" }";
        let temporary = "\ntemporary_if = \"temporary\"";
        for (keys, header, expected) in [
            ("", "id;number;day;sex", 0),
            (born, "id;number;sex", 0),
            (born, "id;number;day", 1),
            (gender, "id;number;day", 0),
            (gender, "id;number;sex", 1),
            (temporary, "id;number", 1),
        ] {
            let spec = target(&[
                ("number", &format!("{number}{keys}")),
                ("day", "kind = \"date\""),
                ("sex", "kind = \"choice\"\nchoices = [\"F\", \"M\"]"),
                ("temporary", "kind = \"boolean\""),
            ]);
            let roster = Roster::of(&spec, &format!("{header}\n{header}\n"));
            let found = roster.checker.identities.len();
            assert_eq!(found, expected, "{keys} {header}");
        }
    }
}
