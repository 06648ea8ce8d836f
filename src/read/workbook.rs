use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use calamine::{Data, ExcelDateTime, Ods, Reader, Xls, Xlsx};

use super::error::ReadError;
use super::old_workbook::refuse_large_sheets;
use super::opendocument::refuse_too_many_cells;
use super::parts::refuse_large_parts;
use super::sheet_limits::{
    MAX_CELL, MAX_OLD, MAX_SHARED, MAX_TEXT, MAX_UNPACKED, Trouble, refuse_place,
};
use super::source::Source;
use crate::l10n::say;
use crate::model::FileFormat;

/// The delimiter of the text that a sheet is written out as: what a Swedish Excel would use.
pub(super) const DELIMITER: u8 = b';';

/// A sheet written out as CSV.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) name: String,
    /// All sheets of the workbook.
    pub(super) names: Vec<String>,
    pub(super) kind: Kind,
    pub(super) text: Source,
}

/// What kind of workbook a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Office Open XML: `.xlsx`.
    Xlsx,
    /// Excel 97 to 2003: `.xls`.
    Xls,
    /// OpenDocument: `.ods`.
    Ods,
}

impl Sheet {
    /// What it is, for a person.
    pub(super) fn description(&self) -> String {
        say().dialect_workbook(self.format().to_string(), self.name.as_str())
    }

    /// What kind of workbook it stands in.
    pub(super) fn format(&self) -> FileFormat {
        match self.kind {
            Kind::Xlsx => FileFormat::Xlsx,
            Kind::Xls => FileFormat::Xls,
            Kind::Ods => FileFormat::Ods,
        }
    }
}

/// Whether a file's first bytes are those of a ZIP archive or of an old Office document, as a
/// workbook's are.
pub(super) fn may_be_workbook(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(b"\xD0\xCF\x11\xE0")
}

/// Writes one sheet of a workbook out as CSV, a line a row, so that it is read like any other
/// roster: the first sheet, or the one called `name`. Nothing where the file is no workbook.
pub(super) fn write_out(
    path: &Path,
    file: &File,
    name: Option<&str>,
) -> Result<Option<Sheet>, ReadError> {
    let wrong = |trouble: Trouble| match trouble {
        Trouble::Io(source) => ReadError::Io {
            path: path.to_owned(),
            source,
        },
        Trouble::Workbook(why) => ReadError::Workbook {
            path: path.to_owned(),
            why,
        },
    };
    let Some(kind) = kind_of(file).map_err(wrong)? else {
        return Ok(None);
    };
    let mut book = Book::open(kind, file).map_err(wrong)?;
    let names = book.sheet_names();
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
        book.write(&chosen, &mut rows)?;
        rows.end()?;
        Ok(())
    })
    .map_err(wrong)?;
    let name = chosen;
    Ok(Some(Sheet {
        name,
        names,
        kind,
        text,
    }))
}

/// What kind of workbook a file is, after a look at how large it would be; nothing where it is none.
fn kind_of(file: &File) -> Result<Option<Kind>, Trouble> {
    let Ok(mut archive) = zip::ZipArchive::new(BufReader::new(file)) else {
        if file.metadata()?.len() > MAX_OLD {
            let limit = MAX_OLD / (1024 * 1024);
            return Err(Trouble::Workbook(say().workbook_file_too_large(limit)));
        }
        refuse_large_sheets(file)?;
        // What is no workbook has no sheets.
        let is_old = old(file)?.is_ok_and(|book| !book.sheet_names().is_empty());
        return Ok(is_old.then_some(Kind::Xls));
    };
    let is_ods = is_opendocument(&mut archive);
    if archive.index_for_name("xl/workbook.xml").is_none() && !is_ods {
        return Ok(None);
    }
    // Sizes from the archive's own directory, which every entry has there.
    let (mut unpacked, mut shared) = (0u128, 0u64);
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index_raw(index) else {
            continue;
        };
        unpacked += u128::from(entry.size());
        let is_shared = |name: &str| {
            name.eq_ignore_ascii_case("xl/sharedStrings.xml") || name == "content.xml" && is_ods
        };
        if entry.name().is_ok_and(|name| is_shared(&name)) {
            shared = shared.saturating_add(entry.size());
        }
    }
    if shared > MAX_SHARED {
        return Err(Trouble::Workbook(say().workbook_texts_too_large()));
    }
    if unpacked > MAX_UNPACKED {
        return Err(Trouble::Workbook(say().workbook_too_large()));
    }
    refuse_large_parts(&mut archive, is_ods)?;
    Ok(Some(if is_ods { Kind::Ods } else { Kind::Xlsx }))
}

