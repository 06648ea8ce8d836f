//! Reads the metadata of binary workbooks (`.xls`).

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, Write};

use calamine::{Data, ExcelDateTime, ExcelDateTimeType, Range};

use super::number_format::{NumberFormat, Shown, built_in};
use super::sheet_cell::shown;
use super::sheet_limits::{MAX_COLUMNS, MAX_OLD_AREA, MAX_OLD_ROWS, MAX_TEXTS_HELD, Trouble};
use super::sheet_rows::{Rows, SheetEntry};
use crate::l10n::say;
use crate::model::Code;

// The record types of a workbook ([MS-XLS], section 2.3).
const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const CONTINUE: u16 = 0x003C;
const SHARED_TEXTS: u16 = 0x00FC;
const SHEET: u16 = 0x0085;
/// Written by the program that last calculated the workbook.
const CALCULATED: u16 = 0x01C1;
const PASSWORD: u16 = 0x002F;
/// The epoch of dates.
const DATES: u16 = 0x0022;
const FORMAT: u16 = 0x041E;
const STYLE: u16 = 0x00E0;
const DIMENSIONS: u16 = 0x0200;
const ROW: u16 = 0x0208;
const FORMULA: u16 = 0x0006;
const FORMULA_TEXT: u16 = 0x0207;
const SHARED_TEXT: u16 = 0x00FD;
const SEVERAL_NUMBERS: u16 = 0x00BD;
/// Number, label, Boolean or error, rich text, and RK number.
const OTHER_CELLS: [u16; 5] = [0x0203, 0x0204, 0x0205, 0x00D6, 0x027E];

/// The format of a compound file that is not a readable workbook, derived from its streams. Returns `None` if
/// it may be a workbook.
pub(super) fn other_kind(file: &File) -> Option<Code> {
    let compound = cfb::CompoundFile::open(BufReader::new(file)).ok()?;
    let kinds = [
        ("EncryptedPackage", Code::KindPassword),
        ("WordDocument", Code::KindWord),
        ("PowerPoint Document", Code::KindPresentation),
    ];
    let found = kinds.into_iter().find(|(name, _)| compound.is_stream(name));
    found.map(|(_, kind)| kind)
}

/// The metadata of cells in an old workbook.
#[derive(Debug, Default)]
pub(super) struct OldNotes {
    /// The number formats by style index.
    formats: Vec<Option<NumberFormat>>,
    /// The sheets in the workbook's order.
    sheets: Vec<SheetNotes>,
    /// Whether dates are counted from 1904.
    is_1904: bool,
}

/// The metadata of a sheet's cells. Rows and columns are counted from 0.
#[derive(Debug, Default)]
struct SheetNotes {
    /// Cells with a relevant format, and its style index.
    formatted: Vec<(u32, u32, u16)>,
    /// Cells with a formula but no result.
    without_result: Vec<(u32, u32)>,
    hidden: Vec<u32>,
}

impl OldNotes {
    /// Converts a number to a date if its format shows one. calamine does not recognize every date format.
    fn dated(&self, value: Data, format: Option<&NumberFormat>) -> Data {
        let shows_any = format.is_some_and(|format| format.shows_date_and_time() != (false, false));
        let days = match value {
            Data::Int(days) if shows_any => days as f64,
            Data::Float(days) if shows_any => days,
            other => return other,
        };
        Data::DateTime(ExcelDateTime::new(
            days,
            ExcelDateTimeType::DateTime,
            self.is_1904,
        ))
    }

