//! Converts workbook sheets to CSV.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use calamine::{Data, Reader, SheetType, SheetVisible, Xls, Xlsx};

use super::error::ReadError;
use super::mark::Marks;
use super::number_format::{NumberFormat, Shown};
use super::old_workbook::{self, OldNotes};
use super::opendocument::OpenDocument;
use super::package::{self, Office, Package};
use super::parts::refuse_large_parts;
use super::sheet_cell::shown;
use super::sheet_limits::{MAX_OLD, MAX_SHARED, MAX_UNPACKED, Trouble};
use super::sheet_notes::SheetNotes;
use super::sheet_rows::{Rows, SheetEntry};
use super::source::Source;
use crate::l10n::say;
use crate::model::{Code, FileFormat};

/// A sheet converted to CSV.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) name: String,
    /// The workbook's visible sheets.
    pub(super) names: Vec<String>,
    pub(super) format: FileFormat,
    pub(super) text: Source,
    /// The marks of the sheet's cells.
    pub(super) marks: Arc<Marks>,
    /// The number of hidden rows, read or skipped.
    pub(super) hidden_rows: u64,
    pub(super) skips_hidden: bool,
    /// The beginnings of the other visible sheets as CSV, unless a sheet was specified.
    pub(super) others: Vec<(String, Vec<u8>)>,
}

/// The parts of a workbook to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The sheet's name. The default is the first visible sheet with rows.
    pub(super) sheet: Option<&'a str>,
    /// Whether hidden rows are excluded.
    pub(super) skips_hidden: bool,
}

/// The number of rows of other sheets that are read to find their headers.
const LOOKED_AT: u32 = 25;

/// Whether a file begins like a ZIP archive or an old Office document, as workbooks do.
pub(super) fn may_be_workbook(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(b"\xD0\xCF\x11\xE0")
}

/// Converts a sheet of a workbook to CSV with one line per row, so that it is read like other rosters.
/// Returns `None` if the file is not a workbook.
pub(super) fn write_out(
    path: &Path,
    file: &File,
    wanted: Wanted<'_>,
) -> Result<Option<Sheet>, ReadError> {
    let wrong = |trouble: Trouble| trouble.at(path);
    let Some(mut book) = Book::open(file).map_err(wrong)? else {
        return Ok(None);
    };
    let sheets = book.sheets();
    let visible = || sheets.iter().filter(|sheet| !sheet.is_hidden);
    let candidates: Vec<&SheetEntry> = match wanted.sheet {
        None => visible().collect(),
        Some(name) => {
            let is_it = |sheet: &&SheetEntry| sheet.name.trim() == name.trim();
            sheets.iter().find(is_it).into_iter().collect()
        }
    };
    let mut written = None;
    for sheet in candidates {
        let mut kept = None;
        let text = Source::written(|out| {
            let mut rows = Rows::to(out, wanted.skips_hidden);
            book.write(sheet, &mut rows, u32::MAX)?;
            kept = Some(rows.end()?);
            Ok(())
        })
        .map_err(wrong)?;
        let kept = kept.unwrap_or_default();
        let is_empty = kept.is_empty;
        written = Some((sheet, text, kept));
        // A workbook may have empty sheets before the roster.
        if !is_empty {
            break;
        }
    }
    let Some((chosen, text, kept)) = written else {
        let found = names(sheets.iter()).join(", ");
        return Err(match wanted.sheet {
            Some(name) => ReadError::NoSheet {
                path: path.to_owned(),
                sheet: name.to_owned(),
                found,
            },
            None if sheets.is_empty() => wrong(Trouble::Workbook(say().workbook_no_sheets())),
            None => wrong(Trouble::Workbook(say().workbook_only_hidden(found))),
        });
    };
    if kept.is_empty {
        return Err(ReadError::EmptySheet {
            path: path.to_owned(),
            sheet: chosen.name.clone(),
            sheets: names(visible()),
        });
    }
    let mut others = Vec::new();
    for other in visible().filter(|other| wanted.sheet.is_none() && other.place != chosen.place) {
        let mut text = Vec::new();
        let mut rows = Rows::to(&mut text, false);
        // Errors in other sheets do not prevent reading this one.
        if book.write(other, &mut rows, LOOKED_AT).is_ok() && rows.end().is_ok() {
            others.push((other.name.clone(), text));
        }
    }
    Ok(Some(Sheet {
        name: chosen.name.clone(),
        names: names(visible()),
        format: book.format(),
        text,
        marks: Arc::new(kept.marks),
        hidden_rows: kept.hidden_rows,
        skips_hidden: wanted.skips_hidden,
        others,
    }))
}

