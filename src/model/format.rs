//! The file formats of rosters.

use std::fmt;

use crate::l10n::say;

/// The file format of a roster, without any of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Delimited text.
    Text {
        /// The encoding.
        encoding: &'static str,
        /// Whether the file begins with a byte order mark.
        mark: bool,
        /// The delimiter between cells.
        delimiter: u8,
    },
    /// An Office Open XML workbook.
    Xlsx,
    /// An Excel 97–2003 workbook.
    Xls,
    /// An OpenDocument spreadsheet.
    Ods,
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match *self {
            FileFormat::Xlsx => say().dialect_xlsx(),
            FileFormat::Xls => say().dialect_xls(),
            FileFormat::Ods => say().dialect_ods(),
            FileFormat::Text {
                encoding,
                mark,
                delimiter,
            } => {
                let encoding = match mark {
                    true => say().dialect_mark(encoding),
                    false => encoding.to_owned(),
                };
                match delimiter {
                    b';' => say().dialect_semicolon(encoding),
                    b',' => say().dialect_comma(encoding),
                    b'\t' => say().dialect_tab(encoding),
                    b'|' => say().dialect_pipe(encoding),
                    other => say().dialect_other(encoding, char::from(other).to_string()),
                }
            }
        })
    }
}
