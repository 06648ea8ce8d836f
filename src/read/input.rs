//! Opens a roster for reading.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::charset::Charset;
use super::decode::Decode;
use super::dialect::{Dialect, FileDescription, separator_line, sniff_delimiter};
use super::error::ReadError;
use super::flaws::Likeness;
use super::header::fold_header;
use super::lines;
use super::look::Look;
use super::mends::Mends;
use super::sheet_rows::DELIMITER;
use super::source::{Origin, Source};
use super::split::Record;
use super::table::{Shape, Table};
use super::withhold::Withholding;
use super::workbook::{Sheet, Wanted, may_be_workbook, write_out};
use crate::model::{FileFormat, RowAt};

/// The user's options for a file, which override detection.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReadOptions {
    /// The encoding's label.
    pub encoding: Option<String>,
    /// The delimiter.
    pub delimiter: Option<u8>,
    /// The sheet of a workbook. The default is the first one with rows.
    pub sheet: Option<String>,
    /// Whether hidden rows of a workbook are excluded.
    #[serde(default)]
    pub skip_hidden: bool,
    /// The spreadsheet row number of the header. By default it is detected.
    #[serde(default)]
    pub header_row: Option<u64>,
    /// Whether to read from a private copy, for commands that run for hours.
    pub copy: bool,
    /// The origin of the file name.
    #[serde(default)]
    pub origin: Origin,
    /// Edited cells that replace those of the file.
    #[serde(default, skip_serializing_if = "Mends::is_empty")]
    pub mends: Mends,
}

/// A roster that can be read repeatedly.
#[derive(Debug)]
pub struct Input {
    pub(super) path: PathBuf,
    pub(super) source: Source,
    /// The sheet that is read, if the file is a workbook.
    pub(super) sheet: Option<Sheet>,
    pub(super) dialect: Dialect,
    pub(super) mark_length: u64,
    pub(super) header: Vec<String>,
    header_line: u64,
    /// Whether there is text above the header, which is skipped.
    has_title: bool,
    pub(super) likeness: Likeness,
    /// The position of the first row in the decoded text.
    pub(super) body: RowAt,
    pub(super) mends: Mends,
    pub(super) withholding: Withholding,
}

/// The number of decoded bytes in which the dialect and the header are searched.
pub(super) const SAMPLE: usize = 256 * 1024;

