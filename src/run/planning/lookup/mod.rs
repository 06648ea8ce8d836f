//! Look-ups find the record of each row, and settle rows that have none.
//!
//! Input: a row's keys and values, and the API's answers or the register that was listed once. Output: the records of
//! each row, handed to the row planner, or the outcome of a row without exactly one record.

pub mod answer_cache;
pub mod further_keys;
pub mod known_keys;
pub mod list_keys;
pub mod records;
pub mod register;
pub mod renumbering;
pub mod search;
pub mod unique_values;
