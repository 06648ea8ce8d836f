//! History files: changes to a record as CSV or workbook.

use std::path::Path;

use jiff::Timestamp;

use super::error::ReportError;
use super::safe_cell::Reader;
use super::sheet_file::SheetFile;
use super::whole_file::Placing;
use crate::l10n::Language;
use crate::read::Dialect;

/// One line of a history file: a change, a row or a file.
#[derive(Debug, Clone, Default)]
pub struct HistoryLine {
    /// The time of the change.
    pub at: Option<Timestamp>,
    /// The name of the run.
    pub run: String,
    /// The path of the roster.
    pub file: String,
    /// The spreadsheet row number.
    pub line: Option<u64>,
    /// The key that found the record.
    pub key: String,
    /// The name of the field.
    pub field: String,
    /// The previous value, if it was read.
    pub from: Option<String>,
    /// The sent value.
    pub to: String,
    /// The kind of the line: a change, a row or a file.
    pub kind: &'static str,
    /// The state of the row.
    pub state: &'static str,
    /// The messages of the row.
    pub said: String,
    /// The account that made the run, and the reason.
    pub by: String,
}

/// Returns a dialect that spreadsheets in the current language open as a table: Swedish ones expect
/// semicolons.
fn for_spreadsheets() -> Dialect {
    Dialect {
        mark: true,
        crlf: true,
        delimiter: match Language::spoken() {
            Language::Swedish => b';',
            Language::English => b',',
        },
        ..Dialect::PLAIN
    }
}

/// Writes changes as CSV or as a workbook with the columns
/// `at,run,file,line,key,field,from,to,kind,state,said,by`.
pub fn write_history(
    lines: impl IntoIterator<Item = HistoryLine>,
    path: &Path,
) -> Result<(), ReportError> {
    let header = [
        "at", "run", "file", "line", "key", "field", "from", "to", "kind", "state", "said", "by",
    ];
    let as_it_is = (Placing::Replace, for_spreadsheets());
    let mut file = SheetFile::of_ours(path, as_it_is, header, Reader::Person)?;
    for line in lines {
        let cells = [
            &*line.at.map_or(String::new(), |at| at.to_string()),
            &line.run,
            &line.file,
            &line.line.map_or(String::new(), |line| line.to_string()),
            &line.key,
            &line.field,
            line.from.as_deref().unwrap_or_default(),
            &line.to,
            line.kind,
            line.state,
            &line.said,
            &line.by,
        ];
        file.write_ours(cells, Reader::Person)?;
    }
    file.finish()?;
    Ok(())
}
