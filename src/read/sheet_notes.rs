//! Reads the metadata of a sheet: hidden rows, missing results and merged cells.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};

use super::constructs::attribute;
use super::merges::Merges;
use super::sheet_limits::{MAX_MARKS, Trouble};
use crate::l10n::{number, say};

/// The metadata of a sheet's rows and cells.
#[derive(Debug, Default)]
pub(super) struct SheetNotes {
    /// Hidden rows, counted from 0.
    pub(super) hidden: Stretches,
    /// Cells with a formula but no result, by row and column, both counted from 0, in order.
    pub(super) without_result: Vec<(u32, u32)>,
    /// Cells with a formula and the result 0, which counts as missing if all formulas are recalculated.
    pub(super) zero: Vec<(u32, u32)>,
    pub(super) merges: Merges,
    row: u32,
    column: u32,
    cell: Option<Cell>,
    /// The attributes of the last cell, and whether they begin with its reference.
    tag: String,
    is_named: bool,
    /// The text of the cell's value, as far as necessary.
    value: String,
}

/// The open cell.
#[derive(Debug, Default)]
struct Cell {
    has_formula: bool,
    is_text: bool,
    within_value: bool,
    has_element: bool,
    has_value: bool,
}

/// A set of numbers, stored as ranges.
#[derive(Debug, Default)]
pub(super) struct Stretches(Vec<(u32, u32)>);

impl Stretches {
    /// Adds the range from `first` to `last`. Ranges must be added in order.
    pub(super) fn add(&mut self, first: u32, last: u32) {
        match self.0.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => self.0.push((first, last)),
        }
    }

    pub(super) fn has(&self, number: u32) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        let stretch = after.checked_sub(1).and_then(|index| self.0.get(index));
        stretch.is_some_and(|(_, last)| number <= *last)
    }
}

impl SheetNotes {
    /// Whether a formula's cell has no result. With `recalculates`, 0 counts as no result.
    pub(super) fn lacks_result(&self, row: u32, column: u32, recalculates: bool) -> bool {
        let place = (row, column);
        self.without_result.binary_search(&place).is_ok()
            || recalculates && self.zero.binary_search(&place).is_ok()
    }

    /// Whether every formula's cell has a result.
    pub(super) fn all_have_results(&self, recalculates: bool) -> bool {
        self.without_result.is_empty() && (!recalculates || self.zero.is_empty())
    }

