use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use encoding_rs::{Encoding, UTF_8};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::blocks::{Block, BlockError, Blocks, MAX_ROW};
use super::decode::Decode;
use super::dialect::{Dialect, separator_line, sniff_delimiter};
use super::error::ReadError;
use super::header::fold_header;
use super::lines;
use super::look::Look;
use super::source::{Source, SourceReader};
use super::table::{Shape, Table};
use super::workbook::{DELIMITER, Sheet, may_be_workbook, write_out};
use crate::model::RowAt;

/// What the user says of a file, in place of what would be detected.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReadOptions {
    /// The encoding's label, as the WHATWG Encoding Standard lists them.
    pub encoding: Option<String>,
    /// The delimiter.
    pub delimiter: Option<u8>,
    /// The sheet of a workbook, in place of the first.
    pub sheet: Option<String>,
    /// Whether to work on a copy that nobody else can change: for what goes on for hours.
    pub copy: bool,
}

/// A roster that can be read as often as needed.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    source: Source,
    /// The sheet that is read, where the file is a workbook.
    sheet: Option<Sheet>,
    dialect: Dialect,
    mark_length: u64,
    header: Vec<String>,
    header_line: u64,
    /// Where the rows begin in the decoded text.
    body: RowAt,
}

/// How much of the decoded text is looked at to find the dialect and the header.
const SAMPLE: usize = 256 * 1024;

