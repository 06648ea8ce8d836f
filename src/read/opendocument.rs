//! Reads the rows of OpenDocument spreadsheets.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Write};

use quick_xml::events::{BytesStart, Event};

use super::constructs::{Constructs, attribute};
use super::mark::CellMark;
use super::number_format::{Shown, plain};
use super::sheet_cell::{date_in_words, duration_in_words};
use super::sheet_limits::{MAX_CELL, MAX_GAP, MAX_REPEATED, Trouble, refuse_place};
use super::sheet_rows::{Rows, SheetEntry};
use crate::l10n::{number, say};
use crate::model::Code;

/// An OpenDocument spreadsheet (OASIS, Open Document Format 1.2, part 1, section 9). Both the value and the
/// displayed text of a cell are read.
pub(super) struct OpenDocument<'a> {
    file: &'a File,
    sheets: Vec<SheetEntry>,
}

impl<'a> OpenDocument<'a> {
    /// Opens a spreadsheet after checking how large it would be.
    pub(super) fn open(file: &'a File) -> Result<OpenDocument<'a>, Trouble> {
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(Trouble::of)?;
        if archive.index_for_name("encrypted-package").is_some() {
            return Err(Trouble::Kind(Code::KindPassword));
        }
        if let Ok(manifest) = archive.by_name("META-INF/manifest.xml") {
            let mut constructs = Constructs::of(manifest, "META-INF/manifest.xml");
            loop {
                match constructs.next()? {
                    Event::Start(tag) | Event::Empty(tag)
                        if tag.local_name().as_ref() == "encryption-data" =>
                    {
                        return Err(Trouble::Kind(Code::KindPassword));
                    }
                    Event::Eof => break,
                    _ => {}
                }
            }
        }
        let content = archive.by_name("content.xml").map_err(Trouble::of)?;
        let sheets = look_at(content)?;
        Ok(OpenDocument { file, sheets })
    }

    pub(super) fn sheets(&self) -> &[SheetEntry] {
        &self.sheets
    }

    /// Writes the first `most` rows of a sheet.
    pub(super) fn write<W: Write>(
        &self,
        sheet: &SheetEntry,
        rows: &mut Rows<W>,
        most: u32,
    ) -> Result<(), Trouble> {
        let mut archive = zip::ZipArchive::new(BufReader::new(self.file)).map_err(Trouble::of)?;
        let content = archive.by_name("content.xml").map_err(Trouble::of)?;
        let mut constructs = Constructs::of(content, "content.xml");
        let (mut tables, mut groups, mut hidden_groups) = (0, 0u32, Vec::new());
        let mut row = Row::default();
        let mut cell: Option<Cell> = None;
        loop {
            let event = constructs.next()?;
            let is_empty = matches!(event, Event::Empty(_));
            match &event {
                Event::Start(tag) | Event::Empty(tag) => {
                    let name = tag.name();
                    let name = name.as_ref();
                    if name == "table:table" {
                        tables += 1;
                    }
                    if tables != sheet.place + 1 {
                        continue;
                    }
                    if let Some(cell) = &mut cell {
                        cell.open(name, tag, is_empty);
                        continue;
                    }
                    match name {
                        "table:table-row-group" if !is_empty => {
                            groups += 1;
                            if attribute(tag, "table:display").is_some_and(|said| said == "false") {
                                hidden_groups.push(groups);
                            }
                        }
                        "table:table-row" => {
                            row.begin(tag, !hidden_groups.is_empty());
                            if is_empty {
                                row.end(rows)?;
                            }
                        }
                        "table:table-cell" | "table:covered-table-cell" => match is_empty {
                            true => row.take(Cell::of(tag)),
                            false => cell = Some(Cell::of(tag)),
                        },
                        _ => {}
                    }
                }
                Event::End(tag) if tables == sheet.place + 1 => match tag.name().as_ref() {
                    "table:table-cell" | "table:covered-table-cell" => {
                        cell.take().into_iter().for_each(|cell| row.take(cell));
                    }
                    name if cell.is_some() => cell.iter_mut().for_each(|cell| cell.close(name)),
                    "table:table-row" => {
                        row.end(rows)?;
                        if row.first > most {
                            return Ok(());
                        }
                    }
                    "table:table-row-group" => {
                        if hidden_groups.last() == Some(&groups) {
                            hidden_groups.pop();
                        }
                        groups = groups.saturating_sub(1);
                    }
                    "table:table" => return Ok(()),
                    _ => {}
                },
                Event::Text(text) => {
                    cell.iter_mut()
                        .for_each(|cell| cell.add(&text.xml10_content()));
                }
                Event::CData(text) => {
                    cell.iter_mut()
                        .for_each(|cell| cell.add(&text.xml10_content()));
                }
                Event::GeneralRef(entity) => {
                    if let Some(cell) = &mut cell {
                        let c = entity.resolve_char_ref().map_err(Trouble::of)?;
                        match c {
                            Some(c) => cell.add(c.encode_utf8(&mut [0; 4])),
                            None => match quick_xml::escape::resolve_predefined_entity(entity) {
                                Some(known) => cell.add(known),
                                None => {
                                    return Err(Trouble::Workbook(say().workbook_damaged()));
                                }
                            },
                        }
                    }
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }
}

/// The current row.
#[derive(Default)]
struct Row {
    /// The row number, counted from 0, and the number of repetitions.
    first: u32,
    times: u32,
    is_hidden: bool,
    /// The number of columns so far, and the non-empty cells, each with its start and repetitions.
    columns: u32,
    cells: Vec<(u32, u32, Shown)>,
    /// Merged cells: the column in which each begins, and the rows and columns that it spans.
    merged: Vec<(u32, (u32, u32))>,
}

impl Row {
    fn begin(&mut self, tag: &BytesStart<'_>, is_hidden: bool) {
        self.times = times(tag, "table:number-rows-repeated");
        let visibility = attribute(tag, "table:visibility");
        self.is_hidden = is_hidden || visibility.is_some_and(|said| said != "visible");
        self.columns = 0;
        self.cells.clear();
        self.merged.clear();
    }

    fn take(&mut self, cell: Cell) {
        let (first, times) = (self.columns, cell.times);
        self.columns = self.columns.saturating_add(times);
        if cell.spans != (1, 1) {
            self.merged.push((first, cell.spans));
        }
        let shown = cell.shown();
        if !shown.text.is_empty() || shown.mark.is_some() {
            self.cells.push((first, times, shown));
        }
    }

    fn end<W: Write>(&mut self, rows: &mut Rows<W>) -> Result<(), Trouble> {
        let next = self.first.saturating_add(self.times);
        if self.is_hidden && next > self.first {
            rows.hidden.add(self.first, next - 1);
        }
        if !self.cells.is_empty() {
            for row in self.first..next {
                for (first, (rows_spanned, columns)) in &self.merged {
                    let end = (
                        row.saturating_add(rows_spanned - 1),
                        first.saturating_add(columns - 1),
                    );
                    rows.merges.add((row, *first), end)?;
                }
                for (first, times, shown) in &self.cells {
                    for column in *first..first.saturating_add(*times) {
                        rows.put(row, column, shown.clone())?;
                    }
                }
            }
        }
        self.first = next;
        Ok(())
    }
}

/// The current cell.
#[derive(Default)]
struct Cell {
    times: u32,
    /// The rows and columns that the cell spans.
    spans: (u32, u32),
    kind: String,
    value: Option<String>,
    is_error: bool,
    has_formula: bool,
    /// The text of the cell's paragraphs.
    text: String,
    paragraphs: u32,
    /// The depth of open elements within a paragraph and within a comment.
    within_text: u32,
    within_aside: u32,
}

/// Elements whose text does not belong to the cell: comments and phonetic guides.
const ASIDES: [&str; 2] = ["office:annotation", "text:ruby-text"];

impl Cell {
    fn of(tag: &BytesStart<'_>) -> Cell {
        let kind = attribute(tag, "office:value-type").unwrap_or_default();
        let value = match kind.as_str() {
            "float" | "percentage" | "currency" => attribute(tag, "office:value"),
            "date" => attribute(tag, "office:date-value"),
            "time" => attribute(tag, "office:time-value"),
            "boolean" => attribute(tag, "office:boolean-value"),
            _ => attribute(tag, "office:string-value").map(|_| text_of(tag, "office:string-value")),
        };
        Cell {
            times: times(tag, "table:number-columns-repeated"),
            spans: spans(tag),
            kind,
            value,
            is_error: attribute(tag, "calcext:value-type").is_some_and(|kind| kind == "error"),
            has_formula: attribute(tag, "table:formula").is_some(),
            ..Cell::default()
        }
    }

    fn open(&mut self, name: &str, tag: &BytesStart<'_>, is_empty: bool) {
        let is_shape = name.starts_with("draw:");
        if ASIDES.contains(&name) || is_shape || self.within_aside > 0 {
            self.within_aside += u32::from(!is_empty);
            return;
        }
        match name {
            "text:p" | "text:h" => {
                if self.paragraphs > 0 {
                    self.text.push('\n');
                }
                self.paragraphs += 1;
                self.within_text += u32::from(!is_empty);
            }
            "text:s" => {
                let count = times(tag, "text:c").min(MAX_CELL as u32);
                self.add(&" ".repeat(count as usize));
            }
            "text:tab" => self.add("\t"),
            "text:line-break" => self.add("\n"),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if self.within_aside > 0 {
            self.within_aside -= 1;
        } else if matches!(name, "text:p" | "text:h") {
            self.within_text = self.within_text.saturating_sub(1);
        }
    }

    fn add(&mut self, text: &str) {
        if self.within_text > 0 && self.within_aside == 0 {
            self.text.push_str(text);
        }
    }

    fn shown(self) -> Shown {
        let Cell { value, text, .. } = self;
        if self.is_error {
            let is_shown = !text.trim().is_empty();
            return Shown::error(if is_shown { text } else { "#ERROR!".to_owned() });
        }
        let value = value.filter(|value| !value.is_empty() || self.kind == "string");
        let parsed = value.as_deref().and_then(|value| value.trim().parse().ok());
        // A calculated formula has a visible result, unless it is an empty string.
        let lacks_result = match self.kind.as_str() {
            "string" => value.is_none() && self.paragraphs == 0,
            "" | "void" => text.is_empty(),
            _ => value.is_none() || parsed == Some(0.0) && self.paragraphs == 0,
        };
        if self.has_formula && lacks_result {
            return Shown::no_result();
        }
        match (self.kind.as_str(), value) {
            ("float", Some(_)) => match parsed {
                Some(number) => number_shown(number, text.trim()),
                None => Shown::text(text),
            },
            ("currency", Some(_)) => match parsed {
                // A spreadsheet stores 15 digits.
                Some(number) if number.abs() >= 1e15 => {
                    Shown::marked(plain(number), CellMark::LongNumber)
                }
                Some(number) => Shown::text(plain(number)),
                None => Shown::text(text),
            },
            ("percentage", Some(value)) => {
                let text = if text.is_empty() { value } else { text };
                Shown::marked(text, CellMark::Percentage)
            }
            ("date", Some(value)) => match day_meant(&value, &text) {
                Some(day) => Shown::marked(day, CellMark::DateBeforeMidnight),
                None => date_in_words(&value),
            },
            ("time", Some(value)) => duration_in_words(&value),
            ("boolean", Some(value)) => Shown::boolean(value == "true"),
            ("string", Some(value)) => Shown::text(value),
            _ => Shown::text(text),
        }
    }
}

/// The intended date of a timestamp 12 seconds before midnight whose time is not displayed.
fn day_meant(moment: &str, shown: &str) -> Option<String> {
    let (date, time) = moment.split_once('T')?;
    if !time.starts_with("23:59:48") || shown.contains(':') {
        return None;
    }
    let date: jiff::civil::Date = date.parse().ok()?;
    Some(date.tomorrow().ok()?.to_string())
}

/// The text of a number, given its value and displayed text.
fn number_shown(value: f64, shown: &str) -> Shown {
    let plain = plain(value);
    if value.abs() >= 1e15 {
        return Shown::marked(plain, CellMark::LongNumber);
    }
    if shown.is_empty() || shown == plain {
        return Shown::text(plain);
    }
    // The stored form of a Boolean from another program.
    let is_word = shown.chars().all(|c| c.is_alphabetic() && c.is_uppercase());
    if is_word && (value == 1.0 || value == 0.0) {
        return Shown::boolean(value == 1.0);
    }
    let is_space = |c: char| c.is_whitespace() || c == '\'';
    let tight: String = shown.chars().filter(|c| !is_space(*c)).collect();
    let readings = [
        tight.replace(',', "."),
        tight.replace(',', ""),
        tight.replace('.', "").replace(',', "."),
    ];
    let is_same = readings.iter().any(|text| text.parse() == Ok(value));
    let has_zero = tight.len() > 1 && tight.starts_with('0') && !tight.contains(['.', ',']);
    if is_same && !has_zero && (tight == shown || is_grouped(shown)) {
        return Shown::text(plain);
    }
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    if is_same || digits.trim_start_matches('0') == plain {
        return Shown::marked(shown, CellMark::Formatted);
    }
    // An exponent or a fraction does not change the value.
    let is_look = tight.contains('/') || tight.contains("E+") || tight.contains("E-");
    match is_look {
        true => Shown::text(plain),
        false => Shown::marked(plain, CellMark::ShownOtherwise),
    }
}

/// Whether digits are grouped in threes, as in an amount.
fn is_grouped(text: &str) -> bool {
    let whole = text.trim_start_matches(['-', '\u{2212}']);
    let whole = whole.split([',', '.']).next().unwrap_or_default();
    let mut groups = whole.split(|c: char| c.is_whitespace() || c == '\'');
    groups.next().is_some_and(|first| first.len() <= 3) && groups.all(|group| group.len() == 3)
}

/// Finds the sheets of an OpenDocument spreadsheet, and refuses a spreadsheet with too many cells. A cell or
/// row can be declared to repeat a million times.
fn look_at(content: impl Read) -> Result<Vec<SheetEntry>, Trouble> {
    let mut constructs = Constructs::of(content, "content.xml");
    let mut sheets = Vec::new();
    let (mut style, mut unseen) = (None, HashSet::new());
    let mut count = RowCount::default();
    let (mut row, mut row_times, mut above, mut repeated) = (0u32, 1u32, 0u32, 0u64);
    loop {
        let event = constructs.next()?;
        match &event {
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "style:style" => style = attribute(tag, "style:name"),
                "style:table-properties" => {
                    let is_shown =
                        attribute(tag, "table:display").is_none_or(|said| said != "false");
                    unseen.extend(style.take().filter(|_| !is_shown));
                }
                "table:table" => {
                    (row, above) = (0, 0);
                    let style = attribute(tag, "table:style-name");
                    sheets.push(SheetEntry {
                        name: text_of(tag, "table:name"),
                        place: sheets.len(),
                        is_hidden: style.is_some_and(|style| unseen.contains(&style)),
                    });
                }
                "table:table-row" => {
                    count = RowCount::default();
                    row_times = times(tag, "table:number-rows-repeated");
                    if matches!(event, Event::Empty(_)) {
                        row = row.saturating_add(row_times);
                    }
                }
                "table:table-cell" | "table:covered-table-cell" => {
                    let columns = times(tag, "table:number-columns-repeated");
                    count.columns = count.columns.saturating_add(columns);
                    count.written += 1;
                    let has_value = attribute(tag, "office:value-type").is_some();
                    if has_value || matches!(event, Event::Start(_)) {
                        count.filled = count.columns;
                    }
                }
                _ => {}
            },
            Event::End(tag) if tag.name().as_ref() == "table:table-row" => {
                let first = row;
                row = row.saturating_add(row_times);
                if count.filled > 0 {
                    refuse_place(first, above, count.filled.saturating_sub(1))?;
                    if row_times > MAX_GAP {
                        refuse_place(row, first, 0)?;
                    }
                    above = row;
                    let cells = u64::from(count.filled) * u64::from(row_times);
                    repeated = repeated.saturating_add(cells.saturating_sub(count.written));
                    if repeated > MAX_REPEATED {
                        let most = number(MAX_REPEATED);
                        let why = say().workbook_too_many_repeated(u64::from(row), most);
                        return Err(Trouble::Workbook(why));
                    }
                }
            }
            Event::Eof => return Ok(sheets),
            _ => {}
        }
    }
}

/// The columns of a row.
#[derive(Default)]
struct RowCount {
    /// The number of columns so far.
    columns: u32,
    /// The number of columns up to the last non-empty one.
    filled: u32,
    /// The number of stored cells, each of which may be repeated.
    written: u64,
}

/// The number of repetitions that an attribute states; 1 by default.
fn times(tag: &BytesStart<'_>, name: &str) -> u32 {
    let said = attribute(tag, name).and_then(|value| value.trim().parse().ok());
    said.unwrap_or(1)
}

/// The rows and columns that a cell spans.
fn spans(tag: &BytesStart<'_>) -> (u32, u32) {
    let spanned = |name: &str| times(tag, name).max(1);
    // Fast path, because few cells are merged.
    match tag.attributes_raw().contains("-spanned") {
        true => (
            spanned("table:number-rows-spanned"),
            spanned("table:number-columns-spanned"),
        ),
        false => (1, 1),
    }
}

/// The value of a tag's attribute, with entities decoded.
fn text_of(tag: &BytesStart<'_>, name: &str) -> String {
    let said = attribute(tag, name).unwrap_or_default();
    match quick_xml::escape::unescape(&said) {
        Ok(text) => text.into_owned(),
        Err(_) => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CellMark::{Formatted, LongNumber, ShownOtherwise};

    #[test]
    fn a_number_keeps_displayed_zeros_and_separators() {
        for (value, shown, text, mark) in [
            (184.0, "184", "184", None),
            (184.0, "0184", "0184", Some(Formatted)),
            (26131.0, "261 31", "261 31", Some(Formatted)),
            (
                1_004_022_388.0,
                "100402-2388",
                "100402-2388",
                Some(Formatted),
            ),
            (17.0, "E-0017", "E-0017", Some(Formatted)),
            (12345.0, "12\u{A0}345", "12345", None),
            (12345.5, "12 345,50", "12345.5", None),
            (1234.0, "1,234.00", "1234", None),
            (1234.0, "1.234", "1234", None),
            (0.5, "0,5", "0.5", None),
            (184.0, "", "184", None),
            (0.5, "1/2", "0.5", None),
            (201_004_022_388.0, "2,01E+11", "201004022388", None),
            (184.5, "185", "184.5", Some(ShownOtherwise)),
            (5.0, "Anna", "5", Some(ShownOtherwise)),
            (1.0, "SANT", "TRUE", Some(CellMark::Boolean)),
            (1e15, "1E+15", "1000000000000000", Some(LongNumber)),
        ] {
            let text = text.to_owned();
            assert_eq!(number_shown(value, shown), Shown { text, mark }, "{shown}");
        }
    }

    /// Reads a cell with these elements and texts.
    fn cell(tag: &str, events: &[(&str, &str)]) -> Shown {
        let mut cell = Cell::of(&BytesStart::from_content(tag, "table:table-cell".len()));
        for (name, text) in events {
            cell.open(name, &BytesStart::new(*name), false);
            cell.add(text);
        }
        for (name, _) in events.iter().rev() {
            cell.close(name);
        }
        cell.shown()
    }

    #[test]
    fn the_text_of_a_shape_is_ignored() {
        let tag = "table:table-cell office:value-type=\"string\"";
        let shape = [("draw:custom-shape", ""), ("text:p", "OBS")];
        assert_eq!(cell(tag, &shape), Shown::text(String::new()));
        assert_eq!(cell(tag, &[("text:p", "Anna")]), Shown::text("Anna".into()));
    }

    #[test]
    fn an_error_without_text_is_an_error() {
        let tag = "table:table-cell calcext:value-type=\"error\" office:value-type=\"string\"";
        for (events, text) in [(&[][..], "#ERROR!"), (&[("text:p", "#N/A")], "#N/A")] {
            let shown = cell(tag, events);
            assert_eq!((&*shown.text, shown.mark), (text, Some(CellMark::Error)));
        }
    }

    #[test]
    fn an_amount_that_has_lost_its_last_digits_is_marked() {
        let amount = |value: &str| {
            let tag =
                format!("table:table-cell office:value-type=\"currency\" office:value=\"{value}\"");
            cell(&tag, &[("text:p", "kr")]).mark
        };
        assert_eq!(amount("2010040223880010"), Some(LongNumber));
        assert_eq!(amount("201004022388"), None);
    }
}