    /// Writes the first `most` rows of a sheet.
    pub(super) fn write<W: Write>(
        &self,
        range: &Range<Data>,
        sheet: &SheetEntry,
        rows: &mut Rows<W>,
        most: u32,
    ) -> Result<(), Trouble> {
        let nothing = SheetNotes::default();
        let notes = self.sheets.get(sheet.place).unwrap_or(&nothing);
        notes
            .hidden
            .iter()
            .for_each(|row| rows.hidden.add(*row, *row));
        let (first_row, first_column) = range.start().unwrap_or_default();
        let mut lacking = notes.without_result.iter().peekable();
        for (row, column, value) in range.used_cells() {
            let row = first_row.saturating_add(row as u32);
            let column = first_column.saturating_add(column as u32);
            if row > most {
                return Ok(());
            }
            let mut is_put = false;
            while let Some(&&place) = lacking.peek().filter(|place| ***place <= (row, column)) {
                rows.put(place.0, place.1, Shown::no_result())?;
                is_put = place == (row, column);
                lacking.next();
            }
            if !is_put {
                let format = notes.format_of(row, column);
                let format =
                    format.and_then(|place| self.formats.get(usize::from(place))?.as_ref());
                let value = self.dated(value.clone(), format);
                rows.put(row, column, shown(value, format))?;
            }
        }
        for place in lacking.take_while(|place| place.0 <= most) {
            rows.put(place.0, place.1, Shown::no_result())?;
        }
        Ok(())
    }
}

impl SheetNotes {
    fn format_of(&self, row: u32, column: u32) -> Option<u16> {
        let place = |(r, c, _): &(u32, u32, u16)| (*r, *c).cmp(&(row, column));
        let found = self.formatted.binary_search_by(place).ok()?;
        self.formatted.get(found).map(|(.., format)| *format)
    }
}

/// Scans the records of an old workbook, and refuses one that would take far more memory than its file.
/// calamine allocates every cell in the bounding rectangle of each sheet and copies a shared string for each
/// of its cells. Files that are not such workbooks are left to calamine.
pub(super) fn look_at(file: &File) -> Result<OldNotes, Trouble> {
    let mut notes = OldNotes::default();
    let mut stream = Vec::new();
    match cfb::CompoundFile::open(BufReader::new(file)) {
        Ok(compound) => read_workbook(compound, &mut stream)?,
        Err(_) => match padded(file)? {
            None => return Ok(notes),
            Some(bytes) => match cfb::CompoundFile::open(Cursor::new(bytes)) {
                Ok(compound) => read_workbook(compound, &mut stream)?,
                // calamine may still read it, but the formats of its cells would be unknown.
                Err(_) => return Err(Trouble::Kind(Code::KindOle)),
            },
        },
    }
    let (mut sheets, mut texts) = (Vec::new(), Vec::new());
    let (mut codes, mut styles) = (HashMap::new(), Vec::new());
    let (mut is_wide, mut is_calculated) = (true, false);
    for record in Records::of(&stream) {
        match record.kind {
            BOF => is_wide = record.u16(0) == Some(0x0600),
            PASSWORD => return Err(Trouble::Kind(Code::KindPassword)),
            SHEET => sheets.extend(record.u32(0)),
            SHARED_TEXTS => texts = lengths(&record),
            FORMAT => codes.extend(format_code(&record, is_wide)),
            CALCULATED => is_calculated = true,
            DATES => notes.is_1904 = record.u16(0) == Some(1),
            STYLE => styles.push(record.u16(2).unwrap_or(0)),
            EOF => break,
            _ => {}
        }
    }
    let format_of = |id: &u16| {
        let code = codes.get(id).map(String::as_str).or_else(|| built_in(*id));
        let format = NumberFormat::of(code?);
        (!format.is_general()).then_some(format)
    };
    notes.formats = styles.iter().map(format_of).collect();
    let mut read = 0;
    let mut held = 0u64;
    for place in sheets {
        let start = usize::try_from(place).unwrap_or(usize::MAX);
        let Some(sheet) = stream.get(start..) else {
            return Err(Trouble::Workbook(say().workbook_damaged()));
        };
        let mut of_sheet = SheetNotes::default();
        read += look_at_sheet(
            sheet,
            &texts,
            &mut held,
            (&mut of_sheet, &notes.formats, is_calculated),
        )?;
        of_sheet.formatted.sort_unstable();
        of_sheet.without_result.sort_unstable();
        of_sheet.hidden.sort_unstable();
        notes.sheets.push(of_sheet);
        // Sheets that share the same bytes would multiply them in memory.
        if read > stream.len() {
            return Err(Trouble::Workbook(say().workbook_damaged()));
        }
    }
    Ok(notes)
}

