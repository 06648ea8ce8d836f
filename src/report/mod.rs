//! What became of every row: results files made from the journal and the input alone, so that
//! they can be made again, each written whole or not at all.

mod error;
mod html;
mod results;
mod text;
mod whole_file;

pub use error::ReportError;
pub use html::write_html;
pub use results::{ResultPaths, Written, write_results};
pub use text::{human_duration, summary_text};
pub use whole_file::WholeFile;
