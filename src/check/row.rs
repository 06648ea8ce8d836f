//! Checks a row: its cells become values or problems.

use std::borrow::Cow;

use super::cell::{Content, content};
use super::characters;
use super::checker::Checker;
use super::column::Column;
use super::fault::{Fault, Notes};
use super::restored::{TRAILING_CELLS, what_was_restored};
use super::workbook_cell::{self, looks_right};
use crate::l10n::message;
use crate::map::ResultColumn;
use crate::model::{Problem, RowAt, Value};
use crate::read::{Cell, Flaw, RawRow};

/// A checked row: its values and all of its problems.
#[derive(Debug, Default)]
pub struct CheckedRow<'a> {
    /// The row's position.
    pub at: RowAt,
    /// The normalized values, by field.
    pub values: Vec<Option<Value<'a>>>,
    /// All problems; a row without problems is valid.
    pub problems: Vec<Problem>,
    /// Doubtful values, which are sent unchanged.
    pub doubts: Vec<Problem>,
    /// Repairs of values that a program had changed.
    pub restored: Vec<Problem>,
    /// Whether the row is about a protected person. It then has no values and is not sent.
    pub is_withheld: bool,
    /// Whether the user skipped the row. It then has no values and is not sent.
    pub is_skipped: bool,
    /// Whether `values` contains the constants, which are equal in all rows.
    has_constants: bool,
}

