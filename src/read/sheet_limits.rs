//! Size limits protect against oversized workbooks.

use std::path::Path;

use super::error::ReadError;
use super::source::of_temporary;
use crate::l10n::say;
use crate::model::Code;

/// Unpacked bytes that a workbook may have: far more than any roster's, and less than what a file
/// made to fill the memory would have.
pub(super) const MAX_UNPACKED: u128 = 1024 * 1024 * 1024;

/// Unpacked bytes of the texts that cells share, which are held in memory.
pub(super) const MAX_SHARED: u64 = 256 * 1024 * 1024;

/// Bytes of one comment, instruction, tag or text of a workbook's part, and of all that stands in one cell:
/// what reads them holds each in memory, whatever it is for.
pub(super) const MAX_CONSTRUCT: u64 = 1024 * 1024;

/// Bytes of each part that is held in memory beside the texts, and tags in it. Excel's own most is 65,490
/// styles of cells.
pub(super) const MAX_METADATA: u64 = 16 * 1024 * 1024;
pub(super) const MAX_TAGS: u64 = 500_000;

/// Bytes that the texts may take in memory, with what each of them takes beside its own.
pub(super) const MAX_TEXTS_HELD: u64 = 512 * 1024 * 1024;

/// Bytes of a part that is no XML by its name, such as a picture.
pub(super) const MAX_OTHER: u64 = 64 * 1024 * 1024;

/// What a sheet may have, checked as it is read: columns, rows (Excel's own most), empty rows between
/// two that are not, and bytes of text in all its cells. What is held in memory at a time is one row of
/// it, beside the shared texts.
pub(super) const MAX_COLUMNS: u32 = 1_000;
pub(super) const MAX_ROWS: u32 = 1_048_576;
pub(super) const MAX_GAP: u32 = 10_000;
pub(super) const MAX_TEXT: usize = 512 * 1024 * 1024;

/// Changes between kinds of cells down the columns of a sheet, which are held in memory.
pub(super) const MAX_MARKS: usize = 4_000_000;

/// Bytes of a cell's text: Excel's own most is 32,767 characters.
pub(super) const MAX_CELL: usize = 4 * 32_767;

/// Cells of an OpenDocument spreadsheet that stand there only because others are said to stand several times. All are
/// held in memory.
pub(super) const MAX_REPEATED: u64 = 4_000_000;

/// Bytes of an old workbook, which is read into memory whole: it has 65,536 rows at most.
pub(super) const MAX_OLD: u64 = 64 * 1024 * 1024;

/// Rows of an old workbook's sheet, and cells of the rectangle in which those of a sheet lie, with which room is
/// made for each of them; it may be larger where cells fill it.
pub(super) const MAX_OLD_ROWS: u32 = 65_536;
pub(super) const MAX_OLD_AREA: u64 = 65_536 * 64;

/// What can go wrong while a sheet is written out.
pub(super) enum Trouble {
    Io(std::io::Error),
    /// It cannot be read, or is larger than any roster is: why.
    Workbook(String),
    /// It is a file of another kind.
    Kind(Code),
}

impl Trouble {
    pub(super) fn of(error: impl std::fmt::Display) -> Trouble {
        Trouble::Workbook(error.to_string())
    }

    /// The same of the file at `path`.
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

/// Refuses a cell at a place where no roster has one; `above` is the last row before it.
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
    fn a_full_disk_is_no_fault_of_the_workbook() {
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
