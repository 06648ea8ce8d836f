//! Splits decoded text into blocks at row boundaries.

use std::io::{self, Read};

use memchr::{memchr, memrchr2};

use super::decode::Decode;

/// Decoded text that begins and ends at row boundaries.
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// The offset of the block's first byte in the decoded text.
    pub(super) offset: u64,
    /// Whether the text ends with this block and without a line ending.
    pub(super) is_unended: bool,
}

/// The reason why no further block can be read.
pub(super) enum BlockError {
    Io(io::Error),
    /// A quotation mark at this offset of the decoded text is never closed.
    UnclosedQuote(u64),
    /// The next row is larger than [`MAX_ROW`].
    RowTooLarge,
}

/// The target size of a block in decoded bytes: large enough to keep a core busy, and small enough that the
/// allocator reuses its pages instead of returning them.
const BLOCK: usize = 96 * 1024;

/// The maximum growth of the buffer in bytes while a row's end is searched. Bytes after the row's end are
/// copied.
const MOST_AHEAD: usize = 4 * 1024 * 1024;

/// The maximum size of a row in bytes.
pub(super) const MAX_ROW: usize = 64 * 1024 * 1024;

/// Splits decoded text into blocks of whole rows.
///
/// The quoting rules are those of [`super::split::Record`]: a quotation mark opens a cell only at the cell's
/// beginning, optionally after blanks, and two quotation marks within a quoted cell stand for one. Only
/// quotation marks and line endings are examined, so splitting is as fast as a memory search.
pub(super) struct Blocks<R> {
    text: Decode<R>,
    delimiter: u8,
    buffer: Vec<u8>,
    offset: u64,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    /// Splits `text`, whose first byte has `offset` in the decoded text.
    pub(super) fn new(text: Decode<R>, delimiter: u8, offset: u64) -> Self {
        Blocks {
            text,
            delimiter,
            buffer: Vec::new(),
            offset,
            ended: false,
        }
    }

    fn cut(&mut self, at: usize) -> Block {
        let mut rest = Vec::with_capacity(BLOCK + 4096);
        rest.extend_from_slice(&self.buffer[at..]);
        self.buffer.truncate(at);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        let block = Block {
            offset: self.offset,
            is_unended: self.ended
                && self.buffer.is_empty()
                && !bytes.ends_with(b"\n")
                && !bytes.ends_with(b"\r"),
            bytes,
        };
        self.offset += at as u64;
        block
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = Result<Block, BlockError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut scan = Scan::new(self.delimiter);
        let mut target = BLOCK;
        loop {
            if !self.ended {
                match self.text.fill(&mut self.buffer, target) {
                    Ok(ended) => self.ended = ended,
                    Err(error) => {
                        self.ended = true;
                        self.buffer.clear();
                        return Some(Err(BlockError::Io(error)));
                    }
                }
            }
            scan.advance(&self.buffer, self.ended);
            if self.ended {
                if self.buffer.is_empty() {
                    return None;
                }
                if let Some(quote) = scan.open_quote {
                    self.buffer.clear();
                    return Some(Err(BlockError::UnclosedQuote(self.offset + quote as u64)));
                }
                let len = self.buffer.len();
                return Some(Ok(self.cut(len)));
            }
            if scan.bound > 0 {
                return Some(Ok(self.cut(scan.bound)));
            }
            if self.buffer.len() >= MAX_ROW {
                self.ended = true;
                self.buffer.clear();
                return Some(Err(match scan.open_quote {
                    Some(quote) => BlockError::UnclosedQuote(self.offset + quote as u64),
                    None => BlockError::RowTooLarge,
                }));
            }
            target = self.buffer.len() + self.buffer.len().min(MOST_AHEAD);
        }
    }
}

/// Finds the last row boundary in a growing buffer.
struct Scan {
    delimiter: u8,
    position: usize,
    open_quote: Option<usize>,
    bound: usize,
}

impl Scan {
    fn new(delimiter: u8) -> Self {
        Scan {
            delimiter,
            position: 0,
            open_quote: None,
            bound: 0,
        }
    }

    fn advance(&mut self, buffer: &[u8], ended: bool) {
        while self.position < buffer.len() {
            let from = self.position;
            let quote = memchr(b'"', &buffer[from..]).map(|found| from + found);
            if self.open_quote.is_some() {
                match quote {
                    None => self.position = buffer.len(),
                    // The next byte determines whether the quotation mark closes the cell.
                    Some(at) if at + 1 == buffer.len() && !ended => return,
                    Some(at) if buffer.get(at + 1) == Some(&b'"') => self.position = at + 2,
                    Some(at) => {
                        self.open_quote = None;
                        self.position = at + 1;
                    }
                }
                continue;
            }
            let end = quote.unwrap_or(buffer.len());
            // A carriage return at the end of the buffer may be half of a line ending.
            let halved = end == buffer.len() && !ended && buffer.last() == Some(&b'\r');
            let known = &buffer[from..end - usize::from(halved && end > from)];
            if let Some(line_end) = memrchr2(b'\n', b'\r', known) {
                self.bound = from + line_end + 1;
            }
            self.position = (end + 1).min(buffer.len());
            if let Some(at) = quote {
                let is_blank =
                    |byte: &&u8| matches!(byte, b' ' | b'\t') && **byte != self.delimiter;
                let before = buffer[..at].iter().rev().find(|byte| !is_blank(byte));
                let opens = match before {
                    None | Some(b'\n' | b'\r') => true,
                    Some(byte) => *byte == self.delimiter,
                };
                if opens {
                    self.open_quote = Some(at);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv_rows(text: &[u8]) -> Vec<csv::ByteRecord> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text)
            .byte_records()
            .map(Result::unwrap)
            .collect()
    }

    proptest::proptest! {
        /// The rows are independent of the division of the text into blocks.
        #[test]
        fn block_boundaries_agree_with_the_csv_crate(
            text in "[a,\"\n\r]{0,60}",
            cut in 1usize..60,
        ) {
            let bytes = text.as_bytes();
            let head = &bytes[..cut.min(bytes.len())];
            let mut scan = Scan::new(b',');
            scan.advance(head, false);
            if scan.bound > 0 {
                let mut rows = csv_rows(&bytes[..scan.bound]);
                rows.extend(csv_rows(&bytes[scan.bound..]));
                proptest::prop_assert_eq!(rows, csv_rows(bytes));
            }
        }

        /// The boundaries also agree with this module's rows, which allow blanks before a quotation mark.
        #[test]
        fn block_boundaries_are_row_ends(text in "[a,\"\n\r ]{0,60}", cut in 1usize..60) {
            let (at, bound) = bound_of(&text, cut);
            proptest::prop_assert!(at == bound, "{at} is not {bound}");
        }
    }

    /// Scans the first `cut` bytes. Returns the end of the first row that reaches the last boundary found, and
    /// that boundary.
    fn bound_of(text: &str, cut: usize) -> (usize, usize) {
        let bytes = text.as_bytes();
        let mut scan = Scan::new(b',');
        scan.advance(&bytes[..cut.min(bytes.len())], false);
        let (mut record, mut at) = (crate::read::split::Record::default(), 0);
        // The line feed of a CRLF is not a row.
        while at < scan.bound {
            record.read(bytes, at, b',');
            at = record.end;
        }
        (at, scan.bound)
    }

    #[test]
    fn a_quote_after_blanks_opens_a_cell_at_the_end_of_a_block() {
        let (at, bound) = bound_of("\"\"\r \"\n\"\r", 9);
        assert_eq!(at, bound);
    }
}
