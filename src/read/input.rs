use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use encoding_rs::Encoding;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::blocks::{Block, BlockError, Blocks, MAX_ROW};
use super::decode::Decode;
use super::dialect::{
    Dialect, Evidence, Verdict, mark, not_csv, separator_line, sniff_delimiter, utf16_without_mark,
};
use super::error::ReadError;
use super::header::fold_header;
use super::table::{RawRow, Table};
use crate::model::RowAt;

/// What the user says of a file, in place of what would be detected.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The encoding's label, as the WHATWG Encoding Standard lists them.
    pub encoding: Option<String>,
    /// The delimiter.
    pub delimiter: Option<u8>,
}

/// A roster that can be read as often as needed.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    /// Standard input, kept for as long as it may be read again.
    spooled: Option<tempfile::NamedTempFile>,
    dialect: Dialect,
    mark_length: u64,
    header: Vec<String>,
    header_line: u64,
    /// Where the rows begin in the decoded text.
    body: RowAt,
    line_end: u8,
    sha256: String,
    size: u64,
}

/// How much of the decoded text is looked at to find the dialect and the header.
const SAMPLE: usize = 256 * 1024;

/// Blocks that are parsed side by side; what bounds memory.
const BATCH: usize = 8;

impl Input {
    /// Opens a roster: finds its encoding by reading all of it once, and its delimiter and header
    /// by its first rows. `-` is standard input, which is kept in a temporary file.
    ///
    /// # Errors
    /// When the file cannot be read, is empty, is no CSV file, or its encoding is in doubt.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Input, ReadError> {
        let io = |source| ReadError::Io {
            path: path.to_owned(),
            source,
        };
        let mut spooled = None;
        let mut file = if path == Path::new("-") {
            let mut spool = tempfile::NamedTempFile::new().map_err(io)?;
            io::copy(&mut io::stdin().lock(), &mut spool).map_err(io)?;
            let file = spool.reopen().map_err(io)?;
            spooled = Some(spool);
            file
        } else {
            File::open(path).map_err(io)?
        };
        let forced = match &options.encoding {
            None => None,
            Some(label) => Some(Encoding::for_label(label.as_bytes()).ok_or_else(|| {
                ReadError::NoSuchEncoding {
                    label: label.clone(),
                }
            })?),
        };
        let mut look = Look::through(&mut file).map_err(io)?;
        if look.start.trim_ascii().is_empty() {
            return Err(ReadError::Empty {
                path: path.to_owned(),
            });
        }
        let (encoding, mark_length) = look.encoding(path, forced)?;

