use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};

use super::error::ReadError;
use super::source::Source;
use crate::l10n::say;

/// Unpacked bytes that a workbook may have: far more than any roster's, and less than what a file
/// made to fill the memory would have.
const MAX_UNPACKED: u128 = 1024 * 1024 * 1024;

/// Unpacked bytes of the texts that cells share, which are held in memory.
const MAX_SHARED: u64 = 256 * 1024 * 1024;

/// What a sheet may have, checked as it is read: columns, rows (Excel's own most), empty rows between
/// two that are not, and bytes of text in all its cells. What is held in memory at a time is one row of
/// it, beside the shared texts.
const MAX_COLUMNS: u32 = 1_000;
const MAX_ROWS: u32 = 1_048_576;
const MAX_GAP: u32 = 10_000;
const MAX_TEXT: usize = 512 * 1024 * 1024;

/// Bytes of a cell's text: Excel's own most is 32,767 characters.
const MAX_CELL: usize = 4 * 32_767;

/// The delimiter of the text that a sheet is written out as: what a Swedish Excel would use.
pub(super) const DELIMITER: u8 = b';';

/// A sheet written out as CSV.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) text: Source,
}

/// Whether a file's first bytes are those of a ZIP archive, as a workbook's are.
pub(super) fn may_be_workbook(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04")
}

/// Writes one sheet of a workbook out as CSV, a line a row, so that it is read like any other
/// roster: the first sheet, or the one called `name`. Nothing where the archive is no workbook.
pub(super) fn write_out(
    path: &Path,
    file: &File,
    name: Option<&str>,
) -> Result<Option<Sheet>, ReadError> {
    let broken = |error: XlsxError| ReadError::Workbook {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let io = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let Ok(mut archive) = zip::ZipArchive::new(BufReader::new(file)) else {
        return Ok(None);
    };
    if archive.index_for_name("xl/workbook.xml").is_none() {
        return Ok(None);
    }
    // Sizes from the archive's own directory, which every entry has there.
    let (mut unpacked, mut shared) = (0u128, 0u64);
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index_raw(index) else {
            continue;
        };
        unpacked += u128::from(entry.size());
        let is_shared = |name: &str| name.eq_ignore_ascii_case("xl/sharedStrings.xml");
        if entry.name().is_ok_and(|name| is_shared(&name)) {
            shared = shared.saturating_add(entry.size());
        }
    }
    if shared > MAX_SHARED {
        return Err(ReadError::Workbook {
            path: path.to_owned(),
            why: say().workbook_texts_too_large(),
        });
    }
    if unpacked > MAX_UNPACKED {
        return Err(ReadError::Workbook {
            path: path.to_owned(),
            why: say().workbook_too_large(),
        });
    }
    let mut workbook = Xlsx::new(BufReader::new(file)).map_err(broken)?;
    let names = workbook.sheet_names();
    let chosen = match name {
        None => names.first(),
        Some(name) => names.iter().find(|other| other.trim() == name.trim()),
    };
    let Some(chosen) = chosen.cloned() else {
        return Err(ReadError::NoSheet {
            path: path.to_owned(),
            sheet: name.unwrap_or_default().to_owned(),
            found: names.join(", "),
        });
    };
    let text = Source::written(|out| {
        let mut rows = Rows::to(out);
        let mut cells = workbook
            .worksheet_cells_reader(&chosen)
            .map_err(Trouble::Workbook)?;
        while let Some(cell) = cells.next_cell().map_err(Trouble::Workbook)? {
            let (row, column) = cell.get_position();
            rows.put(row, column, cell_text(cell.get_value()))?;
        }
        rows.end()?;
        Ok(())
    })
    .map_err(|trouble| match trouble {
        Trouble::Io(error) => io(error),
        Trouble::Workbook(error) => broken(error),
        Trouble::Size(why) => ReadError::Workbook {
            path: path.to_owned(),
            why,
        },
    })?;
    Ok(Some(Sheet { name: chosen, text }))
}

