//! One binary for all integration tests: real files, real processes, real TCP.

#[cfg(unix)]
mod adversary;
mod ahead;
mod american;
mod any_target;
mod apis;
mod architecture;
mod audit_log;
mod backups;
mod bad_input;
mod browser;
mod cell_kinds;
mod cells_of_programs;
mod commands;
mod conformance;
mod console;
mod console_runs;
mod crashes;
mod delivery;
mod differences;
mod documents;
mod edits;
mod estimates;
mod finding;
#[cfg(all(unix, feature = "postgres"))]
mod fleet;
mod formats;
mod fuzz_corpus;
mod guards;
mod harness;
mod identity;
#[cfg(unix)]
mod image;
mod inbox;
mod judges;
mod language;
mod list_fields;
mod listing;
mod machine;
mod pacing;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod properties;
mod protected;
#[cfg(all(unix, feature = "postgres"))]
mod queue;
mod reading;
mod reference;
mod retrying;
mod sample;
mod sandbox;
mod scim;
mod snapshots;
mod soak;
mod spreadsheet_rows;
#[cfg(all(unix, feature = "postgres"))]
mod stores;
mod target_test;
mod telling;
mod term_start;
mod terminal;
mod tls;
mod undone;
mod variations;
#[cfg(unix)]
mod watching;
#[cfg(windows)]
mod windows;
mod workbooks;
mod workflows;