        file.seek(SeekFrom::Start(mark_length)).map_err(io)?;
        let mut sample = Vec::new();
        let ended = Decode::new(&file, encoding)
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
        let delimiter = options
            .delimiter
            .or(separator.map(|(delimiter, _)| delimiter))
            .unwrap_or_else(|| sniff_delimiter(text));
        let line_end = if text.contains(&b'\r') && !text.contains(&b'\n') {
            b'\r'
        } else {
            b'\n'
        };
        let mut input = Input {
            path: path.to_owned(),
            spooled,
            dialect: Dialect {
                encoding,
                mark: mark_length > 0,
                delimiter,
                crlf: text.windows(2).any(|pair| pair == b"\r\n"),
            },
            mark_length,
            header: Vec::new(),
            header_line: 1,
            body: RowAt {
                row: 1,
                line: 1,
                offset: 0,
            },
            line_end,
            sha256: look.sha256,
            size: look.size,
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
        let found = reader.read_byte_record(&mut header).unwrap_or(false);
        if !found {
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
        let lines = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == self.line_end).count();
        let lines_before = usize::from(skipped > 0);
        let leading = text
            .iter()
            .take_while(|byte| matches!(byte, b'\n' | b'\r'))
            .count();
        self.header_line = (1 + lines_before + lines(&text[..leading])) as u64;
        self.body = RowAt {
            row: 1,
            line: (1 + lines_before + lines(&text[..end.min(text.len())])) as u64,
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

    /// The header's cells, as they stand in the file.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The line on which the header stands, from 1.
    pub fn header_line(&self) -> u64 {
        self.header_line
    }

    /// SHA-256 of its bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
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
        let mut file = match &self.spooled {
            Some(spool) => spool.reopen(),
            None => File::open(&self.path),
        }
        .map_err(io)?;
        if file.metadata().map_err(io)?.len() != self.size {
            return Err(ReadError::Changed {
                path: self.path.clone(),
            }
            .into());
        }
        file.seek(SeekFrom::Start(self.mark_length)).map_err(io)?;
        let mut text = Decode::new(file, self.dialect.encoding);
        skip(&mut text, self.body.offset).map_err(io)?;
        let blocks = Blocks::new(text, self.dialect.delimiter, self.body.offset);

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
                if !self.work_on(batch, &mut next, &map, &mut fold)? {
                    return Ok(());
                }
            }
            Ok(())
        })
    }

    fn work_on<T, E>(
        &self,
        batch: Vec<Result<Block, BlockError>>,
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
        let delimiter = self.dialect.delimiter;
        let mut tables: Vec<Table> = blocks
            .par_iter()
            .map(|block| Table::parse(&block.bytes, delimiter, self.line_end))
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

    /// A row in which a quote swallowed other rows: it has line breaks, and the wrong number of
    /// cells, or a whole row's worth of delimiters within its cells.
    fn stray_quote(&self, table: &Table) -> Option<ReadError> {
        let expected = self.header.len();
        let swallowed = |row: &RawRow<'_>| {
            let delimiters: usize = row
                .cells()
                .map(|cell| memchr::memchr_iter(self.dialect.delimiter, cell.bytes()).count())
                .sum();
            delimiters >= expected.saturating_sub(1).max(2)
        };
        let row = table
            .rows()
            .find(|row| row.line_breaks > 0 && (row.len() != expected || swallowed(row)))?;
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
        let mut file = match &self.spooled {
            Some(spool) => spool.reopen(),
            None => File::open(&self.path),
        }
        .ok()?;
        file.seek(SeekFrom::Start(self.mark_length)).ok()?;
        let mut text = Decode::new(file, self.dialect.encoding);
        let mut line = 1;
        let mut left = offset;
        let mut chunk = Vec::new();
        while left > 0 {
            chunk.clear();
            text.fill(&mut chunk, SAMPLE).ok()?;
            let wanted = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
            if wanted == 0 {
                return None;
            }
            line += memchr::memchr_iter(self.line_end, &chunk[..wanted]).count() as u64;
            left -= wanted as u64;
        }
        Some(line)
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

/// What one look through all of a file's bytes shows.
struct Look {
    start: Vec<u8>,
    sha256: String,
    size: u64,
    evidence: Evidence,
}

impl Look {
    fn through(file: &mut File) -> io::Result<Look> {
        const CHUNK: u64 = 1024 * 1024;
        let mut hash = Sha256::new();
        let mut evidence = Evidence::default();
        let mut start = Vec::new();
        let mut size = 0;
        let mut chunk = Vec::new();
        loop {
            chunk.clear();
            let read = file.by_ref().take(CHUNK).read_to_end(&mut chunk)?;
            if read == 0 {
                break;
            }
            if size == 0 {
                start = chunk[..read.min(64 * 1024)].to_vec();
                evidence.add(&chunk[mark(&chunk).map_or(0, |(_, length)| length)..]);
            } else {
                evidence.add(&chunk);
            }
            hash.update(&chunk);
            size += read as u64;
        }
        let sha256 = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Look {
            start,
            sha256,
            size,
            evidence,
        })
    }

    /// The file's encoding and the length of its byte-order mark.
    fn encoding(
        &mut self,
        path: &Path,
        forced: Option<&'static Encoding>,
    ) -> Result<(&'static Encoding, u64), ReadError> {
        let marked = mark(&self.start);
        let length = marked.map_or(0, |(_, length)| length as u64);
        if let Some(encoding) = forced.or(marked.map(|(encoding, _)| encoding)) {
            // A mark that belongs to another encoding than the one asked for is not skipped.
            let own = marked.is_some_and(|(found, _)| found == encoding);
            return Ok((encoding, if own { length } else { 0 }));
        }
        if let Some(encoding) = utf16_without_mark(&self.start) {
            return Ok((encoding, 0));
        }
        if let Some((what, mend)) = not_csv(&self.start) {
            return Err(ReadError::NotCsv {
                path: path.to_owned(),
                what,
                mend,
            });
        }
        match std::mem::take(&mut self.evidence).verdict() {
            Verdict::Known(encoding) => Ok((encoding, 0)),
            Verdict::Doubt(why) => Err(ReadError::UnknownEncoding {
                path: path.to_owned(),
                why,
            }),
        }
    }
}
