//! The journal in a PostgreSQL database that several machines share.

mod answers;
mod connection;
mod database;
mod engine;
mod lock;
mod prune;
mod quota;
mod recording;
mod rosters;
mod schema;
mod store;
mod tls;

pub use connection::{Fence, Tables, cell};
pub use database::{Database, count_up};
pub(super) use lock::SessionLock;

use super::bucket::Quotas;
use super::error::JournalError;
use super::store::Store;

/// Opens the journal in a database.
pub(super) fn open_store(database: &Database) -> Result<Box<dyn Store>, JournalError> {
    Ok(Box::new(store::Postgres::open(database)?))
}

/// Opens the bucket of one account in a database.
pub(super) fn open_quota(
    database: &Database,
    account: &str,
) -> Result<Box<dyn Quotas>, JournalError> {
    Ok(Box::new(quota::PostgresQuota::open(database, account)?))
}
