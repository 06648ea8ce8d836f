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
pub(super) use store::Postgres;

use super::bucket::Quotas;
use super::error::JournalError;

/// Opens the bucket of one account in a database.
pub(super) fn open_quota(
    database: &Database,
    account: &str,
) -> Result<Box<dyn Quotas>, JournalError> {
    Ok(Box::new(quota::PostgresQuota::open(database, account)?))
}