/// Reads the workbook stream of a compound file.
fn read_workbook<F: Read + Seek>(
    mut compound: cfb::CompoundFile<F>,
    stream: &mut Vec<u8>,
) -> Result<(), Trouble> {
    for name in ["Workbook", "Book"] {
        if let Ok(mut found) = compound.open_stream(name) {
            found.read_to_end(stream)?;
            break;
        }
    }
    Ok(())
}

/// Returns a compound file padded with empty sectors to the end of its allocation table, or `None` for other
/// files. Some programs, such as SheetJS, end the file after the last sector in use.
fn padded(mut file: &File) -> Result<Option<Vec<u8>>, Trouble> {
    // The signature, the sector size and the number of sectors in the table ([MS-CFB], section 2.2).
    const SIGNATURE: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(SIGNATURE.len() as u64).read_to_end(&mut bytes)?;
    if bytes != SIGNATURE {
        return Ok(None);
    }
    file.read_to_end(&mut bytes)?;
    let shift = bytes
        .get(30)
        .copied()
        .filter(|shift| [9, 12].contains(shift));
    let tables = bytes.get(44..48).and_then(|four| four.first_chunk::<4>());
    if let (Some(shift), Some(tables)) = (shift, tables) {
        let sector = 1_usize << shift;
        let tables = u32::from_le_bytes(*tables) as usize;
        let (own, each) = (bytes.len() / sector, sector / 4);
        // A table for many more sectors than the file has is damaged, or an attempt to exhaust memory.
        if tables <= 2 * own / each + 1 {
            let all = 1 + tables * each;
            bytes.resize(bytes.len().max(all * sector), 0);
        }
    }
    Ok(Some(bytes))
}

/// A format's number and code. `is_wide` selects the string format since Excel 97.
fn format_code(record: &Record<'_>, is_wide: bool) -> Option<(u16, String)> {
    let id = record.u16(0)?;
    let (length, text) = match is_wide {
        true => (usize::from(record.u16(2)?), record.bytes.get(4..)?),
        false => (usize::from(*record.bytes.get(2)?), record.bytes.get(3..)?),
    };
    let code = match (is_wide, text.split_first()) {
        (true, Some((flags, text))) if flags & 1 == 1 => {
            let pairs = text.as_chunks::<2>().0.iter().take(length);
            let units: Vec<u16> = pairs.map(|pair| u16::from_le_bytes(*pair)).collect();
            String::from_utf16_lossy(&units)
        }
        (true, Some((_, text))) => text.iter().take(length).map(|b| char::from(*b)).collect(),
        (true, None) => return None,
        (false, _) => text.iter().take(length).map(|b| char::from(*b)).collect(),
    };
    Some((id, code))
}

