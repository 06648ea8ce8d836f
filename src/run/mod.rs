//! The conductor: the only room that joins the stages. It reads and checks all of a file before
//! the first request leaves, sends, records, and has the report written. It prints nothing.

mod ahead;
mod answers;
mod applied;
mod basis;
mod canary;
mod conflicts;
mod context;
mod deeds;
mod delivered;
mod edits;
mod error;
mod figures;
mod finding;
mod finish;
mod history;
mod import;
mod items;
mod known_keys;
mod list_keys;
mod lookups;
mod name;
mod other_keys;
mod past;
mod planned;
mod planning;
mod prepare;
mod prints;
mod progress;
mod reading;
mod renumber;
mod retry;
mod saved;
mod sending;
mod settings;
mod slice;
mod snapshot;
mod tools;
mod under_way;
mod vocabulary;
mod work;

pub use context::{Consent, Context, Ended, Looked, Made, Proposal, Slice, Sliced, Start};
pub use deeds::{Actor, Author, Deed};
pub use delivered::Deliveries;
pub use error::RunError;
pub use import::{import, import_slice, look};
pub use items::key_print;
pub use name::run_name;
pub use past::is_last_of_its_name;
pub use planned::understood;
pub use prepare::{
    Prepared, Release, Roster, SeenRow, each_row_seen, open, prepare, refuse_empty, row_numbers,
    row_problems, rows_seen,
};
pub use retry::find_runs;
pub use saved::saved_plan;
pub use settings::{Delivery, Pauses, Queued, Retries, Settings, absolute, to_json, today};
pub use tools::{quota_account, shared_pacer};

#[cfg(test)]
mod tests;
