//! Look-ups find the record of each row, and settle rows that have none.
//!
//! Input: a row's keys and values, and the API's answers or the register that was listed once. Output: the records of
//! each row, handed to the row planner, or the outcome of a row without exactly one record.

pub(in crate::run) mod answer_cache;
pub(in crate::run) mod further_keys;
pub(in crate::run) mod known_keys;
pub(in crate::run) mod list_keys;
pub(in crate::run) mod records;
pub(in crate::run) mod renumbering;
pub(in crate::run) mod search;
pub(in crate::run) mod unique_values;