/// Scans a sheet's cells and returns the sheet's length in bytes. `held` is the total size of the shared
/// strings in the cells of all sheets.
fn look_at_sheet(
    sheet: &[u8],
    texts: &[u64],
    held: &mut u64,
    (notes, formats, is_calculated): (&mut SheetNotes, &[Option<NumberFormat>], bool),
) -> Result<usize, Trouble> {
    let mut area = Area::default();
    let mut depth = 0u32;
    let mut records = Records::of(sheet);
    // The cell of a formula whose string result follows in a separate record.
    let mut awaited = None;
    let note = |notes: &mut SheetNotes, row: u16, column: u16, style: u16| {
        let says_something = formats.get(usize::from(style)).is_some_and(Option::is_some);
        if says_something {
            let place = (u32::from(row), u32::from(column), style);
            notes.formatted.push(place);
        }
    };
    let is_cell = |kind| [FORMULA, SHARED_TEXT].contains(&kind) || OTHER_CELLS.contains(&kind);
    for record in records.by_ref() {
        match record.kind {
            BOF => depth += 1,
            EOF if depth <= 1 => break,
            EOF => depth -= 1,
            _ if depth > 1 => {}
            DIMENSIONS => refuse_room(&record)?,
            ROW if record.u16(12).is_some_and(|flags| flags & 0x20 != 0) => {
                notes.hidden.extend(record.u16(0).map(u32::from));
            }
            FORMULA_TEXT => awaited = None,
            SHARED_TEXT => {
                let text = record.u32(6).and_then(|index| usize::try_from(index).ok());
                let length = text.and_then(|index| texts.get(index));
                *held = held.saturating_add(*length.unwrap_or(&0));
                area.add(&record)?;
            }
            SEVERAL_NUMBERS => {
                area.add(&record)?;
                let last = record.bytes.len().saturating_sub(2);
                let row = record.u16(0).unwrap_or(0);
                area.include(row, record.u16(last).unwrap_or(0))?;
                let cells = record
                    .bytes
                    .get(4..last)
                    .unwrap_or_default()
                    .chunks_exact(6);
                let first = record.u16(2).unwrap_or(0);
                for (column, cell) in (first..=u16::MAX).zip(cells) {
                    note(notes, row, column, u16::from_le_bytes([cell[0], cell[1]]));
                }
            }
            FORMULA => {
                area.add(&record)?;
                notes.without_result.extend(awaited.take());
                let place = || Some((u32::from(record.u16(0)?), u32::from(record.u16(2)?)));
                match (record.bytes.get(6..14), record.u16(14)) {
                    // The result is to be calculated when the workbook is opened, and is 0 until then.
                    (Some([0, 0, 0, 0, 0, 0, 0, 0]), Some(flags)) if flags & 2 != 0 => {
                        notes.without_result.extend(place());
                    }
                    (Some([0, .., 0xFF, 0xFF]), _) => awaited = place(),
                    // The result is an empty string.
                    (Some([3, .., 0xFF, 0xFF]), _) if !is_calculated => {
                        notes.without_result.extend(place());
                    }
                    _ => {}
                }
            }
            kind if OTHER_CELLS.contains(&kind) => area.add(&record)?,
            _ => {}
        }
        if let (true, [Some(row), Some(column), Some(style)]) = (
            depth <= 1 && is_cell(record.kind),
            [record.u16(0), record.u16(2), record.u16(4)],
        ) {
            note(notes, row, column, style);
        }
        if *held > MAX_TEXTS_HELD {
            return Err(Trouble::Workbook(say().workbook_texts_too_large()));
        }
    }
    notes.without_result.extend(awaited);
    Ok(sheet.len() - records.rest.len())
}

/// Refuses a sheet whose declared size exceeds the limit, before calamine allocates it.
fn refuse_room(record: &Record<'_>) -> Result<(), Trouble> {
    let half = |at: usize| record.u16(at).map(u32::from);
    let said = match record.bytes.len() {
        10 => [half(0), half(2), half(4), half(6)],
        _ => [record.u32(0), record.u32(4), half(8), half(10)],
    };
    let [Some(first_row), Some(end_row), Some(_), Some(end_column)] = said else {
        return Ok(());
    };
    let is_empty = end_row == 0 || end_column == 0;
    if !is_empty && (first_row >= end_row || end_row > MAX_OLD_ROWS || end_column > MAX_COLUMNS) {
        return Err(Trouble::Workbook(say().workbook_damaged()));
    }
    Ok(())
}

/// The bounding rectangle of a sheet's cells.
#[derive(Default)]
struct Area {
    cells: u64,
    rows: Option<(u16, u16)>,
    columns: Option<(u16, u16)>,
}

impl Area {
    fn add(&mut self, record: &Record<'_>) -> Result<(), Trouble> {
        let (Some(row), Some(column)) = (record.u16(0), record.u16(2)) else {
            return Err(Trouble::Workbook(say().workbook_damaged()));
        };
        self.cells += 1;
        self.include(row, column)
    }

