use std::fs::File;
use std::io::BufReader;

use quick_xml::events::{BytesStart, Event};

use super::parts::Constructs;
use super::sheet_limits::{MAX_GAP, MAX_REPEATED, Trouble, refuse_place};
use crate::l10n::{number, say};

/// Refuses an OpenDocument spreadsheet whose cells would be too many: one that is written once may be
/// said to stand a million times.
pub(super) fn refuse_too_many_cells(file: &File) -> Result<(), Trouble> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(Trouble::of)?;
    let content = archive.by_name("content.xml").map_err(Trouble::of)?;
    let mut constructs = Constructs::of(content, "content.xml");
    let mut count = RowCount::default();
    let (mut row, mut row_times, mut above, mut repeated) = (0u32, 1u32, 0u32, 0u64);
    loop {
        let event = constructs.next()?;
        match &event {
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "table:table" => (row, above) = (0, 0),
                "table:table-row" => {
                    count = RowCount::default();
                    row_times = times(tag, "table:number-rows-repeated");
                    if matches!(event, Event::Empty(_)) {
                        row = row.saturating_add(row_times);
                    }
                }
                "table:table-cell" | "table:covered-table-cell" => {
                    let columns = times(tag, "table:number-columns-repeated");
                    count.columns = count.columns.saturating_add(columns);
                    count.written += 1;
                    let has_value = value_of(tag, "office:value-type").is_some();
                    if has_value || matches!(event, Event::Start(_)) {
                        count.filled = count.columns;
                    }
                }
                _ => {}
            },
            Event::End(tag) if tag.name().as_ref() == "table:table-row" => {
                let first = row;
                row = row.saturating_add(row_times);
                if count.filled > 0 {
                    refuse_place(first, above, count.filled.saturating_sub(1))?;
                    if row_times > MAX_GAP {
                        refuse_place(row, first, 0)?;
                    }
                    above = row;
                    let cells = u64::from(count.filled) * u64::from(row_times);
                    repeated = repeated.saturating_add(cells.saturating_sub(count.written));
                    if repeated > MAX_REPEATED {
                        let most = number(MAX_REPEATED);
                        let why = say().workbook_too_many_repeated(u64::from(row), most);
                        return Err(Trouble::Workbook(why));
                    }
                }
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Columns of a row of an OpenDocument spreadsheet.
#[derive(Default)]
struct RowCount {
    /// So far.
    columns: u32,
    /// Up to the last that has something in it.
    filled: u32,
    /// Cells that are written, each of which may stand for several.
    written: u64,
}

/// How often something is said to stand; once where nothing is said.
fn times(tag: &BytesStart<'_>, name: &str) -> u32 {
    let said = value_of(tag, name).and_then(|value| value.trim().parse().ok());
    said.unwrap_or(1)
}

/// What an attribute of a tag says.
fn value_of(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = tag.attributes().flatten();
    let found = attributes.find(|said| said.key.as_ref() == name);
    found.map(|said| said.value.to_string())
}
