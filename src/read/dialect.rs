//! The encoding, delimiter and line endings of a file.

use std::fmt;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use memchr::memchr;

use super::charset::Charset;
use crate::l10n::say;
use crate::model::FileFormat;

/// The detected format of a text file.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// The file's encoding.
    pub encoding: Charset,
    /// Whether the file begins with a byte order mark.
    pub mark: bool,
    /// The delimiter between cells.
    pub delimiter: u8,
    /// Whether lines end with CRLF.
    pub crlf: bool,
}

impl Dialect {
    /// The dialect of files that rosterpatch writes: UTF-8 with commas.
    pub const PLAIN: Dialect = Dialect {
        encoding: Charset::UTF_8,
        mark: false,
        delimiter: b',',
        crlf: false,
    };

    /// Whether output for the same readers should begin with a byte order mark: if this file does or is not
    /// UTF-8, so that a spreadsheet opens both alike.
    pub fn wants_mark(&self) -> bool {
        self.mark || !self.encoding.is_utf8()
    }

    /// The format for display.
    pub fn format(&self) -> FileFormat {
        FileFormat::Text {
            encoding: self.encoding.name(),
            mark: self.mark && self.encoding.is_utf8(),
            delimiter: self.delimiter,
        }
    }
}

/// How a file is read, for the user: its encoding and delimiter, or the sheet, and the row of a header below a title.
#[derive(Debug, Clone)]
pub struct FileDescription {
    pub(super) format: FileFormat,
    pub(super) sheet: Option<String>,
    pub(super) header_on: Option<u64>,
}

impl fmt::Display for FileDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match &self.sheet {
            Some(sheet) => say().dialect_workbook(self.format.to_string(), sheet.as_str()),
            None => self.format.to_string(),
        };
        f.write_str(&match self.header_on {
            Some(line) => say().dialect_header_on(format, line),
            None => format,
        })
    }
}

/// Statistics over all bytes of a file that determine whether it is UTF-8.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Bytes at the start that may continue a character of the previous piece.
    head: Vec<u8>,
    /// Bytes at the end that begin an incomplete character.
    tail: Vec<u8>,
    multibyte: u64,
    undecodable: u64,
}

impl Evidence {
    /// Collects the statistics of a piece of a file, which may begin and end within a character.
    pub(super) fn of(piece: &[u8]) -> Evidence {
        let mut evidence = Evidence::default();
        // A character has at most three continuation bytes.
        let head = piece
            .iter()
            .take(3)
            .take_while(|&&byte| byte & 0xC0 == 0x80)
            .count();
        evidence.head = piece[..head].to_vec();
        evidence.add(&piece[head..]);
        evidence
    }

    /// Adds the statistics of the next piece.
    pub(super) fn append(&mut self, next: Evidence) {
        let mut cut = std::mem::take(&mut self.tail);
        cut.extend_from_slice(&next.head);
        self.add(&cut);
        let unfinished = std::mem::replace(&mut self.tail, next.tail);
        self.undecodable += unfinished.len() as u64;
        self.multibyte += next.multibyte;
        self.undecodable += next.undecodable;
    }

    fn add(&mut self, mut bytes: &[u8]) {
        // Fast path: most pieces are valid UTF-8, which SIMD instructions verify quickly.
        if simdutf8::basic::from_utf8(bytes).is_ok() {
            self.multibyte += lead_bytes(bytes);
            return;
        }
        loop {
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    self.multibyte += lead_bytes(text.as_bytes());
                    return;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    self.multibyte += lead_bytes(&bytes[..valid]);
                    let Some(bad) = error.error_len() else {
                        self.tail = bytes[valid..].to_vec();
                        return;
                    };
                    self.undecodable += bad as u64;
                    bytes = &bytes[valid + bad..];
                }
            }
        }
    }

    /// Whether the file is UTF-8: all of it is valid, or valid multi-byte characters outnumber invalid bytes.
    pub(super) fn is_utf8(&self) -> bool {
        let undecodable = self.undecodable + self.tail.len() as u64;
        undecodable == 0 || self.multibyte > undecodable
    }
}

fn lead_bytes(bytes: &[u8]) -> u64 {
    // The count of a chunk fits into a byte, so that the compiler can vectorize the sum.
    bytes
        .chunks(255)
        .map(|stretch| {
            stretch
                .iter()
                .map(|&byte| u8::from(byte >= 0xC0))
                .sum::<u8>()
        })
        .map(u64::from)
        .sum()
}