impl Checker {
    /// Checks all cells of `row`. Problems are part of the result.
    pub fn check<'a>(&self, row: &RawRow<'a>) -> CheckedRow<'a> {
        let mut checked = CheckedRow::default();
        self.check_into(row, &mut checked);
        checked
    }

    /// Checks `row` and reuses the memory of `checked`. A row without problems requires no allocation.
    pub fn check_into<'a>(&self, row: &RawRow<'a>, checked: &mut CheckedRow<'a>) {
        checked.at = row.first_place(self.map.result_column(ResultColumn::Line));
        checked.problems.clear();
        checked.doubts.clear();
        checked.restored.clear();
        checked.is_withheld = row.is_withheld();
        checked.is_skipped = row.is_skipped();
        if checked.is_withheld || checked.is_skipped {
            self.empty(checked);
            return;
        }
        // With missing or surplus cells, the assignment of cells to columns is unknown.
        if let Some(problem) = self.wrong_width(row).or_else(|| self.filled_up(row)) {
            self.refuse(problem, checked);
            return;
        }
        self.check_cells(row, checked);
        if let Some(note) = self.note(row, &checked.problems) {
            self.refuse(note, checked);
            return;
        }
        if row.flaw() == Some(Flaw::FilledUp) {
            let restored = Problem::of_row(TRAILING_CELLS, what_was_restored(TRAILING_CELLS));
            checked.restored.push(restored);
        }
        if checked.problems.is_empty()
            && self.options.sparse_key.is_none()
            && !self.spec.update.whole.is_empty()
        {
            checked.problems = self.halves(&checked.values);
        }
    }

    /// Removes all values of a row.
    fn empty(&self, checked: &mut CheckedRow<'_>) {
        checked.values.clear();
        checked.values.resize_with(self.spec.fields.len(), || None);
        checked.has_constants = false;
    }

    /// Replaces a row's values and findings by a problem of the whole row.
    fn refuse(&self, problem: Problem, checked: &mut CheckedRow<'_>) {
        self.empty(checked);
        checked.doubts.clear();
        checked.restored.clear();
        checked.problems.clear();
        checked.problems.push(problem);
    }

    /// Whether a row's cell for the field `name` is empty or missing.
    pub fn is_blank(&self, row: &RawRow<'_>, name: &str) -> bool {
        let column = self
            .spec
            .field(name)
            .and_then(|field| self.map.column(field));
        column
            .and_then(|column| row.cell(column))
            .is_none_or(|cell| cell.bytes().trim_ascii().is_empty())
    }

    /// Checks a row with too few or too many cells as its results file contains it, so that the row can be
    /// recognized there.
    pub fn check_as_written<'a>(&self, row: &RawRow<'a>) -> CheckedRow<'a> {
        let mut checked = CheckedRow {
            at: row.at,
            ..CheckedRow::default()
        };
        self.check_cells(row, &mut checked);
        checked
    }

    /// Prepares the row's values, including constants. Memory and constants of a previous row are reused.
    fn begin(&self, checked: &mut CheckedRow<'_>) {
        if checked.has_constants && checked.values.len() == self.spec.fields.len() {
            return;
        }
        self.empty(checked);
        for (field, value) in &self.constants {
            checked.values[*field] = Some(value.clone());
        }
        checked.has_constants = true;
    }

    fn check_cells<'a>(&self, row: &RawRow<'a>, checked: &mut CheckedRow<'a>) {
        self.begin(checked);
        let has_marks = row.has_marks();
        for column in &self.columns {
            let into = &mut checked.values[column.field];
            let mark = if has_marks {
                row.mark(column.column)
            } else {
                None
            };
            if mark.is_none()
                && let Some(Cell::Text(text)) = row.cell(column.column)
                && self.at_a_glance(column, text, into)
            {
                continue;
            }
            let mut notes = Notes::default();
            let looked = mark.map_or(Ok(()), |mark| {
                let text = match row.cell(column.column) {
                    Some(Cell::Text(text)) => text,
                    _ => "",
                };
                let kind = self.spec.fields[column.field].kind;
                let cell = (row, column.column, text);
                workbook_cell::look(mark, kind, cell, &mut notes)
            });
            match looked.and_then(|()| self.check_cell(column, row, into, &mut notes)) {
                Ok(()) if notes.is_empty() => {}
                Ok(()) => self.report(column, row, notes, checked),
                Err(fault) => {
                    *into = None;
                    checked.problems.push(self.problem(column, row, fault));
                }
            }
        }
        self.compare(row, checked);
        if has_marks {
            // A results file stores only the first problem's code.
            let is_plain = |problem: &Problem| !looks_right(&problem.code);
            checked.problems.sort_by_key(is_plain);
        }
    }

    /// Reports the findings about a cell that has a value.
    fn report(
        &self,
        column: &Column,
        row: &RawRow<'_>,
        notes: Notes,
        checked: &mut CheckedRow<'_>,
    ) {
        let value = checked.values[column.field].as_ref();
        let after = value.map_or(String::new(), |value| value.as_text().into_owned());
        for code in notes.restored {
            let before = shorten(row.cell(column.column).unwrap_or(Cell::Text("")));
            let why = what_was_restored(code);
            let message = match code {
                // The repair set another field and did not change this cell.
                "identity_number.temporary" => message::identity_inferred(before),
                _ if before == after => message::cell_read(before, why),
                _ => message::cell_restored(before, after.as_str(), why),
            };
            let restored = self.problem(column, row, Fault::new(code, message));
            checked.restored.push(restored);
        }
        for doubt in notes.doubts {
            self.doubt(self.problem(column, row, doubt), checked);
        }
    }

    pub(super) fn doubt(&self, doubt: Problem, checked: &mut CheckedRow<'_>) {
        if self.options.strict {
            checked.problems.push(doubt);
        } else {
            checked.doubts.push(doubt);
        }
    }

    pub(super) fn problem(&self, column: &Column, row: &RawRow<'_>, fault: Fault) -> Problem {
        let cell = row.cell(column.column).unwrap_or(Cell::Text(""));
        let mut fault = fault.into_inner();
        // A value with an invisible character looks correct.
        if let Cell::Text(text) = cell
            && let Some(characters) = characters::named(text)
            && !fault.message.mentions(&characters)
        {
            fault.message = message::cell_holds(fault.message, characters);
        }
        Problem {
            column: self.map.header(column.column).to_owned(),
            field: self.spec.fields[column.field].name().to_owned(),
            api_name: None,
            code: Cow::Borrowed(fault.code),
            message: fault.message,
            value: shorten(cell),
        }
    }

    /// The problems of objects that the API replaces as a whole and of which the row has only a part.
    fn halves(&self, values: &[Option<Value<'_>>]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for pointer in &self.spec.update.whole {
            let (there, missing): (Vec<usize>, Vec<usize>) = self
                .spec
                .fields_below(pointer)
                .partition(|field| values[*field].is_some());
            if there.is_empty() || missing.is_empty() {
                continue;
            }
            let names: Vec<&str> = missing.iter().map(|field| self.name_of(*field)).collect();
            problems.push(Problem::of_row(
                "row.part_of_object",
                message::row_part_of_object(pointer.trim_start_matches('/'), names.join(", ")),
            ));
        }
        problems
    }

    /// The text of another field's cell, if it has one.
    pub(super) fn other_cell(&self, field: &str, row: &RawRow<'_>) -> Option<String> {
        let field = self.spec.field(field)?;
        let column = self.column_of(field)?;
        let Some(Cell::Text(text)) = row.cell(column.column) else {
            return None;
        };
        match content(text, column.form, &mut Notes::default()) {
            Ok(Content::Text(text)) => Some(text.to_owned()),
            Ok(Content::Restored(text)) => Some(text),
            Ok(Content::Empty | Content::Clear) => None,
            Err(_) => Some(text.to_owned()),
        }
    }
}

