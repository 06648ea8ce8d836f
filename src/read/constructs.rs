//! Reads the XML constructs of a workbook part with bounded length.

use std::io::{BufReader, Read, Take};

use quick_xml::events::{BytesStart, Event};

use super::sheet_limits::{MAX_CONSTRUCT, Trouble};
use crate::l10n::{number, say};

/// Reads the constructs of an XML part. None may be longer than [`MAX_CONSTRUCT`].
pub(super) struct Constructs<R> {
    reader: quick_xml::Reader<Take<BufReader<R>>>,
    buffer: Vec<u8>,
    name: String,
}

impl<R: Read> Constructs<R> {
    pub(super) fn of(part: R, name: &str) -> Constructs<R> {
        let mut reader = quick_xml::Reader::from_reader(BufReader::new(part).take(0));
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
        // One byte more shows that the construct is longer.
        self.reader.get_mut().set_limit(MAX_CONSTRUCT + 1);
        let at = self.reader.buffer_position();
        let event = self.reader.read_event_into(&mut self.buffer);
        if self.reader.get_ref().limit() == 0 {
            return Err(too_long(&self.name, at));
        }
        event.map_err(Trouble::of)
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
