//! Reports rows with too few or too many cells, and other structural flaws.

use super::checker::Checker;
use super::workbook_cell::known_code;
use crate::l10n::{Message, message};
use crate::map::ResultColumn;
use crate::model::Problem;
use crate::read::{Cell, Flaw, RawRow, is_blank_char, is_total};

/// The code of a row with fewer cells than the header.
pub const TOO_FEW: &str = "row.too_few_cells";

/// The code of a row with more cells than the header.
pub const TOO_MANY: &str = "row.too_many_cells";

/// The code of a damaged row whose cells were emptied.
const CONCEALED: &str = "row.concealed";

/// The codes of rows that cannot be recognized in a results file, because it gives every row the same number
/// of cells.
const DAMAGED: [&str; 6] = [
    TOO_FEW,
    "row.divided",
    "row.truncated",
    "row.text_after_quote",
    "row.header",
    CONCEALED,
];

/// Whether a row with this problem looks intact in a results file.
pub fn is_damage(code: &str) -> bool {
    DAMAGED.contains(&code)
}

/// The remedy for a row with this problem in a results file.
pub fn was_damaged(code: &str) -> Message {
    match code {
        TOO_FEW => message::row_was_cut(),
        _ => message::row_was_damaged(),
    }
}

/// Checks of a row's structure, in its file and in the original file.
impl Checker {
    /// The problem of a row in a results file that the file no longer shows: missing cells were padded, and
    /// the types of workbook cells are lost.
    pub(super) fn filled_up(&self, row: &RawRow<'_>) -> Option<Problem> {
        if self.options.recalls {
            return None;
        }
        if let Some(code) = self.damage_before(row) {
            return Some(Problem::of_row(code, was_damaged(code)));
        }
        let code = self.lost_kind(row)?;
        Some(Problem::of_row(code, message::row_lost_kind()))
    }

    /// The cell type problem that a results file states for the row.
    pub fn lost_kind(&self, row: &RawRow<'_>) -> Option<&'static str> {
        known_code(self.error_code(row)?)
    }

    /// The structural problem of the original row that a results file states.
    pub fn damage_before(&self, row: &RawRow<'_>) -> Option<&'static str> {
        let code = self.error_code(row)?;
        DAMAGED.into_iter().find(|known| known.as_bytes() == code)
    }

    /// Whether the user has emptied the cell with the row's error code in a results file.
    pub fn is_released(&self, row: &RawRow<'_>) -> bool {
        self.error_code(row).is_some_and(<[u8]>::is_empty)
    }

    /// The row's error code in a results file.
    pub(super) fn error_code<'a>(&self, row: &RawRow<'a>) -> Option<&'a [u8]> {
        let cell = row.cell(self.map.result_column(ResultColumn::ErrorCode)?)?;
        Some(cell.bytes().trim_ascii())
    }

    /// Whether the row has content after the last column with a header.
    pub fn has_surplus(&self, row: &RawRow<'_>) -> bool {
        has_text_from(row, self.map.least())
    }

    /// Whether the row repeats the header, as in concatenated files.
    fn repeats_header(&self, row: &RawRow<'_>) -> bool {
        let is_header = |index: usize| match row.cell(index) {
            Some(Cell::Text(text)) => is_name(text, self.map.header(index)),
            _ => false,
        };
        is_header(0) && (1..self.map.least()).all(is_header)
    }

    /// The problem that replaces those of an invalid row's cells, if the row is a total or a note and no
    /// person: it names a total, or it has a single cell, which is no value of its column.
    pub(super) fn note(&self, row: &RawRow<'_>, problems: &[Problem]) -> Option<Problem> {
        const FEWEST_COLUMNS: usize = 3;
        if problems.is_empty() || self.map.least() < FEWEST_COLUMNS {
            return None;
        }
        let added = match self.map.is_of_results() {
            true => self.map.result_columns(),
            false => Vec::new(),
        };
        let own = (0..row.len()).filter(|column| !added.contains(column));
        let cell = |column: usize| row.cell(column).map_or(&[][..], Cell::bytes);
        let is_note = || {
            let mut filled = own
                .clone()
                .filter(|column| !cell(*column).trim_ascii().is_empty());
            let (Some(column), None) = (filled.next(), filled.next()) else {
                return false;
            };
            let is_value = self.columns.iter().any(|one| one.column == column);
            let name = self.map.header(column);
            !is_value || problems.iter().any(|problem| problem.column == name)
        };
        (is_note() || is_total(own.clone().map(cell))).then(row_note)
    }

    pub(super) fn wrong_width(&self, row: &RawRow<'_>) -> Option<Problem> {
        let (found, least, expected) = (row.len(), self.map.least(), self.map.width());
        if let Some(problem) = row.flaw().and_then(of_flaw) {
            return Some(problem);
        }
        if self.repeats_header(row) {
            return Some(Problem::of_row("row.header", message::row_header()));
        }
        if found < least && row.flaw() != Some(Flaw::FilledUp) {
            return Some(Problem::of_row(
                TOO_FEW,
                message::row_too_few_cells(found, least),
            ));
        }
        has_text_from(row, expected)
            .then(|| Problem::of_row(TOO_MANY, message::row_too_many_cells(found, expected)))
    }
}