/// What can go wrong while a sheet is written out.
enum Trouble {
    Io(std::io::Error),
    Workbook(XlsxError),
    /// Larger than any roster is.
    Size(String),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Trouble::Io(error)
    }
}

/// Cells on their way to CSV lines.
struct Rows<W: Write> {
    writer: csv::Writer<W>,
    /// The row that is being filled, counted from 0.
    row: u32,
    cells: Vec<String>,
    /// Bytes of text so far.
    text: usize,
    /// Cells of the header: no row is written with fewer, since a workbook leaves out empty cells.
    width: usize,
}

impl<W: Write> Rows<W> {
    fn to(out: W) -> Rows<W> {
        Rows {
            writer: csv::WriterBuilder::new()
                .delimiter(DELIMITER)
                .flexible(true)
                .from_writer(out),
            row: 0,
            cells: Vec::new(),
            text: 0,
            width: 0,
        }
    }

    fn put(&mut self, row: u32, column: u32, text: String) -> Result<(), Trouble> {
        let number = u64::from(row) + 1;
        let refuse = |why: String| Err(Trouble::Size(why));
        if column >= MAX_COLUMNS {
            return refuse(say().workbook_too_many_columns(
                number,
                u64::from(column) + 1,
                MAX_COLUMNS,
            ));
        }
        if row >= MAX_ROWS || row.saturating_sub(self.row) > MAX_GAP {
            return refuse(say().workbook_too_far_below(number, MAX_GAP));
        }
        if text.len() > MAX_CELL {
            return refuse(say().workbook_cell_too_large(number, text.len(), MAX_CELL));
        }
        self.text = self.text.saturating_add(text.len());
        if self.text > MAX_TEXT {
            return refuse(say().workbook_too_much_text(number));
        }
        while self.row < row {
            self.end_row()?;
        }
        let column = column as usize;
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        self.cells[column] = text;
        Ok(())
    }

    fn end_row(&mut self) -> std::io::Result<()> {
        self.row += 1;
        if self.width == 0 {
            let last = self.cells.iter().rposition(|cell| !cell.trim().is_empty());
            self.width = last.map_or(0, |last| last + 1);
        }
        if self.cells.len() < self.width {
            self.cells.resize(self.width, String::new());
        }
        // An empty row is written all the same, so that line numbers are the sheet's.
        if self.cells.len() < 2 {
            self.cells.resize(2, String::new());
        }
        self.writer.write_record(self.cells.drain(..))?;
        Ok(())
    }

    fn end(mut self) -> std::io::Result<()> {
        self.end_row()?;
        self.writer.flush()
    }
}

/// A cell as text: whole numbers without a decimal point or an exponent, dates as `YYYY-MM-DD`,
/// a spreadsheet's errors as it shows them.
fn cell_text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        // Rust writes no exponent, and of the digits as many as tell the number from its
        // neighbours.
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(true) => "TRUE".into(),
        DataRef::Bool(false) => "FALSE".into(),
        DataRef::DateTime(moment) => moment_text(moment),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

fn moment_text(moment: &ExcelDateTime) -> String {
    if !moment.is_datetime() {
        return moment.as_f64().to_string();
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use calamine::CellErrorType;

    use super::*;

    #[test]
    fn cells_as_a_person_would_write_them() {
        for (value, text) in [
            (DataRef::Float(201_004_022_388.0), "201004022388"),
            (DataRef::Float(184.0), "184"),
            (DataRef::Float(1.5), "1.5"),
            (DataRef::Int(7), "7"),
            (DataRef::Bool(true), "TRUE"),
            (DataRef::SharedString("Åsa"), "Åsa"),
            (DataRef::Error(CellErrorType::NA), "#N/A"),
            (DataRef::Empty, ""),
        ] {
            assert_eq!(cell_text(&value), text);
        }
    }
}
