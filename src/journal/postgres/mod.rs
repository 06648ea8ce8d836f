//! The journal in a PostgreSQL database that several machines share.

mod answers;
mod connection;
mod database;
mod engine;
mod lock;
mod prune;
mod recording;
mod rosters;
mod schema;
mod store;
mod tls;

pub use connection::{Fence, Tables, cell};
pub use database::{Database, count_up};
pub(super) use lock::SessionLock;
pub(super) use store::Postgres;