/// Whether a cell equals a column's name, ignoring surrounding blanks.
fn is_name(text: &str, name: &str) -> bool {
    // Fast path: the first byte rules out nearly all cells.
    match text.as_bytes().first() {
        Some(first) if first.is_ascii_alphanumeric() && name.as_bytes().first() != Some(first) => {
            false
        }
        _ => text.trim_matches(is_blank_char) == name,
    }
}

/// The problem of a row that is a total or a note.
fn row_note() -> Problem {
    Problem::of_row("row.note", message::row_note())
}

/// The problem for a structural flaw of a row.
fn of_flaw(flaw: Flaw) -> Option<Problem> {
    let (code, message) = match flaw {
        Flaw::TextAfterQuote { backslash: false } => {
            ("row.text_after_quote", message::row_text_after_quote())
        }
        Flaw::TextAfterQuote { backslash: true } => {
            ("row.text_after_quote", message::row_backslash_quote())
        }
        Flaw::Divided { other } => ("row.divided", message::row_divided(other)),
        Flaw::Note => return Some(row_note()),
        Flaw::Truncated => ("row.truncated", message::row_truncated()),
        Flaw::Concealed => (CONCEALED, message::row_concealed()),
        Flaw::FilledUp => return None,
    };
    Some(Problem::of_row(code, message))
}

/// Whether any cell of the row from column `first` has content.
fn has_text_from(row: &RawRow<'_>, first: usize) -> bool {
    (first..row.len()).any(|index| {
        row.cell(index).is_some_and(|cell| match cell {
            Cell::Text(text) => !text.chars().all(is_blank_char),
            Cell::Undecodable(_) => true,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{Roster, built_in};

    #[test]
    fn a_row_must_have_as_many_cells_as_the_header() {
        let spec = built_in("pathwright");
        let roster = Roster::of(
            &spec,
            "external_id;first_name;last_name\n\
             1;Anna;Ek\n\
             2;Anna\n\
             3;Anna;Ek;\n\
             4;Anna;Ek;Solna\n\
             external_id;first_name;last_name\n\
             external_id;Anna;Ek\n\
             5;first_name;last_name\n\
             6;\"Anna\" Maria;Ek\n\
             7;\"Anna \\\"Ann\\\" Maria\";Ek\n\
             8;Anna;Ek\n",
        );
        assert_eq!(
            roster.found(),
            [
                "",
                "row.too_few_cells",
                "",
                "row.too_many_cells",
                "row.header",
                "",
                "",
                "row.text_after_quote",
                "row.text_after_quote",
                "",
            ]
        );
        let surplus = roster.each(|row, _| roster.checker.has_surplus(row));
        assert_eq!(surplus.iter().position(|is| *is), Some(3));
        assert_eq!(surplus.iter().filter(|is| **is).count(), 1);
    }

    #[test]
    fn totals_and_notes_are_named_and_persons_are_not() {
        let spec = built_in("pathwright");
        let roster = Roster::of(
            &spec,
            "external_id;first_name;email\n\
             1;Anna;a@x.se\n\
             ;;Summa\n\
             Totalt;;12\n\
             ;;Utskriven i dag\n\
             ;Anna;fel\n\
             Summa;Anna;fel\n\
             2;Bo;\n\
             Summa\n",
        );
        let note = "row.note";
        let two = "required.empty email.no_at";
        let expected = ["", note, note, note, two, "email.no_at", "", note];
        assert_eq!(roster.found(), expected);
        let narrow = Roster::of(&spec, "external_id;email\n;fel\n");
        assert_ne!(narrow.found(), ["row.note"]);
    }

    #[test]
    fn codes_in_a_results_file_apply_until_they_are_emptied() {
        let spec = built_in("pathwright");
        let text = "external_id;first_name;import_error_code;import_error\n\
            1;Anna;;\n\
            2;Anna; row.too_few_cells ;\n\
            3;Anna;row.divided;\n\
            4;Anna;cell.date;\n\
            5;Anna;email.format;\n";
        let roster = Roster::of(&spec, text);
        let lost = ["", "row.too_few_cells", "row.divided", "cell.date", ""];
        assert_eq!(roster.found(), lost);
        let checker = &roster.checker;
        assert_eq!(
            roster.each(|row, _| (checker.damage_before(row), checker.lost_kind(row))),
            [
                (None, None),
                (Some(TOO_FEW), None),
                (Some("row.divided"), None),
                (None, Some("cell.date")),
                (None, None),
            ]
        );
        let released = [true, false, false, false, false];
        assert_eq!(roster.each(|row, _| checker.is_released(row)), released);
        // The known rows of an earlier run are used in place of the codes.
        let recalls = Roster::with(&spec, text, |options| options.recalls = true);
        assert_eq!(recalls.found(), ["", "", "", "", ""]);
        let own = Roster::of(&spec, "external_id;first_name\n1;Anna\n");
        assert_eq!(own.each(|row, _| own.checker.is_released(row)), [false]);
    }

    #[test]
    fn earlier_damage_to_a_row_is_described() {
        for code in DAMAGED {
            assert!(is_damage(code), "{code}");
        }
        assert!(!is_damage(TOO_MANY));
        assert_eq!(was_damaged(TOO_FEW), message::row_was_cut());
        assert_eq!(was_damaged("row.divided"), message::row_was_damaged());
    }
}