/// Reads an old workbook. What reads it panics on records that end too soon.
fn old(file: &File) -> Result<Result<Xls<BufReader<&File>>, calamine::XlsError>, Trouble> {
    std::panic::catch_unwind(|| Xls::new(BufReader::new(file)))
        .map_err(|_| Trouble::Workbook(say().workbook_damaged()))
}

/// Whether an archive says that it is an OpenDocument spreadsheet (OASIS, Open Document Format 1.2,
/// part 3, section 3.3).
fn is_opendocument(archive: &mut zip::ZipArchive<BufReader<&File>>) -> bool {
    const TYPE: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";
    let mut found = Vec::new();
    let read = archive.by_name("mimetype").map(|entry| {
        entry
            .take(TYPE.len() as u64 + 16)
            .read_to_end(&mut found)
            .is_ok()
    });
    read.unwrap_or(false) && found.starts_with(TYPE)
}

/// A workbook of any kind.
enum Book<'a> {
    Xlsx(Box<Xlsx<BufReader<&'a File>>>),
    Xls(Box<Xls<BufReader<&'a File>>>),
    Ods(Box<Ods<BufReader<&'a File>>>),
}

impl<'a> Book<'a> {
    fn open(kind: Kind, file: &'a File) -> Result<Book<'a>, Trouble> {
        let reader = BufReader::new(file);
        Ok(match kind {
            Kind::Xlsx => Book::Xlsx(Box::new(Xlsx::new(reader).map_err(Trouble::of)?)),
            Kind::Xls => Book::Xls(Box::new(old(file)?.map_err(Trouble::of)?)),
            Kind::Ods => {
                refuse_too_many_cells(file)?;
                Book::Ods(Box::new(Ods::new(reader).map_err(Trouble::of)?))
            }
        })
    }

    fn sheet_names(&self) -> Vec<String> {
        match self {
            Book::Xlsx(book) => book.sheet_names(),
            Book::Xls(book) => book.sheet_names(),
            Book::Ods(book) => book.sheet_names(),
        }
    }

    /// Hands every cell of a sheet on.
    fn write<W: Write>(&mut self, sheet: &str, rows: &mut Rows<W>) -> Result<(), Trouble> {
        let range = match self {
            // The one kind that can be large is read cell by cell.
            Book::Xlsx(book) => {
                let mut cells = book.worksheet_cells_reader(sheet).map_err(Trouble::of)?;
                while let Some(cell) = cells.next_cell().map_err(Trouble::of)? {
                    let (row, column) = cell.get_position();
                    rows.put(row, column, cell_text(Data::from(cell.get_value().clone())))?;
                }
                return Ok(());
            }
            Book::Xls(book) => book.worksheet_range(sheet).map_err(Trouble::of)?,
            Book::Ods(book) => book.worksheet_range(sheet).map_err(Trouble::of)?,
        };
        let (first_row, first_column) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let row = first_row.saturating_add(row as u32);
            let column = first_column.saturating_add(column as u32);
            rows.put(row, column, cell_text(value.clone()))?;
        }
        Ok(())
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
        let refuse = |why: String| Err(Trouble::Workbook(why));
        refuse_place(row, self.row, column)?;
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
fn cell_text(value: Data) -> String {
    match value {
        Data::Int(number) => number.to_string(),
        // Rust writes no exponent, and of the digits as many as tell the number from its
        // neighbours.
        Data::Float(number) => number.to_string(),
        Data::Bool(true) => "TRUE".into(),
        Data::Bool(false) => "FALSE".into(),
        Data::DateTime(moment) => moment_text(&moment),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text,
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
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
            (Data::Float(201_004_022_388.0), "201004022388"),
            (Data::Float(184.0), "184"),
            (Data::Float(1.5), "1.5"),
            (Data::Int(7), "7"),
            (Data::Bool(true), "TRUE"),
            (Data::String("Åsa".into()), "Åsa"),
            (Data::Error(CellErrorType::NA), "#N/A"),
            (Data::Empty, ""),
        ] {
            assert_eq!(cell_text(value), text);
        }
    }
}