/// Blocks that are parsed side by side; what bounds memory.
const BATCH: usize = 48;

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
        let source = Source::open(path, options.copy).map_err(io)?;
        let forced = forced_encoding(options)?;
        let look = Look::at_start(&source).map_err(io)?;
        if look.start.trim_ascii().is_empty() {
            return Err(ReadError::Empty {
                path: path.to_owned(),
            });
        }
        let mut sheet = None;
        if may_be_workbook(&look.start) {
            sheet = write_out(path, source.file(), options.sheet.as_deref())?;
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
        let text = sample.get(skipped..whole.max(skipped)).unwrap_or_default();
        let delimiter = sheet
            .as_ref()
            .map(|_| DELIMITER)
            .or(options.delimiter)
            .or(separator.map(|(delimiter, _)| delimiter))
            .unwrap_or_else(|| sniff_delimiter(text));
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
                offset: 0,
            },
        };
        input.read_header(text, skipped)?;
        Ok(input)
    }

    fn read_header(&mut self, text: &[u8], skipped: usize) -> Result<(), ReadError> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.dialect.delimiter)
            .from_reader(text);
        let mut header = csv::ByteRecord::new();
        // What stands above the header without a word in it is no header.
        let mut above = 0;
        loop {
            let found = reader.read_byte_record(&mut header).unwrap_or(false);
            if !found {
                return Err(ReadError::Empty {
                    path: self.path.clone(),
                });
            }
            if header.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                break;
            }
            above = usize::try_from(reader.position().byte()).unwrap_or(text.len());
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
        self.header_line = 1 + lines_before + lines::count(text, 0, leading);
        self.body = RowAt {
            row: 1,
            line: 1 + lines_before + lines::count(text, 0, end.min(text.len())),
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
            Some(sheet) => format!("Excel workbook, sheet \"{}\"", sheet.name),
            None => self.dialect.to_string(),
        }
    }

    /// The header's cells, as they stand in the file.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The line on which the header stands, from 1.
    pub fn header_line(&self) -> u64 {
        self.header_line
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

    /// Parses all rows, in parallel, and hands `map`'s result for each stretch of rows to `fold`,
    /// in the file's order. `fold` returns whether to go on.
    ///
    /// # Errors
    /// When the file cannot be read on, has changed its size since it was opened, or has a quote
    /// that swallows rows; and whatever error `fold` gives.
    pub fn scan<T, E>(
        &self,
        map: impl Fn(&Table) -> T + Sync,
        mut fold: impl FnMut(T) -> Result<bool, E>,
    ) -> Result<(), E>
    where
        T: Send,
        E: From<ReadError>,
    {
        let io = |source| ReadError::Io {
            path: self.path.clone(),
            source,
        };
        if self.source.has_changed().map_err(io)? {
            return Err(ReadError::Changed {
                path: self.path.clone(),
            }
            .into());
        }
        let mut text = self.text();
        skip(&mut text, self.body.offset).map_err(io)?;
        let blocks = Blocks::new(text, self.dialect.delimiter, self.body.offset);

        let shape = Shape::new(self.dialect.delimiter, self.header.len());
        let mut next = self.body;
        std::thread::scope(|scope| {
            // One batch is cut while another is worked on.
            let (sender, receiver) = mpsc::sync_channel(1);
            scope.spawn(move || {
                let mut blocks = blocks;
                loop {
                    let batch: Vec<_> = blocks.by_ref().take(BATCH).collect();
                    let last = batch.len() < BATCH || batch.iter().any(Result::is_err);
                    if sender.send(batch).is_err() || last {
                        return;
                    }
                }
            });
            for batch in receiver {
                if !self.work_on(batch, &shape, &mut next, &map, &mut fold)? {
                    return Ok(());
                }
            }
            Ok(())
        })
    }

    fn work_on<T, E>(
        &self,
        batch: Vec<Result<Block, BlockError>>,
        shape: &Shape,
        next: &mut RowAt,
        map: &(impl Fn(&Table) -> T + Sync),
        fold: &mut impl FnMut(T) -> Result<bool, E>,
    ) -> Result<bool, E>
    where
        T: Send,
        E: From<ReadError>,
    {
        let mut failure = None;
        let mut blocks = Vec::with_capacity(batch.len());
        for block in batch {
            match block {
                Ok(block) => blocks.push(block),
                Err(error) => failure = Some(error),
            }
        }
        let mut tables: Vec<Table> = blocks
            .par_iter()
            .with_min_len(4)
            .map_init(
                || shape.parser(),
                |parser, block| Table::parse(&block.bytes, shape, parser),
            )
            .collect();
        for (table, block) in tables.iter_mut().zip(&blocks) {
            table.first = RowAt {
                offset: block.offset,
                ..*next
            };
            next.row += table.len() as u64;
            next.line += table.lines;
        }
        drop(blocks);
        // A row that a quote glued together hides the rows within it, so it stops the run; but
        // the stretches before it are whole.
        let stray = tables
            .iter()
            .enumerate()
            .find_map(|(index, table)| Some((index, self.stray_quote(table)?)));
        if let Some((index, _)) = &stray {
            tables.truncate(*index);
        }
        let results: Vec<T> = tables.par_iter().map(map).collect();
        for result in results {
            if !fold(result)? {
                return Ok(false);
            }
        }
        if let Some((_, error)) = stray {
            return Err(error.into());
        }
        match failure {
            None => Ok(true),
            Some(error) => Err(self.explain(error, next.line).into()),
        }
    }

    /// The decoded text, from its beginning.
    fn text(&self) -> Decode<SourceReader> {
        let source = self
            .sheet
            .as_ref()
            .map_or(&self.source, |sheet| &sheet.text);
        Decode::new(source.reader(self.mark_length), self.dialect.encoding)
    }

    /// A row in which a quote swallowed other rows.
    fn stray_quote(&self, table: &Table) -> Option<ReadError> {
        let row = table.rows().find(|row| row.hides_rows())?;
        Some(ReadError::StrayQuote {
            path: self.path.clone(),
            line: row.at.line,
            last_line: row.at.line + row.line_breaks,
        })
    }

    fn explain(&self, error: BlockError, line: u64) -> ReadError {
        let path = self.path.clone();
        match error {
            BlockError::Io(source) => ReadError::Io { path, source },
            BlockError::UnclosedQuote(offset) => ReadError::UnclosedQuote {
                line: self.line_of(offset).unwrap_or(line),
                path,
            },
            BlockError::RowTooLarge => ReadError::RowTooLarge {
                path,
                line,
                limit: MAX_ROW / (1024 * 1024),
            },
        }
    }

    /// The line on which the byte at `offset` of the decoded text stands.
    fn line_of(&self, offset: u64) -> Option<u64> {
        let mut text = self.text();
        let mut line = 1;
        let mut after_return = false;
        let mut left = offset;
        let mut chunk = Vec::new();
        while left > 0 {
            chunk.clear();
            text.fill(&mut chunk, SAMPLE).ok()?;
            let wanted = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
            if wanted == 0 {
                return None;
            }
            // A line end that falls between two chunks is counted once.
            let divided = after_return && chunk.first() == Some(&b'\n');
            line += lines::count(&chunk, 0, wanted) - u64::from(divided);
            after_return = chunk[..wanted].last() == Some(&b'\r');
            left -= wanted as u64;
        }
        Some(line)
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

fn skip(text: &mut Decode<impl Read>, bytes: u64) -> io::Result<()> {
    let Ok(bytes) = usize::try_from(bytes) else {
        return Ok(());
    };
    let mut passed = Vec::with_capacity(bytes);
    text.fill(&mut passed, bytes)?;
    text.push_back(passed.split_off(bytes.min(passed.len())));
    Ok(())
}

fn whole_lines(sample: &[u8]) -> usize {
    memchr::memrchr2(b'\n', b'\r', sample).map_or(sample.len(), |at| at + 1)
}