    fn include(&mut self, row: u16, column: u16) -> Result<(), Trouble> {
        let wider = |known: Option<(u16, u16)>, place: u16| {
            let (first, last) = known.unwrap_or((place, place));
            (first.min(place), last.max(place))
        };
        let rows = wider(self.rows, row);
        let columns = wider(self.columns, column);
        (self.rows, self.columns) = (Some(rows), Some(columns));
        let length = |(first, last): (u16, u16)| u64::from(last - first) + 1;
        let area = length(rows) * length(columns);
        if u32::from(columns.1) >= MAX_COLUMNS || area > MAX_OLD_AREA.max(16 * self.cells) {
            return Err(Trouble::Workbook(
                say().workbook_scattered(u32::from(row) + 1, u32::from(column) + 1),
            ));
        }
        Ok(())
    }
}

/// The maximum size in bytes of each shared string, in order.
fn lengths(record: &Record<'_>) -> Vec<u64> {
    let mut bytes = Pieces {
        piece: record.bytes.get(8..).unwrap_or_default(),
        rest: record.rest,
    };
    let mut lengths = Vec::new();
    while let Some(length) = bytes.text() {
        lengths.push(length);
    }
    lengths
}

/// The bytes of a record and of its continuation records.
struct Pieces<'a> {
    piece: &'a [u8],
    rest: &'a [u8],
}

impl Pieces<'_> {
    /// Advances to the next continuation record if the current one is used up. Returns whether there is one.
    fn turn(&mut self) -> bool {
        let mut records = Records::of(self.rest);
        let next = records.next().filter(|next| next.kind == CONTINUE);
        let Some(next) = next else {
            return false;
        };
        (self.piece, self.rest) = (next.bytes, records.rest);
        true
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        while self.piece.is_empty() && self.turn() {}
        let (taken, rest) = self.piece.split_first_chunk::<N>()?;
        self.piece = rest;
        Some(*taken)
    }

    fn skip(&mut self, mut bytes: usize) -> Option<()> {
        loop {
            let here = bytes.min(self.piece.len());
            self.piece = &self.piece[here..];
            bytes -= here;
            if bytes == 0 {
                return Some(());
            }
            if !self.turn() {
                return None;
            }
        }
    }

    /// Skips a string (section 2.5.293) and returns its maximum size in bytes.
    fn text(&mut self) -> Option<u64> {
        let mut left = usize::from(u16::from_le_bytes(self.take()?));
        let [flags] = self.take()?;
        let runs = match flags & 8 {
            0 => 0,
            _ => usize::from(u16::from_le_bytes(self.take()?)),
        };
        let more = match flags & 4 {
            0 => 0,
            _ => usize::try_from(u32::from_le_bytes(self.take()?)).ok()?,
        };
        // The size includes the overhead of a `String`; a character takes at most three bytes.
        let length = 24 + 3 * left as u64;
        let mut width = 1 + usize::from(flags & 1);
        while left > 0 {
            if self.piece.len() < width {
                if !self.turn() {
                    return None;
                }
                let [flags] = self.take()?;
                width = 1 + usize::from(flags & 1);
            }
            let here = left.min(self.piece.len() / width);
            self.piece = &self.piece[here * width..];
            left -= here;
        }
        self.skip(4 * runs)?;
        self.skip(more)?;
        Some(length)
    }
}

/// A record, and the bytes that follow it.
struct Record<'a> {
    kind: u16,
    bytes: &'a [u8],
    rest: &'a [u8],
}

impl Record<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(u16::from_le_bytes(*bytes))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }
}

/// Iterates over the records of a stream.
struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    fn of(stream: &'a [u8]) -> Records<'a> {
        Records { rest: stream }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (kind, rest) = self.rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (bytes, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Record {
            kind: u16::from_le_bytes(*kind),
            bytes,
            rest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_padded_only_to_a_plausible_allocation_table() {
        for (tables, expected) in [(0, Some(2048)), (1, Some(129 * 512)), (2, Some(2048))] {
            let mut bytes = vec![0; 2048];
            bytes[..8].copy_from_slice(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]);
            (bytes[30], bytes[44]) = (9, tables);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let Ok(padded) = padded(&file) else {
                panic!("it can be read");
            };
            assert_eq!(padded.map(|bytes| bytes.len()), expected, "{tables}");
        }
        let Ok(other) = padded(&tempfile::tempfile().unwrap()) else {
            panic!("it can be read");
        };
        assert_eq!(other, None);
    }
}
