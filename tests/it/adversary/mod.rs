//! Attacks: hostile responses, race conditions, other accounts, and malicious files.

mod answers;
mod bombs;
mod cells;
mod doors;
mod dropping;
mod escapes;
mod files;
mod limits;
mod names;
mod personal_data;
mod races;
mod rows;
mod secrets;
mod streams;
mod trust;