impl CheckedRow<'_> {
    /// Whether there are repairs, doubts or problems.
    pub(super) fn has_findings(&self) -> bool {
        !(self.problems.is_empty() && self.doubts.is_empty() && self.restored.is_empty())
    }

    /// The doubts and repairs of the row.
    pub fn warning(&self) -> Vec<Problem> {
        let both = self.doubts.iter().chain(&self.restored);
        both.cloned().collect()
    }

    /// Whether the row has no problems.
    pub fn is_valid(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Shortens a cell for messages; invalid bytes are escaped.
fn shorten(cell: Cell<'_>) -> String {
    const SHOWN: usize = 200;
    match cell {
        Cell::Text(text) => match text.char_indices().nth(SHOWN) {
            None => text.to_owned(),
            Some((end, _)) => format!("{}…", &text[..end]),
        },
        Cell::Undecodable(bytes) => bytes
            .utf8_chunks()
            .flat_map(|chunk| {
                let bad = chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}"));
                std::iter::once(chunk.valid().to_owned()).chain(bad)
            })
            .take(SHOWN)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{Roster, built_in, target};
    use crate::l10n::Message;

    const CLUB: [(&str, &str); 7] = [
        ("name", "kind = \"text\""),
        ("mail", "kind = \"email\""),
        (
            "group",
            "kind = \"choice\"\nchoices = [\"a\"]\nconstant = \"a\"",
        ),
        ("points", "kind = \"integer\"\ndefault = \"007\""),
        ("street", "kind = \"text\"\npointer = \"/address/street\""),
        ("city", "kind = \"text\"\npointer = \"/address/city\""),
        (
            "sex",
            "kind = \"choice\"\nchoices = [\"F\"]\nwords.sv.F = \"Kvinna\"\naliases.sv = [\"Kön\"]",
        ),
    ];

    #[test]
    fn a_row_has_its_constants_and_defaults() {
        let spec = target(&CLUB);
        let roster = Roster::of(&spec, "id;name\n1;Anna\n");
        assert_eq!(roster.values(), ["\"1\" \"Anna\" - \"a\" 7 - - -"]);
        // A default applies without a column and to an empty cell.
        let roster = Roster::of(&spec, "id;points\n1;\n2;x\n");
        assert_eq!(
            roster.values(),
            ["\"1\" - - \"a\" 7 - - -", "\"2\" - - \"a\" - - - -"]
        );
    }

    #[test]
    fn a_checked_row_replaces_the_last_one() {
        let spec = target(&CLUB);
        let roster = Roster::of(&spec, "id;name;mail\n1;Anna;a@\n2;Eva\n3;;\n4;'Bo;x@y.se\n");
        let found = roster.tables(|table| {
            let (mut checked, mut found) = (CheckedRow::default(), Vec::new());
            for row in table.rows() {
                roster.checker.check_into(&row, &mut checked);
                assert_eq!(checked.at.row, row.at.row);
                let alone = roster.checker.check(&row);
                assert_eq!(checked.values, alone.values);
                assert_eq!(checked.problems, alone.problems);
                assert_eq!(checked.restored, alone.restored);
                let values = checked.values.iter().filter(|value| value.is_some());
                found.push((checked.is_valid(), checked.has_findings(), values.count()));
            }
            found
        });
        let expected = [
            (false, true, 4),
            (false, true, 0),
            (true, false, 3),
            (true, true, 5),
        ];
        assert_eq!(found.concat(), expected);
    }

    #[test]
    fn an_object_that_is_replaced_requires_all_its_parts() {
        let spec = target(&CLUB);
        let text = "id;street;city;mail\n1;A;B;\n2;A;;\n3;;;\n4;A;;a@\n";
        let roster = Roster::of(&spec, text);
        let half = "row.part_of_object";
        assert_eq!(roster.found(), ["", half, "", "email.no_domain"]);
        let messages = roster.each(|_, row| Problem::join(&row.problems));
        let message = &messages[1];
        assert!(
            message.contains("address") && message.contains("city"),
            "{message}"
        );
        // The record supplies the other parts.
        let read = Roster::with(&spec, text, |options| options.sparse_key = Some(0));
        assert_eq!(read.found(), ["", "", "", "email.no_domain"]);
        let mut no_objects = (*spec).clone();
        no_objects.update.whole.clear();
        let roster = Roster::of(&no_objects.into(), text);
        assert_eq!(roster.found(), ["", "", "", "email.no_domain"]);
    }

    #[test]
    fn missing_trailing_cells_are_reported() {
        let text = "id;name;street;city\n1;A;B;C\n2;A\n3;A\n4;A\n5;A\n";
        let left_out = "~row.trailing_cells";
        assert_eq!(
            Roster::of(&target(&CLUB), text).found(),
            ["", left_out, left_out, left_out, left_out]
        );
    }

    #[test]
    fn a_repair_is_described_before_and_after() {
        let spec = built_in("meitner");
        let text = "id;identity_number;phone_number1;first_name;last_name\n\
            0b8c2f1e-5d1c-4b55-9c0a-2f6a1f0c7e11;20150101-TF01;701740605;'Anna;NULL\n";
        let described = Roster::of(&spec, text).each(|_, row| {
            let restored = row.restored.iter().map(|one| one.message.clone());
            let restored: Vec<Message> = restored.collect();
            (restored, row.warning(), row.doubts.clone())
        });
        let (restored, warning, doubts) = &described[0];
        let put_back = |before: &str, after: &str, code| {
            message::cell_restored(before, after, what_was_restored(code))
        };
        assert_eq!(
            *restored,
            [
                message::identity_inferred("20150101-TF01"),
                put_back("'Anna", "Anna", "text.apostrophe"),
                put_back("701740605", "+46701740605", "phone.leading_zero"),
            ]
        );
        let (first, rest) = warning.split_at(doubts.len());
        assert_eq!(first, doubts);
        assert!(rest.iter().map(|one| &one.message).eq(restored));
        let plain = Roster::of(&spec, text).each(|_, mut row| {
            row.restored.clear();
            (
                row.warning(),
                std::mem::take(&mut row.doubts),
                row.warning(),
            )
        });
        assert_eq!((&plain[0].0, &plain[0].2), (doubts, &Vec::new()));
    }

    #[test]
    fn an_invisible_character_is_named_once() {
        let text = "id;name;mail\n1;An\u{200B}na;\n2;;a@ex\u{430}mple\n3;;a@example\n";
        let found = Roster::of(&target(&CLUB), text).each(|_, mut row| {
            row.problems.append(&mut row.doubts);
            let message = row.problems[0].message.to_string();
            (
                message.matches("U+200B").count(),
                message.matches("U+0430").count(),
            )
        });
        assert_eq!(found, [(1, 0), (0, 1), (0, 0)]);
    }

    #[test]
    fn a_long_cell_is_shortened() {
        let long = "å".repeat(201);
        let shown = format!("{}…", "å".repeat(200));
        assert_eq!(shorten(Cell::Text(&long)), shown);
        assert_eq!(shorten(Cell::Text(&long[2..])), &long[2..]);
        assert_eq!(shorten(Cell::Undecodable(b"L\xF6v\xE5")), "L\\xF6v\\xE5");
    }

    #[test]
    fn a_row_of_any_width_can_be_checked() {
        let roster = Roster::of(&target(&CLUB), "id;name;mail\n1;Anna\n2; ;a@b.se\n");
        let checker = &roster.checker;
        let blank = |name| roster.each(|row, _| checker.is_blank(row, name));
        assert_eq!(blank("id"), [false, false]);
        assert_eq!(blank("name"), [false, true]);
        assert_eq!(blank("mail"), [true, false]);
        assert_eq!(blank("city"), [true, true], "it has no column");
        let written = roster.each(|row, _| {
            let written = checker.check_as_written(row);
            let name = written.values[1].as_ref().map(|name| name.to_json());
            (written.at.row, written.problems.len(), name)
        });
        assert_eq!(written, [(1, 0, Some("Anna".into())), (2, 0, None)]);
    }

    #[test]
    fn the_text_of_another_cell_is_cleaned() {
        let text = "id;name;points;mail\n1;Anna;'7;\n2;<null>;#N/A;x\n";
        let roster = Roster::of(&target(&CLUB), text);
        let says = |name| roster.each(|row, _| roster.checker.other_cell(name, row));
        assert_eq!(says("name"), [Some("Anna".to_owned()), None]);
        assert_eq!(
            says("points"),
            [Some("7".to_owned()), Some("#N/A".to_owned())]
        );
        assert_eq!(says("mail"), [None, Some("x".to_owned())]);
        assert_eq!(says("city"), [None, None]);
    }

    #[test]
    fn covered_cells_with_other_values_are_problems_of_mapped_fields() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        let plain = rust_xlsxwriter::Format::new();
        let header = ["id", "mail", "name", "points", "note"];
        sheet.write_row(1, 0, header).unwrap();
        sheet.merge_range(0, 0, 0, 4, "Club", &plain).unwrap();
        for (row, id) in (2..).zip(["1", "2", "", "3", "4"]) {
            sheet.write_string(row, 0, id).unwrap();
        }
        sheet.merge_range(2, 2, 5, 3, "Åsa", &plain).unwrap();
        sheet.merge_range(2, 4, 6, 4, "unmapped", &plain).unwrap();
        // A value that differs from the displayed one, and one that equals it.
        sheet.write_string(3, 2, "Bo").unwrap();
        sheet.write_string(5, 2, "Åsa").unwrap();
        let roster = Roster::of_bytes(&target(&CLUB), &workbook.save_to_buffer().unwrap());
        let merged = "cell.merged";
        let both = format!("{merged} {merged}");
        // Below a title, a workbook omits trailing cells, which changes no value.
        let expected = [merged, &both, merged, ""];
        assert_eq!(roster.found(), expected);
        let shown: Vec<Vec<Message>> =
            roster.each(|_, row| row.problems.iter().map(|one| one.message.clone()).collect());
        let says = |cell: &str| message::cell_is_merged(cell, "Åsa", "C3");
        let expected: [Vec<Message>; 4] = [
            vec![says("D3")],
            vec![says("C4"), says("D4")],
            vec![says("D6")],
            Vec::new(),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn workbook_findings_come_first() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet
            .write_row(0, 0, ["id", "mail", "name", "points"])
            .unwrap();
        sheet.write_row(1, 0, ["", "a@"]).unwrap();
        let day = rust_xlsxwriter::ExcelDateTime::from_ymd(2010, 4, 2).unwrap();
        let format = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
        sheet.write_with_format(1, 2, &day, &format).unwrap();
        let zeros = rust_xlsxwriter::Format::new().set_num_format("000");
        sheet.write_with_format(1, 0, 1, &zeros).unwrap();
        sheet.write_with_format(1, 3, 7, &zeros).unwrap();
        let roster = Roster::of_bytes(&target(&CLUB), &workbook.save_to_buffer().unwrap());
        let found = "cell.date email.no_domain ~cell.number_format ~cell.number_format";
        assert_eq!(roster.found(), [found]);
        let shown = roster.each(|_, row| {
            let all = row.problems[..1].iter().chain(&row.restored);
            all.map(|one| one.message.clone()).collect::<Vec<_>>()
        });
        let why = || what_was_restored("cell.number_format");
        let expected = [
            message::cell_is_date("C2", "2010-04-02"),
            message::cell_read("001", why()),
            message::cell_restored("007", "7", why()),
        ];
        assert_eq!(shown, [expected]);
    }
}
