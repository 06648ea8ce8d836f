/// Where a row of the input stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowAt {
    /// Row number: the first row below the header is 1. Empty lines are not counted.
    pub row: u64,
    /// Line of the file on which the row begins: the first line is 1. A cell with a line break in
    /// it makes a row span lines, so this is not the row number plus one.
    pub line: u64,
    /// The number that a spreadsheet shows beside the row: empty lines count, and a line break
    /// within a cell does not.
    pub sheet_row: u64,
    /// Byte at which the row begins, counted from the start of the decoded text.
    pub offset: u64,
}
