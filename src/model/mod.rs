//! The data types that all modules share: rows, problems, calls, outcomes, summaries and exit codes. This
//! module does no I/O.

mod call;
mod causes;
mod code;
mod declared;
mod exit;
mod fact;
mod format;
mod held;
mod hex;
mod outcome;
mod problem;
mod quotes;
mod raw_json;
mod redact;
mod refusal;
mod row;
mod row_facts;
mod summary;
mod threshold;
mod value;
mod visible;
mod worded;

pub use call::{Call, Change, FieldPrint, Fingerprint, Method, Pending};
pub use causes::with_causes;
pub use code::Code;
pub use declared::{Declared, RunName};
pub use exit::Exit;
pub use fact::{DatabaseError, Fact, IoError, Numbers};
pub use format::FileFormat;
pub use held::{Held, NAMED_ROWS, row_list};
pub use hex::hex;
pub use outcome::{
    FIELD_BOUND, LEFT_OUT, OVERWRITTEN, Outcome, PROTECTED, PROTECTED_RECORD, RowState, Standing,
};
pub use problem::{DAMAGED, Problem};
pub use quotes::in_quotes;
pub use raw_json::{members, shows_all};
pub use redact::{is_code, redacted, redacted_as};
pub use refusal::{FileKind, Listed, Refusal, Untrusted};
pub use row::{Lines, RowAt};
pub use row_facts::{Found, RowFacts};
pub use summary::{
    KnownBefore, Relisted, StateCounts, Stopped, Summary, SummaryFacts, seconds_between, word_of,
};
pub use threshold::{Threshold, ThresholdError};
pub use value::Value;
pub use visible::visible;
pub(crate) use worded::worded;
