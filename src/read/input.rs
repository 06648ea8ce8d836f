use std::path::{Path, PathBuf};

use encoding_rs::{Encoding, UTF_8};
use serde::{Deserialize, Serialize};

use super::decode::Decode;
use super::dialect::{Dialect, separator_line, sniff_delimiter};
use super::error::ReadError;
use super::header::fold_header;
use super::lines;
use super::look::Look;
use super::mends::Mends;
use super::sheet_rows::DELIMITER;
use super::source::{Origin, Source};
use super::workbook::{Sheet, Wanted, may_be_workbook, write_out};
use crate::model::{FileFormat, RowAt};

/// What the user says of a file, in place of what would be detected.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReadOptions {
    /// The encoding's label, as the WHATWG Encoding Standard lists them.
    pub encoding: Option<String>,
    /// The delimiter.
    pub delimiter: Option<u8>,
    /// The sheet of a workbook, in place of the first.
    pub sheet: Option<String>,
    /// Whether rows that a workbook hides are left out.
    #[serde(default)]
    pub skip_hidden: bool,
    /// The line of the header, as a spreadsheet counts, in place of the first that is one.
    #[serde(default)]
    pub header_row: Option<u64>,
    /// Whether to work on a copy that nobody else can change: for what goes on for hours.
    pub copy: bool,
    /// Who named the file.
    #[serde(default)]
    pub origin: Origin,
    /// Cells that stand in place of the file's own.
    #[serde(default, skip_serializing_if = "Mends::is_empty")]
    pub mends: Mends,
}

/// A roster that can be read as often as needed.
#[derive(Debug)]
pub struct Input {
    pub(super) path: PathBuf,
    pub(super) source: Source,
    /// The sheet that is read, where the file is a workbook.
    pub(super) sheet: Option<Sheet>,
    pub(super) dialect: Dialect,
    pub(super) mark_length: u64,
    pub(super) header: Vec<String>,
    header_line: u64,
    /// Where the rows begin in the decoded text.
    pub(super) body: RowAt,
    pub(super) mends: Mends,
}

/// How much of the decoded text is looked at to find the dialect and the header.
pub(super) const SAMPLE: usize = 256 * 1024;

impl Input {
    /// Opens a roster: finds its encoding by reading all of it once, and its delimiter and header
    /// by its first rows. `-` is standard input.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, is no CSV file, or its encoding is in doubt.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Input, ReadError> {
        let io = |source| ReadError::Io {
            path: path.to_owned(),
            source,
        };
        let source = Source::open(path, options.copy, options.origin)?;
        let forced = forced_encoding(options)?;
        let look = Look::at_start(&source).map_err(io)?;
        if look.start.trim_ascii().is_empty() {
            return Err(ReadError::Empty {
                path: path.to_owned(),
            });
        }
        let mut sheet = None;
        if may_be_workbook(&look.start) {
            let wanted = Wanted {
                sheet: options.sheet.as_deref(),
                skips_hidden: options.skip_hidden,
            };
            sheet = write_out(path, source.file(), wanted)?;
        }
        if sheet.is_none() && options.sheet.is_some() {
            return Err(ReadError::NoWorkbook {
                path: path.to_owned(),
            });
        }
        let (encoding, mark_length) = match &sheet {
            Some(_) => (UTF_8, 0),
            None => look.encoding(&source, path, forced)?,
        };

