//! Writing a roster with its edited cells in its own format.

use std::path::Path;

use super::error::ReportError;
use super::sheet_file::SheetFile;
use super::whole_file::Placing;
use crate::model::RowState;
use crate::read::{Cell, Input, RawRow};

/// Writes a roster with its edited cells and without skipped rows, as CSV in its own dialect or as a workbook, depending on the
/// extension.
pub fn write_roster(input: &Input, path: &Path) -> Result<(), ReportError> {
    let header: Vec<&str> = input.header().iter().map(String::as_str).collect();
    let end = header.len();
    let mut file = SheetFile::create(path, Placing::Replace, input.dialect(), (header, end..end))?;
    let record = |row: RawRow<'_>| {
        let cells: Vec<Vec<u8>> = row.cells().map(Cell::bytes).map(<[u8]>::to_vec).collect();
        csv::ByteRecord::from(cells)
    };
    input.scan(
        |table| {
            let rows = table.rows().filter(|row| !row.is_skipped());
            rows.map(record).collect::<Vec<_>>()
        },
        |rows| {
            for row in &rows {
                // A row without a problem state is not marked.
                file.write(row, RowState::Unchanged, &[])?;
            }
            Ok::<bool, ReportError>(true)
        },
    )?;
    file.finish()?;
    Ok(())
}
