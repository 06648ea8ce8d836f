//! The journal in a local SQLite file.

mod backup;
mod engine;
mod prune;
mod recording;
mod schema;
mod store;
mod witness;

pub(super) use store::Sqlite;
pub use store::stop_waiting;