        let text_source = sheet.as_ref().map_or(&source, |sheet| &sheet.text);
        let mut sample = Vec::new();
        let ended = Decode::new(text_source.reader(mark_length), encoding)
            .fill(&mut sample, SAMPLE)
            .map_err(io)?;
        let separator = separator_line(&sample);
        let skipped = separator.map_or(0, |(_, length)| length);
        let whole = if ended {
            sample.len()
        } else {
            whole_lines(&sample)
        };
        let seen = sample.get(skipped..).unwrap_or_default();
        let text = sample.get(skipped..whole.max(skipped)).unwrap_or_default();
        let delimiter = sheet
            .as_ref()
            .map(|_| DELIMITER)
            .or(options.delimiter)
            .or(separator.map(|(delimiter, _)| delimiter));
        // What stands above a header that was named says nothing of what is below it.
        let above = match options.header_row {
            Some(line) => Some(above_line(path, text, line)?),
            None => None,
        };
        let below = text.get(above.unwrap_or(0)..).unwrap_or_default();
        let delimiter = delimiter.unwrap_or_else(|| sniff_delimiter(below));
        let mut input = Input {
            path: path.to_owned(),
            source,
            dialect: Dialect {
                encoding,
                // What comes out of a workbook is opened in a spreadsheet again.
                mark: mark_length > 0 || sheet.is_some(),
                delimiter,
                crlf: text.windows(2).any(|pair| pair == b"\r\n"),
            },
            sheet,
            mark_length,
            header: Vec::new(),
            header_line: 1,
            body: RowAt {
                row: 1,
                line: 1,
                sheet_row: 1,
                offset: 0,
            },
            mends: options.mends.clone(),
        };
        let above = above.unwrap_or_else(|| above_header(text, delimiter));
        input.read_header(seen, skipped, above)?;
        // The rows below may be longer than the sample.
        if !ended && input.body.offset >= sample.len() as u64 {
            return Err(ReadError::HeaderTooLong {
                path: path.to_owned(),
                most: SAMPLE,
            });
        }
        Ok(input)
    }

    /// Has these cells stand in place of the file's own from now on, and no others.
    pub fn mend(&mut self, mends: Mends) {
        self.mends = mends;
    }

    /// The cells that stand in place of the file's own.
    pub fn mends(&self) -> &Mends {
        &self.mends
    }

    fn read_header(&mut self, text: &[u8], skipped: usize, above: usize) -> Result<(), ReadError> {
        let breaks_of = |record: &csv::ByteRecord| -> u64 {
            record
                .iter()
                .map(|cell| lines::count(cell, 0, cell.len()))
                .sum()
        };
        let mut breaks = 0;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.dialect.delimiter)
            .from_reader(text);
        let mut header = csv::ByteRecord::new();
        // The reader stands before the second half of a line's end.
        let is_above = |reader: &csv::Reader<&[u8]>| {
            let at = usize::try_from(reader.position().byte()).unwrap_or(text.len());
            let rest = text.get(at..above).unwrap_or_default();
            rest.iter().any(|byte| !matches!(byte, b'\n' | b'\r'))
        };
        while is_above(&reader) {
            if !reader.read_byte_record(&mut header).unwrap_or(false) {
                break;
            }
            breaks += breaks_of(&header);
        }
        let above = usize::try_from(reader.position().byte()).unwrap_or(text.len());
        let found = reader.read_byte_record(&mut header).unwrap_or(false);
        if !found || header.iter().all(|cell| cell.trim_ascii().is_empty()) {
            return Err(ReadError::Empty {
                path: self.path.clone(),
            });
        }
        for (index, cell) in header.iter().enumerate() {
            let name = std::str::from_utf8(cell).map_err(|_| ReadError::UndecodableHeader {
                path: self.path.clone(),
                column: index + 1,
                encoding: self.dialect.encoding.name(),
            })?;
            self.header.push(name.to_owned());
        }
        let end = usize::try_from(reader.position().byte()).unwrap_or(text.len());
        let lines_before = u64::from(skipped > 0);
        let leading = above
            + text[above.min(text.len())..]
                .iter()
                .take_while(|byte| matches!(byte, b'\n' | b'\r'))
                .count();
        // A spreadsheet does not show the line that names the delimiter.
        self.header_line = sheet_row(lines::count(text, 0, leading), breaks);
        let lines = lines::count(text, 0, end.min(text.len()));
        self.body = RowAt {
            row: 1,
            line: 1 + lines_before + lines,
            sheet_row: sheet_row(lines, breaks + breaks_of(&header)),
            offset: (skipped + end) as u64,
        };
        self.refuse_duplicate_headers()
    }

    fn refuse_duplicate_headers(&self) -> Result<(), ReadError> {
        let mut seen = std::collections::HashMap::new();
        for (index, name) in self.header.iter().enumerate() {
            let folded = fold_header(name);
            if folded.is_empty() {
                continue;
            }
            if let Some(first) = seen.insert(folded, index) {
                return Err(ReadError::DuplicateHeader {
                    path: self.path.clone(),
                    name: name.trim().to_owned(),
                    first: first + 1,
                    second: index + 1,
                });
            }
        }
        Ok(())
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its encoding and delimiter.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What kind of file it is, for a person: its encoding and delimiter, or its sheet.
    pub fn description(&self) -> String {
        match &self.sheet {
            Some(sheet) => sheet.description(),
            None => self.dialect.to_string(),
        }
    }

    /// What kind of file it is, without the name of its sheet.
    pub fn format(&self) -> FileFormat {
        let sheet = self.sheet.as_ref();
        sheet.map_or_else(|| self.dialect.format(), Sheet::format)
    }

    /// The name of the sheet that is read; none where the file is no workbook.
    pub fn sheet_name(&self) -> Option<&str> {
        self.sheet.as_ref().map(|sheet| sheet.name.as_str())
    }

    /// The headers of the workbook's other visible sheets that have rows, where no sheet was named.
    pub fn other_sheets(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        let others = self.sheet.iter().flat_map(|sheet| &sheet.others);
        others.filter_map(|(name, text)| Some((&**name, header_of(text)?)))
    }

    /// Rows that the workbook hides: read, or left out where that was asked for.
    pub fn hidden_rows(&self) -> u64 {
        self.sheet.as_ref().map_or(0, |sheet| sheet.hidden_rows)
    }

    /// Whether these are left out.
    pub fn skips_hidden(&self) -> bool {
        self.sheet.as_ref().is_some_and(|sheet| sheet.skips_hidden)
    }

    /// The visible sheets of a workbook; none where the file is no workbook.
    pub fn sheets(&self) -> &[String] {
        self.sheet.as_ref().map_or(&[], |sheet| &sheet.names)
    }

    /// The header's cells, as they stand in the file.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The number that a spreadsheet shows beside the header.
    pub fn header_line(&self) -> u64 {
        self.header_line
    }

    /// Bytes of what is read: the file, or the text that its sheet was written out as.
    pub fn size(&self) -> u64 {
        let sheet = self.sheet.as_ref().map(|sheet| &sheet.text);
        sheet.unwrap_or(&self.source).size()
    }

    /// Its bytes, as they were read and not as they are now.
    ///
    /// # Errors
    /// When it can no longer be read.
    pub fn content(&self) -> Result<Vec<u8>, ReadError> {
        self.source.content().map_err(|source| ReadError::Io {
            path: self.path.clone(),
            source,
        })
    }

    /// SHA-256 of its bytes, in hexadecimal.
    ///
    /// # Errors
    /// When it can no longer be read.
    pub fn sha256(&self) -> Result<&str, ReadError> {
        self.source.sha256().map_err(|source| ReadError::Io {
            path: self.path.clone(),
            source,
        })
    }
}

