//! Parses blocks in parallel and returns the results in order.

use std::io::{self, Read};
use std::sync::mpsc;
use std::thread;

use rayon::prelude::*;

use super::blocks::{Block, BlockError, Blocks, MAX_ROW};
use super::decode::Decode;
use super::error::ReadError;
use super::flaws::Edge;
use super::input::{Input, SAMPLE};
use super::lines;
use super::source::SourceReader;
use super::split::Record;
use super::table::{Shape, Table};
use crate::model::RowAt;

/// Blocks per thread and batch. The number is small so that a batch reuses the memory of the previous one.
const BLOCKS_A_THREAD: usize = 8;

/// The maximum number of blocks per batch, which bounds memory.
const MOST_BLOCKS: usize = 48;

/// The number of bytes at which a batch is complete. A block is this large only if a row is, and its parsed
/// form may be several times as large.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// A batch of blocks to parse in parallel.
struct Batch {
    blocks: Vec<Result<Block, BlockError>>,
    /// The first row after the batch.
    follows: Option<Edge>,
}

impl Input {
    /// Parses all rows in parallel and passes the results of `map` for each table to `fold` in the file's
    /// order. `fold` returns whether to continue. Fails if the file cannot be read, has changed size since it
    /// was opened, or has a quotation mark that joins rows; and any error of `fold`.
    pub fn scan<T, E>(
        &self,
        map: impl Fn(&Table) -> T + Sync,
        mut fold: impl FnMut(T) -> Result<bool, E>,
    ) -> Result<(), E>
    where
        T: Send,
        E: From<ReadError>,
    {
        let mut folded = Ok(true);
        self.tables(&mut |tables| {
            let results: Vec<T> = tables.par_iter().map(&map).collect();
            for result in results {
                folded = fold(result);
                if !matches!(folded, Ok(true)) {
                    return false;
                }
            }
            true
        })?;
        folded.map(|_| ())
    }

    /// Parses all rows in parallel and passes the tables of each batch to `work`, which returns whether to
    /// continue. A generic function would be compiled for each caller of [`Self::scan`].
    fn tables(&self, work: &mut dyn FnMut(&[Table]) -> bool) -> Result<(), ReadError> {
        let io = ReadError::io(&self.path);
        if self.source.has_changed().map_err(io)? {
            return Err(ReadError::Changed {
                path: self.path.clone(),
            });
        }
        let mut text = self.text();
        skip(&mut text, self.body.offset).map_err(io)?;
        let blocks = Blocks::new(text, self.dialect.delimiter, self.body.offset);

        let shape = Shape::below(&self.header, self.dialect.delimiter);
        let mut next = (self.body, None);
        let threads = rayon::current_num_threads().max(1);
        let most = (BLOCKS_A_THREAD * threads).min(MOST_BLOCKS);
        thread::scope(|scope| {
            // One batch is read while another is parsed.
            let (sender, receiver) = mpsc::sync_channel(1);
            let (done, is_done) = mpsc::sync_channel(1);
            let cut = move || {
                let mut blocks = blocks.peekable();
                // The first batches are small, so that the first rows are available early.
                let mut side_by_side = threads.min(most);
                loop {
                    let mut bytes = 0;
                    let mut batch = Vec::with_capacity(side_by_side);
                    let mut last = false;
                    while batch.len() < side_by_side && bytes < MOST_BYTES && !last {
                        let next = blocks.next();
                        last = !matches!(next, Some(Ok(_)));
                        batch.extend(next);
                        if let Some(Ok(block)) = batch.last() {
                            bytes += block.bytes.len();
                        }
                    }
                    // The row after the batch may be the rest of its last row.
                    let follows = match blocks.peek() {
                        Some(Ok(block)) if !last => first_row(&block.bytes, &shape),
                        _ => None,
                    };
                    let batch = Batch {
                        blocks: batch,
                        follows,
                    };
                    if sender.send((batch, bytes)).is_err() || last {
                        return;
                    }
                    if bytes >= MOST_BYTES && is_done.recv().is_err() {
                        return;
                    }
                    side_by_side = (2 * side_by_side).min(most);
                }
            };
            thread::Builder::new()
                .spawn_scoped(scope, cut)
                .map_err(io)?;
            for (batch, bytes) in receiver {
                if !self.work_on(batch, &shape, &mut next, work)? {
                    return Ok(());
                }
                if bytes >= MOST_BYTES {
                    // The reading thread may have ended.
                    let _ = done.send(());
                }
            }
            Ok(())
        })
    }

