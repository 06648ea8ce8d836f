//! The vocabulary that every room shares: where a row stands, what is wrong with it, what is to
//! be sent for it, what became of it. Plain data; nothing here reads, writes or waits.

mod call;
mod causes;
mod exit;
mod hex;
mod outcome;
mod problem;
mod redact;
mod row;
mod summary;
mod value;

pub use call::{Call, Change, Fingerprint, Method, Pending};
pub use causes::with_causes;
pub use exit::Exit;
pub use hex::hex;
pub use outcome::{DAMAGED, LEFT_OUT, Outcome, RowState};
pub use problem::Problem;
pub use redact::{is_code, redacted};
pub use row::{Lines, RowAt};
pub use summary::{StateCounts, Summary, seconds_between};
pub use value::Value;