fn forced_encoding(options: &ReadOptions) -> Result<Option<&'static Encoding>, ReadError> {
    let Some(label) = &options.encoding else {
        return Ok(None);
    };
    match Encoding::for_label(label.as_bytes()) {
        Some(encoding) => Ok(Some(encoding)),
        None => Err(ReadError::NoSuchEncoding {
            label: label.clone(),
        }),
    }
}

fn whole_lines(sample: &[u8]) -> usize {
    memchr::memrchr2(b'\n', b'\r', sample).map_or(sample.len(), |at| at + 1)
}

/// The number that a spreadsheet shows beside the row before which so many lines end, of them these within cells.
fn sheet_row(line_ends: u64, breaks: u64) -> u64 {
    1 + line_ends - breaks.min(line_ends)
}

/// Bytes above the row that a spreadsheet counts as this one.
fn above_line(path: &Path, text: &[u8], line: u64) -> Result<usize, ReadError> {
    let starts: Vec<usize> = std::iter::once(0).chain(row_ends(text)).collect();
    let wanted = usize::try_from(line).unwrap_or(usize::MAX);
    let start = wanted.checked_sub(1).and_then(|index| starts.get(index));
    let found = start.copied().filter(|start| *start < text.len());
    found.ok_or_else(|| ReadError::NoHeaderRow {
        path: path.to_owned(),
        line,
        lines: starts.iter().filter(|start| **start < text.len()).count() as u64,
    })
}

/// Where rows end, as a spreadsheet counts them: behind each line end that is not between quotes. A quote opens a
/// cell only where that begins; between which signs that is may not be known yet.
fn row_ends(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let (mut is_quoted, mut begins) = (false, true);
    text.iter().enumerate().filter_map(move |(at, byte)| {
        let begun = std::mem::replace(&mut begins, false);
        match byte {
            // Two quotes within a quoted cell close it and open it again.
            b'"' if is_quoted => (is_quoted, begins) = (false, true),
            b'"' if begun => is_quoted = true,
            _ if is_quoted => {}
            b'\r' if text.get(at + 1) == Some(&b'\n') => {}
            b'\n' | b'\r' => {
                begins = true;
                return Some(at + 1);
            }
            b';' | b',' | b'\t' | b'|' => begins = true,
            _ => {}
        }
        None
    })
}