impl Input {
    /// Opens a roster. The encoding is detected from the whole file, the delimiter and header from its first
    /// rows. `-` is standard input. Fails if the file is empty or not a roster, or if its encoding is
    /// ambiguous.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Input, ReadError> {
        let io = ReadError::io(path);
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
            Some(_) => (Charset::UTF_8, 0),
            None => look.encoding(&source, path, forced)?,
        };

        let text_source = sheet.as_ref().map_or(&source, |sheet| &sheet.text);
        let mut sample = Vec::new();
        let ended = Decode::new(text_source.reader(mark_length), encoding)
            .fill(&mut sample, SAMPLE)
            .map_err(io)?;
        let typed = type_line(&sample);
        let separator = separator_line(sample.get(typed..).unwrap_or_default());
        let skipped = typed + separator.map_or(0, |(_, length)| length);
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
        // Lines above an explicitly specified header do not affect the format below it.
        let above = match options.header_row {
            Some(line) => Some(above_line(
                path,
                text,
                line.saturating_sub(u64::from(typed > 0)).max(1),
            )?),
            None => None,
        };
        let below = text.get(above.unwrap_or(0)..).unwrap_or_default();
        let delimiter = delimiter.unwrap_or_else(|| sniff_delimiter(below));
        let mut input = Input {
            path: path.to_owned(),
            source,
            dialect: Dialect {
                encoding,
                // Results of a workbook are usually opened in a spreadsheet again.
                mark: mark_length > 0 || sheet.is_some(),
                delimiter,
                crlf: text.windows(2).any(|pair| pair == b"\r\n"),
            },
            sheet,
            mark_length,
            header: Vec::new(),
            header_line: 1,
            has_title: typed > 0,
            likeness: Likeness::default(),
            body: RowAt::FIRST,
            mends: options.mends.clone(),
            withholding: Withholding::default(),
        };
        let above = above.unwrap_or_else(|| above_header(text, delimiter));
        let skipped = sample.get(..skipped).unwrap_or_default();
        input.read_header(seen, (skipped, u64::from(typed > 0)), above)?;
        let begins = usize::try_from(input.body.offset).unwrap_or(whole);
        let first = sample.get(begins..whole.max(begins)).unwrap_or_default();
        let shape = Shape::below(&input.header, delimiter);
        input.likeness = Likeness::of(&Table::parse(first.to_vec(), &shape));
        // The rows may be longer than the sample.
        if !ended && input.body.offset >= sample.len() as u64 {
            return Err(ReadError::HeaderTooLong {
                path: path.to_owned(),
                most: SAMPLE,
            });
        }
        Ok(input)
    }

    /// Replaces the edited cells for all further reading.
    pub fn mend(&mut self, mends: Mends) {
        self.mends = mends;
    }

    /// Sets the rows whose cells are emptied in all further reading.
    pub fn withhold(&mut self, what: Withholding) {
        self.withholding = what;
    }

    /// The rows whose cells are emptied.
    pub fn withholding(&self) -> &Withholding {
        &self.withholding
    }

    /// The edited cells.
    pub fn mends(&self) -> &Mends {
        &self.mends
    }

    /// Reads the header below the first `above` bytes of `text`. `skipped` are the lines before the text, of
    /// which a spreadsheet shows `shown`.
    fn read_header(
        &mut self,
        text: &[u8],
        (skipped, shown): (&[u8], u64),
        above: usize,
    ) -> Result<(), ReadError> {
        let is_end = |byte: &&u8| matches!(byte, b'\n' | b'\r');
        let ends = |from: usize| {
            text[from.min(text.len())..]
                .iter()
                .take_while(is_end)
                .count()
        };
        let start = above + ends(above);
        let mut header = Record::default();
        let (mut breaks, mut at) = (0, 0);
        while at < start.min(text.len()) {
            header.read(text, at, self.dialect.delimiter);
            breaks += breaks_of(&header);
            at = header.end;
        }
        header.read(text, start.min(text.len()), self.dialect.delimiter);
        if header.cells().all(|cell| cell.trim_ascii().is_empty()) {
            return Err(ReadError::Empty {
                path: self.path.clone(),
            });
        }
        for (index, cell) in header.cells().enumerate() {
            let name = std::str::from_utf8(cell).map_err(|_| ReadError::UndecodableHeader {
                path: self.path.clone(),
                column: index + 1,
                encoding: self.dialect.encoding.name(),
            })?;
            self.header.push(name.to_owned());
        }
        let lines_above = lines::count(text, 0, start.min(text.len()));
        // A spreadsheet does not show the line that specifies the delimiter.
        self.header_line = shown + sheet_row(lines_above, breaks);
        self.has_title |= !text[..start.min(text.len())].trim_ascii().is_empty();
        let lines = lines::count(text, 0, header.end.min(text.len()));
        self.body = RowAt {
            row: 1,
            line: 1 + lines::count(skipped, 0, skipped.len()) + lines,
            sheet_row: shown + sheet_row(lines, breaks + breaks_of(&header)),
            offset: (skipped.len() + header.end) as u64,
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

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The encoding and delimiter.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The format of the file for the user.
    pub fn description(&self) -> FileDescription {
        FileDescription {
            format: self.format(),
            sheet: self.sheet_name().map(str::to_owned),
            header_on: self.has_title.then_some(self.header_line),
        }
    }

    /// The format of the file, without the sheet's name.
    pub fn format(&self) -> FileFormat {
        let sheet = self.sheet.as_ref();
        sheet.map_or_else(|| self.dialect.format(), |sheet| sheet.format)
    }

    /// The name of the sheet, if the file is a workbook.
    pub fn sheet_name(&self) -> Option<&str> {
        self.sheet.as_ref().map(|sheet| sheet.name.as_str())
    }

    /// The headers of the other visible sheets with rows, unless a sheet was specified.
    pub fn other_sheets(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        let others = self.sheet.iter().flat_map(|sheet| &sheet.others);
        others.filter_map(|(name, text)| Some((&**name, header_of(text)?)))
    }

    /// The number of hidden rows in the workbook.
    pub fn hidden_rows(&self) -> u64 {
        self.sheet.as_ref().map_or(0, |sheet| sheet.hidden_rows)
    }

    /// Whether hidden rows are excluded.
    pub fn skips_hidden(&self) -> bool {
        self.sheet.as_ref().is_some_and(|sheet| sheet.skips_hidden)
    }

    /// The visible sheets of a workbook; empty for other files.
    pub fn sheets(&self) -> &[String] {
        self.sheet.as_ref().map_or(&[], |sheet| &sheet.names)
    }

    /// The header's cells, unchanged.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The spreadsheet row number of the header.
    pub fn header_line(&self) -> u64 {
        self.header_line
    }

    /// The size in bytes of the file, or of the CSV text of its sheet.
    pub fn size(&self) -> u64 {
        self.text_source().size()
    }

    /// The file, or the CSV text of its sheet.
    pub(super) fn text_source(&self) -> &Source {
        let sheet = self.sheet.as_ref();
        sheet.map_or(&self.source, |sheet| &sheet.text)
    }

    /// The bytes of the file as it was opened.
    pub fn content(&self) -> Result<Vec<u8>, ReadError> {
        self.source.content().map_err(ReadError::io(&self.path))
    }

    /// The SHA-256 of the file, in hexadecimal.
    pub fn sha256(&self) -> Result<&str, ReadError> {
        self.source.sha256().map_err(ReadError::io(&self.path))
    }
}

fn forced_encoding(options: &ReadOptions) -> Result<Option<Charset>, ReadError> {
    let Some(label) = &options.encoding else {
        return Ok(None);
    };
    match Charset::for_label(label) {
        Some(charset) => Ok(Some(charset)),
        None => Err(ReadError::NoSuchEncoding {
            label: label.clone(),
        }),
    }
}

fn whole_lines(sample: &[u8]) -> usize {
    memchr::memrchr2(b'\n', b'\r', sample).map_or(sample.len(), |at| at + 1)
}

/// The spreadsheet row number of the row after `line_ends` line endings, of which `breaks` are within cells.
fn sheet_row(line_ends: u64, breaks: u64) -> u64 {
    1 + line_ends - breaks.min(line_ends)
}

/// The number of bytes above the row with this spreadsheet row number.
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

/// The positions at which spreadsheet rows end: after each unquoted line ending. A quotation mark opens a
/// cell only at its beginning. The delimiter may not be known yet.
fn row_ends(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let (mut is_quoted, mut begins) = (false, true);
    text.iter().enumerate().filter_map(move |(at, byte)| {
        let begun = std::mem::replace(&mut begins, false);
        match byte {
            // Two quotation marks within a quoted cell close and reopen it.
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

/// The header of a sheet that begins with this text. Returns `None` if the sheet has no rows.
fn header_of(text: &[u8]) -> Option<Vec<String>> {
    let mut record = Record::default();
    let (mut at, mut header) = (above_header(text, DELIMITER), None);
    while at < text.len() {
        record.read(text, at, DELIMITER);
        at = record.end;
        if filled(&record).is_empty() {
            continue;
        }
        if header.is_some() {
            return header;
        }
        let names = record.cells().map(String::from_utf8_lossy);
        header = Some(names.map(Into::into).collect());
    }
    None
}

/// The number of bytes above the header: blank lines, a title, and a row of column groups. A title is a
/// single cell above a header with several columns.
fn above_header(text: &[u8], delimiter: u8) -> usize {
    const LINES: usize = 10;
    let mut record = Record::default();
    let (mut above, mut first, mut titles) = (0, None, 0);
    while titles <= LINES && above < text.len() {
        record.read(text, above, delimiter);
        let filled = filled(&record);
        let is_filled = |cell: &[u8]| !cell.trim_ascii().is_empty();
        let reach = record.cells().collect::<Vec<_>>();
        let reach = reach.iter().rposition(|cell| is_filled(cell));
        let has_gap = reach.is_some_and(|last| last + 1 > filled.len());
        match filled.len() {
            0 => {}
            1 => {
                first.get_or_insert(above);
                titles += 1;
            }
            // Below a header with one column, a line with a surplus cell is not the header.
            2 if first.is_some()
                && !names_groups((&filled, has_gap), text, record.end, delimiter) =>
            {
                break;
            }
            _ if names_groups((&filled, has_gap), text, record.end, delimiter) => {
                first = None;
                titles += 1;
            }
            _ => return above,
        }
        above = record.end;
    }
    first.unwrap_or(0)
}

/// The number of line endings within the cells of a row.
fn breaks_of(record: &Record) -> u64 {
    let breaks = record.cells().map(|cell| lines::count(cell, 0, cell.len()));
    breaks.sum()
}

/// The non-empty cells of a row.
fn filled(record: &Record) -> Vec<String> {
    let text = |cell: &[u8]| String::from_utf8_lossy(cell).trim().to_owned();
    let cells = record.cells().map(text);
    cells.filter(|cell| !cell.is_empty()).collect()
}

/// Whether a row names groups of columns: it has few cells, gaps between them or repeated cells, and the row
/// below has more columns with distinct names.
fn names_groups(
    (groups, has_gap): (&[String], bool),
    text: &[u8],
    below: usize,
    delimiter: u8,
) -> bool {
    let mut record = Record::default();
    let mut at = below;
    let names = loop {
        if at >= text.len() {
            return false;
        }
        record.read(text, at, delimiter);
        at = record.end;
        let names = filled(&record);
        if !names.is_empty() {
            break names;
        }
    };
    let different = |cells: &[String]| {
        let folded: std::collections::BTreeSet<String> =
            cells.iter().map(|cell| fold_header(cell)).collect();
        folded.len()
    };
    let (own, other) = (different(groups), different(&names));
    let repeats = own < groups.len();
    // Column names have letters and at most two digits.
    let is_name = |name: &String| {
        let digits = name.chars().filter(|c| c.is_numeric()).count();
        name.contains(char::is_alphabetic) && digits < 3 && !name.contains('@')
    };
    other == names.len()
        && names.iter().all(is_name)
        && (own * 2 <= other || (repeats || has_gap) && own < other)
}

/// The number of bytes of the `#TYPE` line that PowerShell's `Export-Csv` writes above the header, including
/// its line ending.
fn type_line(text: &[u8]) -> usize {
    if !text.starts_with(b"#TYPE ") {
        return 0;
    }
    let end = memchr::memchr2(b'\n', b'\r', text).unwrap_or(text.len());
    end + match &text[end..] {
        [b'\r', b'\n', ..] => 2,
        [] => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::strategy::Strategy;

    /// A row of a file, a row of blanks, or an empty line.
    fn row() -> impl proptest::strategy::Strategy<Value = Option<Vec<String>>> {
        let cell = || {
            proptest::prop_oneof![
                6 => "[a-zå ]{1,4}([\n\"][a-z]{0,2}){0,2}",
                1 => "[ \t\u{A0}]{1,2}\n?",
            ]
        };
        let blank = || "[ \t\u{A0}\u{200B}]{1,2}\n?";
        proptest::prop_oneof![
            6 => proptest::collection::vec(cell(), 3).prop_map(Some),
            1 => proptest::collection::vec(blank(), 3).prop_map(Some),
            1 => proptest::strategy::Just(None),
        ]
    }

    /// The row as CSV, with quotation marks where necessary.
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
        /// Each row has its spreadsheet row number, in a CSV file and in a workbook, regardless of titles and
        /// line breaks within cells.
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
                .filter_map(|(number, row)| Some((number, row.as_ref()?)))
                .filter(|(_, row)| !row.concat().chars().all(crate::read::is_blank_char))
                .map(|(number, row)| (number, row[1].clone()))
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

    fn open(text: &[u8], header_row: Option<u64>) -> Result<Input, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.csv");
        std::fs::write(&path, text).unwrap();
        let options = ReadOptions {
            header_row,
            ..ReadOptions::default()
        };
        Input::open(&path, &options)
    }

    #[test]
    fn the_header_is_found_below_titles_and_column_groups() {
        for (text, line, shown) in [
            ("id;Namn\n1;A\n", 1, 2),
            ("Elever 2026\n\nid;Namn;Ort\n1;A;B\n", 3, 4),
            (
                "Elev;;Adress;;Kontakt\nid;Namn;Gata;Ort;E-post\n1;A;B;C;D\n",
                2,
                3,
            ),
            ("Elev;Elev;Adress;Adress\nid;Namn;Gata;Ort\n1;A;B;C\n", 2, 3),
            ("Lista\nElev;;Adress;\nid;Namn;Gata;Ort\n1;A;B;C\n", 3, 4),
            (
                "#TYPE Selected.ADUser\r\n\"id\",\"Namn\"\r\n\"1\",\"A\"\r\n",
                2,
                3,
            ),
            ("sep=;\nid;Namn\n1;A\n", 1, 2),
            ("id, \"Namn\"\n1, \"A\"\n", 1, 2),
            ("Elev;;Adress;\rid;Namn;Gata;Ort\r1;A;B;C\r", 2, 3),
            // A header may lack names for some columns.
            ("id;Namn;;\n1;A;0701;a@b.se\n", 1, 2),
        ] {
            let input = open(text.as_bytes(), None).unwrap();
            let names: Vec<&str> = input.header().iter().map(String::as_str).collect();
            assert_eq!(names[0..2].join("|").replace('"', ""), "id|Namn", "{text}");
            assert_eq!(
                (input.header_line(), input.body.sheet_row),
                (line, shown),
                "{text}"
            );
            assert_eq!(
                input.description().to_string().contains("header on line"),
                line > 1
            );
        }
        assert_eq!(
            open(b"x;y\rid;n\r1;2\r", Some(2)).unwrap().header()[0],
            "id"
        );
        assert_eq!(
            open(b"#TYPE x\nid;n\n1;2\n", Some(2)).unwrap().header()[0],
            "id"
        );
    }

    #[test]
    fn blank_rows_do_not_count() {
        let input = open(
            "id;n\n1;A\n \u{A0};\u{3000}\n\t;\n\u{FEFF}2;B\n\u{1A}".as_bytes(),
            None,
        )
        .unwrap();
        let mut seen = (0, 0);
        let count = |table: &Table| (table.len(), table.empty_rows());
        let add = |(rows, empty): (usize, u64)| {
            seen = (seen.0 + rows, seen.1 + empty);
            Ok::<bool, ReadError>(true)
        };
        input.scan(count, add).unwrap();
        assert_eq!(seen, (2, 3));
    }
}