    /// Processes a construct of a sheet's part (ECMA-376, part 1, section 18.3.1).
    pub(super) fn take(&mut self, event: &Event<'_>) -> Result<(), Trouble> {
        match event {
            Event::Start(tag) => self.open(tag, false)?,
            Event::Empty(tag) => self.open(tag, true)?,
            Event::Text(text) => {
                if let Some(cell) = self.cell.as_mut().filter(|cell| cell.within_value) {
                    cell.has_value = true;
                    if self.value.len() < 16 {
                        self.value.push_str(text);
                    }
                }
            }
            Event::End(tag) => match tag.local_name().as_ref() {
                "row" => {
                    self.settle();
                    (self.row, self.column) = (self.row.saturating_add(1), 0);
                }
                "c" => self.close()?,
                "v" => {
                    if let Some(cell) = &mut self.cell {
                        cell.within_value = false;
                    }
                }
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, tag: &BytesStart<'_>, is_empty: bool) -> Result<(), Trouble> {
        match tag.local_name().as_ref() {
            "row" => {
                self.is_named = false;
                let said = raw(tag, "r").and_then(|said| said.trim().parse::<u32>().ok());
                if let Some(row) = said {
                    self.row = row.saturating_sub(1);
                }
                self.column = 0;
                if is_hidden(tag) {
                    self.hidden.add(self.row, self.row);
                }
                if is_empty {
                    self.row = self.row.saturating_add(1);
                }
            }
            "c" => {
                let text = tag.attributes_raw();
                // Position and type are parsed lazily, because only a few of the many cells need them.
                let is_named = text.trim_start().starts_with("r=\"");
                let is_odd = text.contains('\'');
                if !is_named || is_odd {
                    self.settle();
                    if let Some(place) = raw(tag, "r").as_deref().and_then(place) {
                        (self.row, self.column) = place;
                    }
                }
                self.is_named = is_named && !is_odd;
                self.tag.clear();
                self.tag.push_str(text);
                self.value.clear();
                self.cell = Some(Cell {
                    is_text: is_odd && raw(tag, "t").is_some_and(|kind| kind == "str"),
                    ..Cell::default()
                });
                if is_empty {
                    self.close()?;
                }
            }
            "f" => {
                if let Some(cell) = &mut self.cell {
                    cell.has_formula = true;
                }
            }
            "v" => {
                if let Some(cell) = &mut self.cell {
                    cell.has_element = true;
                    cell.within_value = !is_empty;
                }
            }
            "is" => {
                if let Some(cell) = &mut self.cell {
                    cell.has_value = true;
                }
            }
            "mergeCell" => {
                let said = raw(tag, "ref");
                let corners = said.as_deref().and_then(|said| said.split_once(':'));
                if let Some((first, last)) = corners
                    && let (Some(first), Some(last)) = (place(first), place(last))
                {
                    self.merges.add(first, last)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Determines the position of the previous cell, which is the base for a cell without a reference.
    fn settle(&mut self) {
        if std::mem::take(&mut self.is_named)
            && let Some((row, column)) = within(&self.tag, "r").and_then(place)
        {
            (self.row, self.column) = (row, column.saturating_add(1));
        }
    }

    fn close(&mut self) -> Result<(), Trouble> {
        let cell = self.cell.take().filter(|cell| cell.has_formula);
        let Some(mut cell) = cell else {
            self.column = self.column.saturating_add(1);
            return Ok(());
        };
        if self.is_named {
            self.settle();
            self.column = self.column.saturating_sub(1);
            cell.is_text = within(&self.tag, "t") == Some("str");
        } else {
            cell.is_text |= within(&self.tag, "t") == Some("str");
        }
        let place = (self.row, self.column);
        self.column = self.column.saturating_add(1);
        // A string may be empty, but a number may not.
        cell.has_value |= cell.is_text && cell.has_element;
        if !cell.has_value {
            self.without_result.push(place);
        } else if matches!(within(&self.tag, "t"), None | Some("n"))
            && self.value.parse() == Ok(0.0)
        {
            self.zero.push(place);
        }
        if self.without_result.len() + self.zero.len() > MAX_MARKS {
            let most = number(MAX_MARKS as u64);
            let row = u64::from(place.0) + 1;
            return Err(Trouble::Workbook(say().workbook_too_many_marks(row, most)));
        }
        Ok(())
    }
}

/// Whether a row is hidden by the user or a filter, or has zero height.
fn is_hidden(tag: &BytesStart<'_>) -> bool {
    let says = |name: &str| raw(tag, name).is_some_and(|said| said == "1" || said == "true");
    says("hidden")
        || says("customHeight")
            && raw(tag, "ht").is_some_and(|height| height.trim().parse() == Ok(0.0))
}

/// The value of an attribute, found by scanning the tag's text. This is fast, because most tags are cells.
fn raw<'a>(tag: &'a BytesStart<'_>, name: &str) -> Option<Cow<'a, str>> {
    let text = tag.attributes_raw();
    if text.contains('\'') {
        return attribute(tag, name).map(Cow::Owned);
    }
    within(text, name).map(Cow::Borrowed)
}

/// The value of an attribute in the text of a tag.
fn within<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = text.split('"');
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        if key.trim().strip_suffix('=').map(str::trim_end) == Some(name) {
            return Some(value);
        }
    }
    None
}

/// The row and column of a cell reference such as `F2`, counted from 0.
fn place(name: &str) -> Option<(u32, u32)> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, row) = name.split_at(letters);
    let mut column = 0u32;
    for letter in letters.bytes() {
        let letter = u32::from(letter.to_ascii_uppercase() - b'A') + 1;
        column = column.checked_mul(26)?.checked_add(letter)?;
    }
    Some((
        row.parse::<u32>().ok()?.checked_sub(1)?,
        column.checked_sub(1)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(sheet: &str) -> SheetNotes {
        let mut reader = quick_xml::Reader::from_str(sheet);
        let mut notes = SheetNotes::default();
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => return notes,
                event => assert!(notes.take(&event).is_ok()),
            }
        }
    }

    #[test]
    fn formulas_without_a_result_are_found() {
        let found = notes(
            "<row r=\"2\"><c r=\"A2\"><f>B2</f></c><c r=\"B2\"><f>C2</f><v></v></c><c r=\"C2\"><f>D2</f><v/></c>\
             <c r=\"D2\"><f>E2</f><v>7</v></c><c r=\"E2\" t=\"str\"><f>F2</f><v></v></c><c r=\"F2\" s=\"1\"/>\
             <c r='G2'><f t=\"shared\" si=\"0\"/></c><c><v>1</v></c><c><f/></c></row>\
             <row><c><f>1</f></c></row><row r=\"AA\"/><row r=\"9\"><c r=\"AA9\"><f>A1</f><v>0</v></c></row>",
        );
        let expected = [(1, 0), (1, 1), (1, 2), (1, 6), (1, 8), (2, 0)];
        assert_eq!(found.without_result, expected);
        assert_eq!(found.zero, [(8, 26)]);
        assert!(found.lacks_result(8, 26, true) && !found.lacks_result(8, 26, false));
    }

    #[test]
    fn merged_cells_are_found() {
        let found = notes(
            "<row r=\"2\"/><mergeCells><mergeCell ref=\"A1:B2\"/><mergeCell ref='AA3:AA9'></mergeCell>\
             <mergeCell ref=\"C1\"/><mergeCell ref=\"C1:x\"/><mergeCell/></mergeCells>",
        );
        let mut expected = Merges::default();
        assert!(expected.add((0, 0), (1, 1)).is_ok() && expected.add((2, 26), (8, 26)).is_ok());
        assert_eq!(format!("{:?}", found.merges), format!("{expected:?}"));
    }

    #[test]
    fn hidden_rows_are_found() {
        let found = notes(
            "<row r=\"2\" hidden=\"1\"/><row r=\"3\" hidden=\"true\"><c/></row><row hidden=\"0\"/>\
             <row r=\"7\" ht=\"0\" customHeight=\"1\"/><row r=\"8\" ht=\"0\"/>",
        );
        let hidden: Vec<u32> = (0..10).filter(|row| found.hidden.has(*row)).collect();
        assert_eq!(hidden, [1, 2, 6]);
    }
}