fn names<'a>(sheets: impl Iterator<Item = &'a SheetEntry>) -> Vec<String> {
    sheets.map(|sheet| sheet.name.clone()).collect()
}

/// The worksheets among the listed sheets.
fn listed(metadata: &[calamine::Sheet]) -> Vec<SheetEntry> {
    let sheets = metadata.iter().enumerate();
    let with_cells = sheets.filter(|(_, sheet)| sheet.typ == SheetType::WorkSheet);
    with_cells
        .map(|(place, sheet)| SheetEntry {
            name: sheet.name.clone(),
            place,
            is_hidden: sheet.visible != SheetVisible::Visible,
        })
        .collect()
}

/// A workbook of any format.
enum Book<'a> {
    Xlsx(Box<NewBook>),
    Xls(Box<Xls<BufReader<&'a File>>>, OldNotes),
    Ods(OpenDocument<'a>),
}

/// A workbook of Office Open XML.
struct NewBook {
    book: Xlsx<BufReader<File>>,
    notes: Vec<SheetNotes>,
    recalculates: bool,
}

impl<'a> Book<'a> {
    /// Opens a workbook after checking how large it would be. Returns `None` if the file is not a workbook.
    fn open(file: &'a File) -> Result<Option<Book<'a>>, Trouble> {
        let Ok(mut archive) = zip::ZipArchive::new(BufReader::new(file)) else {
            return Book::open_old(file);
        };
        if is_opendocument(&mut archive)? {
            refuse_large_archive(&mut archive, |name| name == "content.xml")?;
            refuse_large_parts(&mut archive, None)?;
            return OpenDocument::open(file).map(|book| Some(Book::Ods(book)));
        }
        let has = |name| archive.index_for_name(name).is_some();
        if has("Index/Document.iwa") || has("Index.zip") {
            return Err(Trouble::Kind(Code::KindNumbers));
        }
        let package = match package::look_at(&mut archive)? {
            Some(Office::Workbook(package)) => package,
            Some(Office::Other(kind)) => return Err(Trouble::Kind(kind)),
            None => return Ok(None),
        };
        let book = match package.renamed(&mut archive)? {
            Some(copy) => {
                let copied = zip::ZipArchive::new(BufReader::new(&copy));
                NewBook::open(&copy, &mut copied.map_err(Trouble::of)?, &package)
            }
            None => NewBook::open(file, &mut archive, &package),
        };
        Ok(Some(Book::Xlsx(Box::new(book?))))
    }

    fn open_old(file: &'a File) -> Result<Option<Book<'a>>, Trouble> {
        if let Some(kind) = old_workbook::other_kind(file) {
            return Err(Trouble::Kind(kind));
        }
        if file.metadata()?.len() > MAX_OLD {
            let limit = MAX_OLD / (1024 * 1024);
            return Err(Trouble::Workbook(say().workbook_file_too_large(limit)));
        }
        let notes = old_workbook::look_at(file)?;
        // calamine panics on truncated records.
        let book = std::panic::catch_unwind(|| Xls::new(BufReader::new(file)))
            .map_err(|_| Trouble::Workbook(say().workbook_damaged()))?;
        match book {
            // Only workbooks have sheets.
            Ok(book) if book.sheet_names().is_empty() => Ok(None),
            Ok(book) => Ok(Some(Book::Xls(Box::new(book), notes))),
            Err(calamine::XlsError::Password) => Err(Trouble::Kind(Code::KindPassword)),
            Err(_) => Ok(None),
        }
    }

    fn format(&self) -> FileFormat {
        match self {
            Book::Xlsx(_) => FileFormat::Xlsx,
            Book::Xls(..) => FileFormat::Xls,
            Book::Ods(_) => FileFormat::Ods,
        }
    }

    /// The worksheets.
    fn sheets(&self) -> Vec<SheetEntry> {
        match self {
            Book::Xlsx(book) => listed(book.book.sheets_metadata()),
            Book::Xls(book, _) => listed(book.sheets_metadata()),
            Book::Ods(book) => book.sheets().to_vec(),
        }
    }

    /// Writes the first `most` rows of a sheet.
    fn write<W: Write>(
        &mut self,
        sheet: &SheetEntry,
        rows: &mut Rows<W>,
        most: u32,
    ) -> Result<(), Trouble> {
        match self {
            Book::Xlsx(book) => book.write(sheet, rows, most),
            Book::Xls(book, notes) => {
                let range = book.worksheet_range(&sheet.name).map_err(Trouble::of)?;
                let merged = book.merge_cells_by_sheet_name(&sheet.name);
                for merged in merged.map_err(Trouble::of)? {
                    rows.merges.add(merged.start, merged.end)?;
                }
                notes.write(&range, sheet, rows, most)
            }
            Book::Ods(book) => book.write(sheet, rows, most),
        }
    }
}

impl NewBook {
    fn open(
        file: &File,
        archive: &mut zip::ZipArchive<BufReader<&File>>,
        package: &Package,
    ) -> Result<NewBook, Trouble> {
        refuse_large_archive(archive, |name| package.is_texts(&package::tidy(name)))?;
        let notes = refuse_large_parts(archive, Some(package))?;
        let book = Xlsx::new(BufReader::new(file.try_clone()?)).map_err(Trouble::of)?;
        Ok(NewBook {
            book,
            notes,
            recalculates: package.recalculates,
        })
    }

    fn write<W: Write>(
        &mut self,
        sheet: &SheetEntry,
        rows: &mut Rows<W>,
        most: u32,
    ) -> Result<(), Trouble> {
        let notes = self.notes.get_mut(sheet.place);
        let mut notes = notes.map(std::mem::take).unwrap_or_default();
        rows.hidden = std::mem::take(&mut notes.hidden);
        rows.merges = std::mem::take(&mut notes.merges);
        let cells = self.book.worksheet_cells_reader(&sheet.name);
        let mut cells = cells.map_err(Trouble::of)?;
        let formats = cells.styles().iter().map(|style| {
            let format = NumberFormat::of(&style.number_format.as_ref()?.format_code);
            // A general format can be ignored.
            (!format.is_general()).then_some(format)
        });
        let formats: Vec<Option<NumberFormat>> = formats.collect();
        let all_have_results = notes.all_have_results(self.recalculates);
        while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(Trouble::of)? {
            let (row, column) = cell.get_position();
            if row > most {
                break;
            }
            let shown = if !all_have_results && notes.lacks_result(row, column, self.recalculates) {
                Shown::no_result()
            } else {
                let format = formats.get(style).and_then(Option::as_ref);
                shown(Data::from(cell.get_value().clone()), format)
            };
            rows.put(row, column, shown)?;
        }
        Ok(())
    }
}

/// Refuses an archive whose parts are too large according to its directory.
fn refuse_large_archive(
    archive: &mut zip::ZipArchive<BufReader<&File>>,
    is_shared: impl Fn(&str) -> bool,
) -> Result<(), Trouble> {
    let (mut unpacked, mut shared) = (0u128, 0u64);
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index_raw(index) else {
            continue;
        };
        unpacked += u128::from(entry.size());
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
    Ok(())
}

/// Whether an archive declares itself an OpenDocument spreadsheet (OASIS, Open Document Format 1.2, part 3,
/// section 3.3). Other OpenDocument files are refused.
fn is_opendocument(archive: &mut zip::ZipArchive<BufReader<&File>>) -> Result<bool, Trouble> {
    const TYPE: &[u8] = b"application/vnd.oasis.opendocument.";
    let mut found = Vec::new();
    if let Ok(entry) = archive.by_name("mimetype") {
        // An entry that cannot be unpacked declares nothing.
        let _ = entry.take(TYPE.len() as u64 + 32).read_to_end(&mut found);
    }
    match found.strip_prefix(TYPE) {
        Some(kind) if kind.starts_with(b"spreadsheet") => Ok(true),
        Some(_) => Err(Trouble::Kind(Code::KindOpenDocument)),
        None => Ok(false),
    }
}
