//! The journal in a database that several machines share: PostgreSQL.

mod calls;
mod connection;
mod database;
mod delivered;
mod dossier;
mod history;
mod lock;
mod outcomes;
mod prune;
mod quota;
mod recording;
mod rosters;
mod runs;
mod schema;
mod sending;
mod store;
mod tls;

pub use connection::{Fence, Tables, Wrong, cell};
pub use database::Database;
pub(super) use lock::SessionLock;
pub(super) use quota::PostgresQuota;
pub(super) use store::Postgres;