    fn work_on(
        &self,
        Batch {
            blocks: batch,
            follows,
        }: Batch,
        shape: &Shape,
        (next, last): &mut (RowAt, Option<Edge>),
        work: &mut dyn FnMut(&[Table]) -> bool,
    ) -> Result<bool, ReadError> {
        let mut failure = None;
        let mut blocks = Vec::with_capacity(batch.len());
        for block in batch {
            match block {
                Ok(block) => blocks.push(block),
                Err(error) => failure = Some(error),
            }
        }
        let mut tables: Vec<Table> = blocks
            .into_par_iter()
            .with_min_len(4)
            .map(|block| {
                let mut table = Table::parse(block.bytes, shape);
                table.first.offset = block.offset;
                table.is_unended = block.is_unended;
                table
            })
            .collect();
        for table in &mut tables {
            table.first = RowAt {
                offset: table.first.offset,
                ..*next
            };
            if let Some(sheet) = &self.sheet {
                table.number_as_in_a_sheet();
                table.fill_up(shape.least);
                table.mark(&sheet.marks);
            }
            next.row += table.len() as u64;
            next.line += table.lines;
            next.sheet_row += table.sheet_rows;
        }
        let follows = follows.map(|follows| Edge {
            sheet_row: next.sheet_row + follows.sheet_row,
            ..follows
        });
        let edge = tables.iter().rev().find_map(Edge::of_last);
        let beside = (last.as_ref(), follows.as_ref());
        self.likeness
            .mark(&mut tables, beside, (shape.width, shape.least));
        if let Some(edge) = edge {
            *last = Some(edge);
        }
        for table in &mut tables {
            if self.sheet.is_none() {
                table.mark_truncated(shape.least);
            }
            // An edit can withhold a row but not release one, since it may have been made without seeing the
            // row.
            let by = &self.withholding;
            let mut hidden = table.hidden_rows(by, shape);
            if !self.mends.is_empty() {
                table.mend(&self.mends, self.header.len());
                hidden.extend(table.hidden_rows(by, shape));
            }
            table.withhold(&hidden, by);
        }
        // A misplaced quotation mark hides the rows that it joins, so it stops the run. The tables before it
        // are complete.
        let stray = tables
            .iter()
            .enumerate()
            .find_map(|(index, table)| Some((index, self.stray_quote(table)?)));
        if let Some((index, _)) = &stray {
            tables.truncate(*index);
        }
        if !work(&tables) {
            return Ok(false);
        }
        if let Some((_, error)) = stray {
            return Err(error);
        }
        match failure {
            None => Ok(true),
            Some(error) => Err(self.explain(error, next.line)),
        }
    }

    /// A reader of the decoded text from its beginning.
    fn text(&self) -> Decode<SourceReader> {
        let reader = self.text_source().reader(self.mark_length);
        Decode::new(reader, self.dialect.encoding)
    }

    /// Returns the error for a row in which a quotation mark joined several rows.
    fn stray_quote(&self, table: &Table) -> Option<ReadError> {
        // The quotation marks of an exported sheet are always correct.
        let at = table.hidden.filter(|_| self.sheet.is_none())?;
        let row = table.rows().nth(at)?;
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

    /// The line of the byte at `offset` in the decoded text.
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
            // A CRLF that spans two chunks counts once.
            let divided = after_return && chunk.first() == Some(&b'\n');
            line += lines::count(&chunk, 0, wanted) - u64::from(divided);
            after_return = chunk[..wanted].last() == Some(&b'\r');
            left -= wanted as u64;
        }
        Some(line)
    }
}

/// The first row of a block that is not an empty line. Its row number is counted from 0 within the block.
fn first_row(block: &[u8], shape: &Shape) -> Option<Edge> {
    let start = block
        .iter()
        .position(|byte| !matches!(byte, b'\n' | b'\r'))?;
    let mut record = Record::default();
    record.read(block, start, shape.delimiter);
    let cells: Vec<&[u8]> = record.cells().collect();
    Some(Edge::new(cells.into_iter(), lines::count(block, 0, start)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_endings_above_the_first_row_are_counted() {
        let shape = Shape::below(&["a".to_owned(), "b".to_owned()], b';');
        for (block, above) in [
            ("lgh 2;x\n", 0),
            ("\n\nlgh 2;x\n", 2),
            ("\r\n\r\nlgh 2;x", 2),
        ] {
            let row = first_row(block.as_bytes(), &shape).unwrap();
            assert_eq!((row.cells, row.sheet_row), (2, above), "{block:?}");
        }
        assert!(first_row(b"\n\r\n", &shape).is_none());
    }
}
