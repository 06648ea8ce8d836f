//! The conductor: the only room that joins the stages. It reads and checks all of a file before
//! the first request leaves, sends, records, and has the report written. It prints nothing.

mod error;
mod import;
mod name;
mod planning;
mod prepare;
mod settings;

pub use error::RunError;
pub use import::{Context, Ended, Start, import};
pub use name::run_name;
pub use prepare::{Prepared, Roster, prepare, row_problems};
pub use settings::{Delivery, Settings};
