//! Size limits that protect against oversized workbooks.

use std::path::Path;

use super::error::ReadError;
use super::source::of_temporary;
use crate::l10n::say;
use crate::model::Code;

/// The maximum unpacked size of a workbook in bytes. It exceeds every realistic roster and stops
/// decompression bombs.
pub(super) const MAX_UNPACKED: u128 = 1024 * 1024 * 1024;

/// The maximum unpacked size of the shared strings, which are held in memory.
pub(super) const MAX_SHARED: u64 = 256 * 1024 * 1024;

/// The maximum size of a comment, instruction, tag or text, and of a cell's content, because calamine holds
/// each in memory.
pub(super) const MAX_CONSTRUCT: u64 = 1024 * 1024;

/// The maximum size of each other part that is held in memory, and its maximum number of tags. Excel allows
/// at most 65,490 cell styles.
pub(super) const MAX_METADATA: u64 = 16 * 1024 * 1024;
pub(super) const MAX_TAGS: u64 = 500_000;

/// The maximum size of the strings in memory, including the overhead of each.
pub(super) const MAX_TEXTS_HELD: u64 = 512 * 1024 * 1024;

/// The maximum size of a part that is not XML by its name, such as a picture.
pub(super) const MAX_OTHER: u64 = 64 * 1024 * 1024;

/// The limits of a sheet, checked while it is read: columns, rows (Excel's maximum), consecutive empty rows,
/// and bytes of text. Only one row and the shared strings are in memory at a time.
pub(super) const MAX_COLUMNS: u32 = 1_000;
pub(super) const MAX_ROWS: u32 = 1_048_576;
pub(super) const MAX_GAP: u32 = 10_000;
pub(super) const MAX_TEXT: usize = 512 * 1024 * 1024;

/// The maximum number of changes of the cell mark within a sheet's columns, which are held in memory.
pub(super) const MAX_MARKS: usize = 4_000_000;

/// The maximum size of a cell's text. Excel allows 32,767 characters.
pub(super) const MAX_CELL: usize = 4 * 32_767;

/// The maximum number of cells in an OpenDocument spreadsheet that result from repetition. All are held in
/// memory.
pub(super) const MAX_REPEATED: u64 = 4_000_000;

/// The maximum size of an old workbook, which is read into memory as a whole.
pub(super) const MAX_OLD: u64 = 64 * 1024 * 1024;

/// The maximum number of rows in a sheet of an old workbook, and of cells in the bounding rectangle of a
/// sheet, which are allocated. The rectangle may be larger if its cells fill it.
pub(super) const MAX_OLD_ROWS: u32 = 65_536;
pub(super) const MAX_OLD_AREA: u64 = 65_536 * 64;

/// An error of converting a sheet.
pub(super) enum Trouble {
    Io(std::io::Error),
    /// The workbook cannot be read or exceeds a limit, with the reason.
    Workbook(String),
    /// The file has another format.
    Kind(Code),
}

impl Trouble {
    pub(super) fn of(error: impl std::fmt::Display) -> Trouble {
        Trouble::Workbook(error.to_string())
    }

    /// The error with the file's path.
    pub(super) fn at(self, path: &Path) -> ReadError {
        let path = path.to_owned();
        match self {
            Trouble::Io(source) => ReadError::Io { path, source },
            Trouble::Workbook(why) => ReadError::Workbook { path, why },
            Trouble::Kind(kind) => ReadError::NotCsv { path, kind },
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Trouble::Io(of_temporary(error))
    }
}

/// Refuses a cell beyond the limits. `above` is the last row before it.
pub(super) fn refuse_place(row: u32, above: u32, column: u32) -> Result<(), Trouble> {
    let number = u64::from(row) + 1;
    if column >= MAX_COLUMNS {
        let column = u64::from(column) + 1;
        let why = say().workbook_too_many_columns(number, column, MAX_COLUMNS);
        return Err(Trouble::Workbook(why));
    }
    if row >= MAX_ROWS || row.saturating_sub(above) > MAX_GAP {
        let why = say().workbook_too_far_below(number, MAX_GAP);
        return Err(Trouble::Workbook(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;
    use crate::model::Refusal;

    #[test]
    fn a_full_disk_is_not_reported_as_a_damaged_workbook() {
        let path = Path::new("r.xlsx");
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let ReadError::Io { source, .. } = Trouble::from(io::Error::from(kind)).at(path) else {
                panic!("{kind}");
            };
            assert_eq!(Refusal::within(&source), Some(&Refusal::NoTemporary));
        }
        let ReadError::Io { source, .. } =
            Trouble::from(io::Error::from(ErrorKind::NotFound)).at(path)
        else {
            panic!("not an I/O error");
        };
        assert_eq!(source.kind(), ErrorKind::NotFound);
    }
}
