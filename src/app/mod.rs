//! The application layer is shared by the command line and the console: jobs, derived runs, inbox sweeps,
//! notifications and history. It does not parse arguments, print or render.

mod archive;
mod arrivals;
mod backup;
mod begin;
mod column_memory;
mod decline;
mod derive;
mod doctor;
mod dropped;
mod error;
mod forget;
mod go_on;
mod history;
mod job;
mod mends;
mod naming;
mod notify;
mod paths;
mod people;
mod protection;
mod ready;
mod report_again;
mod retention;
mod runs;
mod session;
mod spellings;
mod spool;
mod stop;
mod sweep;
mod target_test;
#[cfg(test)]
pub(crate) mod tests;
mod undo;
mod watch;

pub use archive::{archive_failed, archive_file};
pub use arrivals::{Arrivals, Arrived, Next, Stay, Tally, arrived_within, fate_of, place_of};
pub use backup::{BackedUp, back_up};
pub use begin::{begin, refuse_undone, way_on};
pub use column_memory::{ColumnMemory, DecidedColumn, pattern_of};
pub use decline::{Declined, decline};
pub use derive::{Retried, Said, retried, retried_elsewhere, retried_run, runs_of, the_one};
pub use doctor::{Asking, Diagnosis, Examined, Health, of_api, of_metrics, of_notify, of_state};
pub use dropped::{Dropped, dropped, forget_dropped, is_dropped};
pub use error::{Action, AppError};
pub use forget::forget;
pub use go_on::{Decisions, GoOn, decide, go_on, leave_out, resumed};
pub use history::{
    Dossier, FieldNames, PastChange, RecordChanges, RowAbout, dossier, write_dossier,
};
pub use job::Job;
pub use mends::{KeptMends, forget_mends};
pub use naming::{Naming, is_identifier};
pub use notify::{Notifications, Notify};
pub use paths::{NamedPaths, refuse_in_place_of, refuse_kind};
pub use people::{FoundPerson, People, SEARCHED_ROSTERS, SEARCHED_RUNS, people, roster_of};
pub use protection::Protection;
pub use ready::{Play, Played, Ready, Wanted, ready, refuse_misspelt};
pub use report_again::report_again;
pub use retention::{Expired, Retention, expire, inboxes_of};
pub use runs::{ListedRun, UnsuccessfulRow, is_rehearsal, listed, unsuccessful};
pub use session::Session;
pub use spool::{
    at_hand, forget_copies, forget_dead_copies, forget_spool, forget_spooled, spool, spooled,
};
pub use stop::{StopSignal, asked_again, asked_to_stop};
pub use sweep::{Desk, Process, Sweep, SweepOptions, Swept, Told};
pub use target_test::{
    FieldState, FoundField, ListedPage, MOST_REQUESTS, ShownHeader, Step, TargetTest, TestKey,
    test_target,
};
pub use undo::{Undone, undone};
pub use watch::watch;

pub use crate::plan::Selection;