/// The header of a sheet that begins with this text; nothing where it has no rows.
fn header_of(text: &[u8]) -> Option<Vec<String>> {
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(DELIMITER)
        .from_reader(text.get(above_header(text, DELIMITER)..)?)
        .into_records()
        .filter_map(Result::ok)
        .filter(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    let header = rows.next()?;
    rows.next()?;
    Some(header.iter().map(str::to_owned).collect())
}

/// Bytes above the header: lines without a word in them, and a title. A title stands alone on its line,
/// and what it is the title of has several columns.
fn above_header(text: &[u8], delimiter: u8) -> usize {
    const LINES: usize = 10;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text);
    let mut record = csv::ByteRecord::new();
    let (mut above, mut first, mut titles) = (0, None, 0);
    while titles <= LINES && reader.read_byte_record(&mut record).unwrap_or(false) {
        let filled = record.iter().filter(|cell| !cell.trim_ascii().is_empty());
        match filled.count() {
            0 => {}
            1 => {
                first.get_or_insert(above);
                titles += 1;
            }
            // Below a header of one column, a line with a stray cell is none.
            2 if first.is_some() => break,
            _ => return above,
        }
        above = usize::try_from(reader.position().byte()).unwrap_or(text.len());
    }
    first.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of a file: its cells, or nothing.
    fn row() -> impl proptest::strategy::Strategy<Value = Option<Vec<String>>> {
        proptest::option::weighted(
            0.8,
            proptest::collection::vec("[a-zå ]{1,4}([\n\"][a-z]{0,2}){0,2}", 3),
        )
    }

    /// The row as CSV: with quotes where it needs them.
    fn written(row: Option<&[String]>) -> String {
        let cells = row.unwrap_or_default().iter();
        let quoted = cells.map(|cell| match cell.contains(['\n', ';', '"']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        });
        quoted.collect::<Vec<_>>().join(";")
    }

    fn numbers(input: &Input) -> Vec<(u64, String)> {
        let mut found = Vec::new();
        input
            .scan(
                |table| {
                    let place = |row: crate::read::RawRow<'_>| {
                        let cell = row.cell(1).map_or(&[][..], crate::read::Cell::bytes);
                        (row.at.sheet_row, String::from_utf8_lossy(cell).into_owned())
                    };
                    table.rows().map(place).collect::<Vec<_>>()
                },
                |some| {
                    found.extend(some);
                    Ok::<bool, ReadError>(true)
                },
            )
            .unwrap();
        found
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]
        /// Each row has the number that a spreadsheet shows beside it, whatever stands above the header and in cells,
        /// in a CSV file and in a workbook.
        #[test]
        fn rows_have_the_numbers_that_a_spreadsheet_shows(
            titles in proptest::collection::vec(proptest::option::of("[a-z]{1,3}(\n[a-z]{1,2})?"), 0..4),
            header_break in proptest::bool::ANY,
            rows in proptest::collection::vec(row(), 1..12),
            crlf in proptest::bool::ANY,
            names_delimiter in proptest::bool::ANY,
        ) {
            let header = ["id", if header_break { "för\nnamn" } else { "namn" }, "ort"].map(String::from).to_vec();
            let titles = titles.into_iter().map(|title| title.map(|title| vec![title]));
            let all: Vec<Option<Vec<String>>> = titles.chain([Some(header)]).chain(rows.clone()).collect();
            let header_at = all.len() - rows.len();
            let expected: Vec<(u64, String)> = (1..)
                .zip(&all)
                .skip(header_at)
                .filter_map(|(number, row)| Some((number, row.as_ref()?.get(1)?.clone())))
                .collect();
            let end = if crlf { "\r\n" } else { "\n" };
            let lines: Vec<String> = all.iter().map(|row| written(row.as_deref())).collect();
            let mut text = lines.join(end) + end;
            if names_delimiter {
                text = format!("sep=;{end}{text}");
            }
            let folder = tempfile::tempdir().unwrap();
            let csv = folder.path().join("r.csv");
            std::fs::write(&csv, text).unwrap();
            let book = folder.path().join("r.xlsx");
            let mut workbook = rust_xlsxwriter::Workbook::new();
            let sheet = workbook.add_worksheet();
            for (number, row) in (0..).zip(&all) {
                for (column, cell) in (0..).zip(row.iter().flatten()) {
                    sheet.write_string(number, column, cell).unwrap();
                }
            }
            workbook.save(&book).unwrap();
            for path in [csv, book] {
                for header_row in [None, Some(header_at as u64)] {
                    let options = ReadOptions { header_row, ..ReadOptions::default() };
                    let input = Input::open(&path, &options).unwrap();
                    proptest::prop_assert_eq!(input.header_line(), header_at as u64);
                    proptest::prop_assert_eq!(numbers(&input), expected.clone());
                }
            }
        }
    }
}