/// Detects UTF-16 without a byte order mark: text in which every other byte is mostly zero.
pub(super) fn utf16_without_mark(start: &[u8]) -> Option<&'static Encoding> {
    let pairs = start.len() / 2;
    if pairs < 4 {
        return None;
    }
    let zeros = |parity: usize| {
        start[..pairs * 2]
            .iter()
            .skip(parity)
            .step_by(2)
            .filter(|&&byte| byte == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 10 > pairs * 6 && even * 10 < pairs {
        Some(UTF_16LE)
    } else if even * 10 > pairs * 6 && odd * 10 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// The delimiter in a first line such as `sep=;`, and the length of that line.
pub(super) fn separator_line(text: &[u8]) -> Option<(u8, usize)> {
    let end = memchr(b'\n', text).or_else(|| memchr(b'\r', text))?;
    let line = text[..end].trim_ascii_end();
    let line = line
        .strip_prefix(b"\"")
        .and_then(|l| l.strip_suffix(b"\""))
        .unwrap_or(line);
    let (word, delimiter) = line.split_at_checked(4)?;
    // `sep=` and a tab: the tab is the delimiter and was trimmed.
    let delimiter = match delimiter {
        [] if text[..end].contains(&b'\t') => b'\t',
        [byte] => *byte,
        _ => return None,
    };
    word.eq_ignore_ascii_case(b"sep=")
        .then_some((delimiter, end + 1))
}

/// Returns the delimiter that splits most of the first rows into as many cells as the header has.
pub(super) fn sniff_delimiter(sample: &[u8]) -> u8 {
    const ROWS: usize = 50;
    const TITLES: usize = 11;
    let score = |delimiter: u8| {
        let mut counts = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(sample)
            .into_byte_records()
            .take(ROWS)
            .filter_map(Result::ok)
            .map(|row| row.len());
        // A title without a delimiter may precede the header.
        let mut titles = 0;
        let is_header = |count: &usize| {
            titles += u32::from(*count < 2);
            *count > 1
        };
        let Some(header) = counts.by_ref().take(TITLES).find(is_header) else {
            return 0.0;
        };
        let (mut rows, mut same) = (0u32, 0u32);
        for count in counts {
            rows += 1;
            same += u32::from(count == header);
        }
        let agreement = if rows == 0 {
            // A last row below a title is not a header.
            f64::from(u8::from(titles == 0))
        } else {
            f64::from(same) / f64::from(rows)
        };
        // More columns break a tie, as in "Andersson, Anna;anna@example.se".
        agreement * 1_000.0 + header as f64
    };
    let mut best = (b',', 0.0);
    for delimiter in [b';', b',', b'\t', b'|'] {
        let score = score(delimiter);
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_most_consistent_one() {
        assert_eq!(sniff_delimiter(b"a;b\n1,5;2\n3;4,5\n"), b';');
        assert_eq!(sniff_delimiter(b"a,b\n1,2\n"), b',');
        assert_eq!(sniff_delimiter(b"a\tb, c\td\n1\t2\t3\n"), b'\t');
        assert_eq!(sniff_delimiter(b"a|b\n1|2\n"), b'|');
        assert_eq!(sniff_delimiter(b"id\n1\n"), b',');
        assert_eq!(sniff_delimiter(b"a;b;c\n1;2;3\n4,5,6\n"), b';');
        assert_eq!(sniff_delimiter(b"Elever\na;b\n"), b';');
        assert_eq!(
            sniff_delimiter(b"Elever, 2026\n\nid;namn\n1;2\n3;4\n"),
            b';'
        );
        assert_eq!(sniff_delimiter(b"\"a;b;c\",d\n\"1;2;3\",4\n"), b',');
    }

    #[test]
    fn a_separator_line_is_not_a_header() {
        assert_eq!(separator_line(b"sep=;\r\na;b"), Some((b';', 7)));
        assert_eq!(separator_line(b"SEP=\t\na\tb"), Some((b'\t', 6)));
        assert_eq!(separator_line(b"\"sep=,\"\na,b"), Some((b',', 8)));
        assert_eq!(separator_line(b"separator;b\n"), None);
        assert_eq!(separator_line(b"sep=;"), None);
    }

    #[test]
    fn utf_8_is_detected_from_the_whole_file() {
        let is_utf8 = |bytes: &[u8], chunk| {
            let mut evidence = Evidence::default();
            for part in bytes.chunks(chunk) {
                evidence.append(Evidence::of(part));
            }
            evidence.is_utf8()
        };
        for chunk in [1, 3, 1000] {
            assert!(is_utf8("Åsa Öberg".as_bytes(), chunk));
            assert!(is_utf8(b"plain", chunk));
            assert!(!is_utf8(b"\xC5sa \xD6berg", chunk));
            // Three valid characters outnumber one invalid byte.
            assert!(is_utf8(b"\xC3\xA5\xC3\xA4\xC3\xB6 \xE5 x", chunk));
        }
    }
}
