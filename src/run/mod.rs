//! The conductor: the only room that joins the stages. It reads and checks all of a file before
//! the first request leaves, sends, records, and has the report written. It prints nothing.

mod error;
mod import;
mod name;
mod prepare;

pub use error::RunError;
pub use import::{Context, Delivery, Ended, import};
pub use name::run_name;
pub use prepare::{Prepared, Roster, prepare, row_problems};
