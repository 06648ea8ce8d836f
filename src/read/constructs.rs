//! Reads the XML constructs of a workbook part with bounded length.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::events::{BytesStart, Event};

use super::sheet_limits::{MAX_CONSTRUCT, Trouble};
use crate::l10n::{number, say};

/// A reader that fails after a number of bytes.
struct Metered<R> {
    inner: BufReader<R>,
    left: u64,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let read = available.len().min(buffer.len());
        buffer[..read].copy_from_slice(&available[..read]);
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let available = self.inner.fill_buf()?;
        if left == 0 && !available.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(&available[..available.len().min(left)])
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes as u64);
        self.inner.consume(bytes);
    }
}

/// Reads the constructs of an XML part. None may be longer than [`MAX_CONSTRUCT`].
pub(super) struct Constructs<R> {
    reader: quick_xml::Reader<Metered<R>>,
    buffer: Vec<u8>,
    name: String,
}

impl<R: Read> Constructs<R> {
    pub(super) fn of(part: R, name: &str) -> Constructs<R> {
        let mut reader = quick_xml::Reader::from_reader(Metered {
            inner: BufReader::new(part),
            left: MAX_CONSTRUCT,
        });
        reader.config_mut().check_comments = false;
        Constructs {
            reader,
            buffer: Vec::new(),
            name: name.to_owned(),
        }
    }

    /// Accepts elements that are not closed, because calamine does as well.
    pub(super) fn forgive_ends(&mut self) {
        let config = self.reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
    }

    /// Reads the next construct.
    pub(super) fn next(&mut self) -> Result<Event<'_>, Trouble> {
        self.buffer.clear();
        self.reader.get_mut().left = MAX_CONSTRUCT;
        let at = self.reader.buffer_position();
        match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => Ok(event),
            Err(quick_xml::Error::Io(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(too_long(&self.name, at))
            }
            Err(error) => Err(Trouble::of(error)),
        }
    }

    /// The number of bytes read from the part.
    pub(super) fn position(&self) -> u64 {
        self.reader.buffer_position()
    }
}

pub(super) fn too_long(part: &str, at: u64) -> Trouble {
    let most = number(MAX_CONSTRUCT);
    Trouble::Workbook(say().workbook_construct_too_long(part, most, number(at)))
}

/// The value of a tag's attribute.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes().flatten();
    let found = attributes.find(|said| said.key.as_ref() == name);
    found.map(|said| said.value.to_string())
}
