//! The columns that a results file adds to those of the input.

use crate::read::fold_header;

/// Declares the columns of a results file in order.
macro_rules! result_columns {
    ($($(#[$doc:meta])* $column:ident = $name:literal,)*) => {
        /// A column that a results file adds to those of the input.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ResultColumn {
            $($(#[$doc])* $column,)*
        }

        impl ResultColumn {
            /// All columns in order.
            pub const ALL: &[ResultColumn] = &[$(ResultColumn::$column,)*];

            /// The column's header.
            pub fn name(self) -> &'static str {
                match self {
                    $(ResultColumn::$column => $name,)*
                }
            }

            /// The column with this header, normalized by [`fold_header`].
            pub(super) fn of(folded: &str) -> Option<ResultColumn> {
                ResultColumn::ALL.iter().copied().find(|column| column.name() == folded)
            }
        }

        /// The headers of all result columns. No target has fields with these names. A results file that is
        /// imported again may contain them.
        pub const RESULT_COLUMNS: &[&str] = &[$($name,)*];
    };
}

/// Whether a header names a column that a results file adds.
pub(super) fn is_ours(header: &str) -> bool {
    ResultColumn::of(&fold_header(header)).is_some()
}

result_columns! {
    /// The row number, from 1.
    Row = "import_row",
    /// The row's final state.
    Status = "import_status",
    /// The HTTP status of the last response.
    HttpStatus = "import_http_status",
    /// The API's error code, or the code of the first problem.
    ErrorCode = "import_error_code",
    /// All problems of the row, for the user.
    Error = "import_error",
    /// The changed fields that were sent.
    Changed = "import_changed",
    /// The number of requests for the row.
    Attempts = "import_attempts",
    /// The API's request id of the last request.
    RequestId = "import_request_id",
    /// When the row reached its final state.
    FinishedAt = "import_finished_at",
    /// The spreadsheet row number in the original file.
    Line = "import_line",
    /// The row's warnings.
    Warning = "import_warning",
    /// The API's id of the record that the row matched.
    RecordId = "import_record_id",
    /// The field that found the record.
    MatchedBy = "import_matched_by",
}
