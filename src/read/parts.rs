//! Refuses workbooks whose parts would exhaust memory.

use std::fs::File;
use std::io::{self, BufReader, Read};

use quick_xml::events::Event;
use zip::ZipArchive;

use super::constructs::{Constructs, attribute, too_long};
use super::package::{Package, tidy};
use super::sheet_limits::{
    MAX_CONSTRUCT, MAX_METADATA, MAX_OTHER, MAX_SHARED, MAX_TAGS, MAX_TEXTS_HELD, MAX_UNPACKED,
    Trouble,
};
use super::sheet_notes::SheetNotes;
use crate::l10n::{number, say};

/// Refuses a workbook that would take far more memory than its file. calamine holds each comment,
/// instruction, tag and text as a whole, and all parts except sheets. The parts are read to their end because
/// the sizes that the archive declares may be wrong.
///
/// Returns the metadata of the sheets in the workbook's order, except for OpenDocument.
pub(super) fn refuse_large_parts(
    archive: &mut ZipArchive<BufReader<&File>>,
    package: Option<&Package>,
) -> Result<Vec<SheetNotes>, Trouble> {
    let sheets = package.map_or(0, |package| package.sheets.len());
    let mut notes = Vec::new();
    notes.resize_with(sheets, SheetNotes::default);
    let mut unpacked = 0u64;
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index(index) else {
            // A part that cannot be unpacked here cannot be unpacked by other programs.
            continue;
        };
        let Ok(name) = entry.name().map(|name| name.into_owned()) else {
            continue;
        };
        let part = Part::of(&tidy(&name), package);
        let sheet = package.and_then(|package| package.place_of(&name));
        let said = entry.size();
        let most = part.most_bytes().min(MAX_UNPACKED as u64 - unpacked);
        let most = most.min(said);
        // One byte more shows that the part is larger.
        let mut bytes = entry.take(most + 1);
        let read = match part {
            Part::Metadata => metadata(&mut bytes, &name),
            Part::Texts => texts(&mut bytes, &name),
            Part::Rows => match sheet.and_then(|sheet| notes.get_mut(sheet)) {
                Some(notes) => rows(&mut bytes, &name, |event| notes.take(event)),
                // A part no longer than the limit cannot contain a longer construct.
                None if said <= MAX_CONSTRUCT => drain(&mut bytes),
                None => rows(&mut bytes, &name, |_| Ok(())),
            },
            Part::Other => drain(&mut bytes),
        };
        // A part that is too large is cut off, so its parse error would be misleading.
        let unread = bytes.limit();
        if unread == 0 {
            return Err(Trouble::Workbook(match part {
                _ if most == said => say().workbook_size_wrong(name, number(said)),
                Part::Texts => say().workbook_texts_too_large(),
                _ if most < part.most_bytes() => say().workbook_too_large(),
                _ => say().workbook_part_too_large(name, part.most_bytes() / (1024 * 1024)),
            }));
        }
        read?;
        unpacked += most + 1 - unread;
    }
    Ok(notes)
}

/// The way in which calamine reads a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Held in memory as a whole: names, styles, relationships.
    Metadata,
    /// The shared strings.
    Texts,
    /// A sheet or a similar part, which is read in pieces.
    Rows,
    /// Another part, usually a picture.
    Other,
}

impl Part {
    fn of(name: &str, package: Option<&Package>) -> Part {
        let is_metadata = match package {
            Some(package) if package.is_texts(name) => return Part::Texts,
            Some(package) => package.is_metadata(name),
            None => ["meta.xml", "meta-inf/manifest.xml"].contains(&name),
        };
        match is_metadata {
            true => Part::Metadata,
            false if name.ends_with(".xml") => Part::Rows,
            false => Part::Other,
        }
    }

    fn most_bytes(self) -> u64 {
        match self {
            Part::Metadata => MAX_METADATA,
            Part::Texts => MAX_SHARED,
            Part::Rows => MAX_UNPACKED as u64,
            Part::Other => MAX_OTHER,
        }
    }
}

fn drain(bytes: &mut impl Read) -> Result<(), Trouble> {
    io::copy(bytes, &mut io::sink())?;
    Ok(())
}

