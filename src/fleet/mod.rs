//! The shared queue lets many workers import the files of many schools in batches. It uses graphile_worker in
//! the journal's database. One batch at a time runs per rate limit, and a fencing token shuts out workers
//! whose lease has expired.

mod decisions;
mod desk;
mod door;
mod engine;
mod entry;
mod listing;
mod mend;
mod metrics;
mod queue;
mod sweep;
mod worker;

pub use desk::QueueDesk;
pub use door::{FleetDoor, Heard};
pub use engine::{Tick, migrate, work};
pub use entry::{EntryState, GoesOn, QueueEntry};
pub use listing::{listed_queue, place_of};
pub use metrics::{QUEUE_METRICS, write_queue_metrics};
pub use queue::{Enqueued, database_of, end_declined, enqueue, put_back, remove};
pub use sweep::sweep_into_queue;
