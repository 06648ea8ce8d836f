use std::fs::File;
use std::io::{BufReader, Read};

use super::sheet_limits::{MAX_COLUMNS, MAX_OLD_AREA, MAX_OLD_ROWS, MAX_TEXTS_HELD, Trouble};
use crate::l10n::say;

// Records of a workbook (Microsoft, [MS-XLS], section 2.3).
const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const CONTINUE: u16 = 0x003C;
const SHARED_TEXTS: u16 = 0x00FC;
const SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const FORMULA: u16 = 0x0006;
const SHARED_TEXT: u16 = 0x00FD;
const SEVERAL_NUMBERS: u16 = 0x00BD;
/// A number, text, truth or error, rich text, and a number in short.
const OTHER_CELLS: [u16; 5] = [0x0203, 0x0204, 0x0205, 0x00D6, 0x027E];

/// Refuses an old workbook that would take far more memory than its file. What reads it makes room for every
/// cell between the first and the last one of each sheet, and writes a shared text out for each of its cells.
/// What is no such workbook is left to what reads it.
pub(super) fn refuse_large_sheets(file: &File) -> Result<(), Trouble> {
    let Ok(mut compound) = cfb::CompoundFile::open(BufReader::new(file)) else {
        return Ok(());
    };
    let mut stream = Vec::new();
    for name in ["Workbook", "Book"] {
        if let Ok(mut found) = compound.open_stream(name) {
            found.read_to_end(&mut stream)?;
            break;
        }
    }
    let (mut sheets, mut texts) = (Vec::new(), Vec::new());
    for record in Records::of(&stream) {
        match record.kind {
            SHEET => sheets.extend(record.u32(0)),
            SHARED_TEXTS => texts = lengths(&record),
            EOF => break,
            _ => {}
        }
    }
    let mut read = 0;
    let mut held = 0u64;
    for place in sheets {
        let start = usize::try_from(place).unwrap_or(usize::MAX);
        let Some(sheet) = stream.get(start..) else {
            return Err(Trouble::Workbook(say().workbook_damaged()));
        };
        read += look_at(sheet, &texts, &mut held)?;
        // Sheets that are one are as many in memory.
        if read > stream.len() {
            return Err(Trouble::Workbook(say().workbook_damaged()));
        }
    }
    Ok(())
}

/// Looks at a sheet's cells, and returns how many bytes it has. `held` is how many bytes of shared texts those of
/// all sheets have.
fn look_at(sheet: &[u8], texts: &[u64], held: &mut u64) -> Result<usize, Trouble> {
    let mut area = Area::default();
    let mut depth = 0u32;
    let mut records = Records::of(sheet);
    for record in records.by_ref() {
        match record.kind {
            BOF => depth += 1,
            EOF if depth <= 1 => break,
            EOF => depth -= 1,
            _ if depth > 1 => {}
            DIMENSIONS => refuse_room(&record)?,
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
            }
            FORMULA => area.add(&record)?,
            kind if OTHER_CELLS.contains(&kind) => area.add(&record)?,
            _ => {}
        }
        if *held > MAX_TEXTS_HELD {
            return Err(Trouble::Workbook(say().workbook_texts_too_large()));
        }
    }
    Ok(sheet.len() - records.rest.len())
}

/// Refuses to make room for more cells than a sheet can have.
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

/// The smallest rectangle in which all cells of a sheet lie.
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

/// The bytes that each shared text takes at most, in their order.
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

/// The bytes of a record and of those that continue it.
struct Pieces<'a> {
    piece: &'a [u8],
    rest: &'a [u8],
}

impl Pieces<'_> {
    /// Goes on to the next piece where this one has come to its end. Returns whether there is one.
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

    /// Passes over a text (section 2.5.293), and returns how many bytes it takes at most.
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
        // Beside itself a text takes some bytes; a character three at most.
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

/// One record, and what stands behind it.
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

/// The records of a stream.
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