/// Reads a part that is held in memory. The parsed form of a tag may be much larger than the tag, and its
/// content may be copied for every other tag.
fn metadata(part: impl Read, name: &str) -> Result<(), Trouble> {
    let mut constructs = Constructs::of(part, name);
    constructs.forgive_ends();
    let (mut tags, mut longest) = (0u64, 0u64);
    loop {
        match constructs.next()? {
            Event::Start(tag) | Event::Empty(tag) => {
                tags += 1;
                let is_root = tags == 1;
                if !is_root {
                    longest = longest.max(tag.len() as u64);
                }
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
        if tags > MAX_TAGS || tags.saturating_mul(longest) > MAX_TEXTS_HELD {
            let most = number(MAX_TAGS);
            return Err(Trouble::Workbook(say().workbook_too_many_tags(name, most)));
        }
    }
}

/// Reads the shared strings, all of which are held in memory.
fn texts(part: impl Read, name: &str) -> Result<(), Trouble> {
    /// The overhead of a string in bytes.
    const EACH: u64 = 56;
    let mut constructs = Constructs::of(part, name);
    let mut open = Open::default();
    let mut texts = 0u64;
    loop {
        let end = match constructs.next()? {
            Event::Start(tag) => {
                let local = tag.local_name();
                texts += u64::from(local.as_ref() == "si");
                if local.as_ref() == "sst" {
                    // calamine allocates memory for this number of strings.
                    let said = attribute(&tag, "uniqueCount").and_then(|said| said.parse().ok());
                    if said.is_some_and(|said: u64| said > MAX_SHARED / EACH) {
                        return Err(Trouble::Workbook(say().workbook_texts_too_large()));
                    }
                }
                open.start(local.as_ref());
                false
            }
            Event::Empty(tag) => {
                texts += u64::from(tag.local_name().as_ref() == "si");
                false
            }
            Event::End(_) => true,
            Event::Eof => return Ok(()),
            _ => false,
        };
        let at = constructs.position();
        open.moved(end, at, name)?;
        if texts.saturating_mul(EACH).saturating_add(at) > MAX_TEXTS_HELD {
            return Err(Trouble::Workbook(say().workbook_texts_too_large()));
        }
    }
}

/// Reads a sheet, of which one cell at a time is held in memory, and passes its constructs to `each`.
fn rows(
    part: impl Read,
    name: &str,
    mut each: impl FnMut(&Event<'_>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut constructs = Constructs::of(part, name);
    constructs.forgive_ends();
    let mut open = Open::default();
    loop {
        let event = constructs.next()?;
        each(&event)?;
        let end = match event {
            Event::Start(tag) => {
                open.start(tag.local_name().as_ref());
                false
            }
            Event::End(_) => true,
            Event::Eof => return Ok(()),
            _ => false,
        };
        open.moved(end, constructs.position(), name)?;
    }
}

/// The open elements, and the start of the outermost element whose content is held as a whole.
#[derive(Default)]
pub(super) struct Open {
    depth: u64,
    /// The element's depth and position.
    held: Option<(u64, u64)>,
    starts: bool,
}

impl Open {
    /// Records the start of an element.
    pub(super) fn start(&mut self, local_name: &str) {
        const HELD: [&str; 8] = [
            "si",
            "c",
            "is",
            "definedName",
            "table-cell",
            "covered-table-cell",
            "named-range",
            "p",
        ];
        self.depth += 1;
        self.starts = self.held.is_none() && HELD.contains(&local_name);
    }

    /// Records that a construct ends at position `at`. With `end`, it is the end of an element.
    pub(super) fn moved(&mut self, end: bool, at: u64, part: &str) -> Result<(), Trouble> {
        if std::mem::take(&mut self.starts) {
            self.held = Some((self.depth, at));
        }
        if let Some((depth, begin)) = self.held {
            if at - begin > MAX_CONSTRUCT {
                return Err(too_long(part, begin));
            }
            if end && depth == self.depth {
                self.held = None;
            }
        }
        self.depth = self.depth.saturating_sub(u64::from(end));
        Ok(())
    }
}
