//! Checks the types of workbook cells, which reveal values that a spreadsheet changed.

use super::fault::{Fault, Notes, refuse};
use crate::l10n::message;
use crate::read::{CellMark, RawRow, cell_name};
use crate::targets::Kind;

/// Checks the mark of a workbook cell. A value that a spreadsheet converted from the user's input is wrong
/// even if its text looks valid. `notes` receives repairs and doubts.
pub(super) fn look(
    mark: CellMark,
    kind: Kind,
    (row, column, text): (&RawRow<'_>, usize, &str),
    notes: &mut Notes,
) -> Result<(), Fault> {
    let cell = cell_name(row.at.sheet_row, column);
    match mark {
        CellMark::Formatted => notes.restored.push("cell.number_format"),
        CellMark::DateBeforeMidnight if kind == Kind::Date => {
            notes.restored.push("cell.before_midnight");
        }
        CellMark::ShownOtherwise => {
            notes.doubt(
                "cell.shown_otherwise",
                message::cell_shown_otherwise(cell, text),
            );
        }
        CellMark::Date if kind == Kind::Date => {}
        CellMark::Date | CellMark::DateBeforeMidnight => {
            return refuse("cell.date", message::cell_is_date(cell, text));
        }
        CellMark::Time => return refuse("cell.time", message::cell_is_time(cell, text)),
        CellMark::Percentage => {
            return refuse("cell.percentage", message::cell_is_percentage(cell, text));
        }
        // A choice may have this name.
        CellMark::Boolean if matches!(kind, Kind::Boolean | Kind::Choice) => {}
        CellMark::Boolean => return refuse("cell.boolean", message::cell_is_boolean(cell, text)),
        CellMark::Error => {
            return refuse("text.spreadsheet_error", message::cell_is_error(cell, text));
        }
        CellMark::LongNumber => {
            return refuse("cell.long_number", message::cell_is_long_number(cell, text));
        }
        CellMark::NoResult => {
            return refuse(
                "cell.formula_without_result",
                message::cell_without_result(cell),
            );
        }
        CellMark::Merged {
            row: at,
            column: in_column,
        } => {
            let first = cell_name(at.into(), in_column.into());
            let shown = row.shown_by_merged(at, in_column);
            return refuse("cell.merged", message::cell_is_merged(cell, shown, first));
        }
    }
    Ok(())
}

/// The codes of cells whose text alone looks valid. They must not pass when the cell types are lost.
const LOOKS_RIGHT: [&str; 7] = [
    "cell.date",
    "cell.time",
    "cell.percentage",
    "cell.boolean",
    "cell.long_number",
    "cell.formula_without_result",
    "cell.merged",
];

/// Whether a cell with this problem looks valid in a file without cell types, such as the results.
pub fn looks_right(code: &str) -> bool {
    LOOKS_RIGHT.contains(&code)
}

/// Parses the code of a cell whose text alone looks valid. Returns `None` for any other code.
pub(super) fn known_code(code: &[u8]) -> Option<&'static str> {
    LOOKS_RIGHT
        .into_iter()
        .find(|known| known.as_bytes() == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{Roster, built_in};

    #[test]
    fn mark_and_kind_determine_the_finding() {
        use CellMark::*;
        let roster = Roster::of(&built_in("pathwright"), "external_id;bio\n1;x\n");
        let found = |mark: CellMark, kind: Kind| {
            let looked = roster.each(|row, _| {
                let mut notes = Notes::default();
                let looked = look(mark, kind, (row, 1, "x"), &mut notes);
                let doubts = notes.doubts.iter().map(|doubt| format!("?{}", doubt.code));
                let restored = notes.restored.iter().map(|code| format!("~{code}"));
                let wrong = looked.err().map(|fault| fault.code.to_owned());
                let all: Vec<String> = doubts.chain(restored).chain(wrong).collect();
                all.concat()
            });
            looked.concat()
        };
        for (mark, kind, expected) in [
            (Formatted, Kind::Text, "~cell.number_format"),
            (DateBeforeMidnight, Kind::Date, "~cell.before_midnight"),
            (DateBeforeMidnight, Kind::Text, "cell.date"),
            (ShownOtherwise, Kind::Text, "?cell.shown_otherwise"),
            (Date, Kind::Date, ""),
            (Date, Kind::Text, "cell.date"),
            (Time, Kind::Date, "cell.time"),
            (Percentage, Kind::Text, "cell.percentage"),
            (Boolean, Kind::Boolean, ""),
            (Boolean, Kind::Choice, ""),
            (Boolean, Kind::Text, "cell.boolean"),
            (Error, Kind::Text, "text.spreadsheet_error"),
            (LongNumber, Kind::Text, "cell.long_number"),
            (NoResult, Kind::Text, "cell.formula_without_result"),
            (Merged { row: 2, column: 1 }, Kind::Text, "cell.merged"),
        ] {
            assert_eq!(found(mark, kind), expected, "{mark:?} {kind:?}");
        }
    }

    #[test]
    fn codes_of_valid_looking_cells_are_recognized() {
        assert!(looks_right("cell.date") && !looks_right("text.spreadsheet_error"));
        assert_eq!(known_code(b"cell.time"), Some("cell.time"));
        assert_eq!(known_code(b"text.spreadsheet_error"), None);
    }
}
