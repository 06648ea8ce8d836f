//! Many schools on many machines: files that wait in a database, and workers that send them a slice at a
//! time. The queue is graphile_worker's, beside the journal in the same database; one slice at a time for
//! each quota, and none by a process that was taken for dead.

mod engine;
mod entry;
mod listing;
mod mend;
mod metrics;
mod queue;
mod slice;
mod sweep;
mod swept;

pub use engine::{Tick, migrate, work};
pub use entry::{EntryState, GoesOn, QueueEntry};
pub use listing::{listed_queue, place_of};
pub use metrics::{QUEUE_METRICS, write_queue_metrics};
pub use queue::{Enqueued, approve, database_of, enqueue, put_back, remove};
pub use slice::{EndedFile, FleetDoor, Heard};
pub use sweep::sweep_into_queue;
pub use swept::{QueueDesk, SweptFile};
