//! Reading turns a file into rows of text: it detects or applies the encoding, delimiter and header, and
//! returns rows with number, line and byte offset.
//!
//! The file is divided into blocks of whole rows by a search for quotation marks and line endings. The blocks
//! are parsed in parallel, and memory use does not grow with the file.

mod blocks;
mod charset;
mod constructs;
mod decode;
mod dialect;
mod error;
mod flaws;
mod guess;
mod header;
mod input;
mod lines;
mod look;
mod mark;
mod mends;
mod merges;
mod mojibake;
mod number_format;
mod old_workbook;
mod opendocument;
mod package;
mod parts;
mod plausible;
mod scan;
mod sheet_cell;
mod sheet_limits;
mod sheet_notes;
mod sheet_rows;
mod signatures;
mod source;
mod split;
mod table;
mod totals;
mod withhold;
mod workbook;
mod workers;

pub use charset::{Charset, CodePage};
pub use dialect::{Dialect, FileDescription};
pub use error::{MOST_ROWS, ReadError};
pub use guess::{Likely, encodings};
pub use header::fold_header;
pub use input::{Input, ReadOptions};
pub use mark::{CellMark, cell_name, column_letters};
pub use mends::{Cells, Mends};
pub use mojibake::{Mojibake, mojibake};
pub(crate) use mojibake::{has_adjacent, of_utf_7};
pub use source::{Origin, content_of};
pub(crate) use split::is_blank_char;
pub use table::{Cell, Flaw, RawRow, Table};
pub use totals::is_total;
pub use withhold::Withholding;
pub use workers::start_workers;
