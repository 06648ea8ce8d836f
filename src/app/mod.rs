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
pub use arrivals::{Tally, fate_of, place_of};
pub use begin::refuse_undone;
pub use dropped::forget_dropped;
pub use error::{Action, AppError};
pub use go_on::GoOn;
pub use history::dossier;
pub use notify::Notifications;
pub use ready::{Wanted, ready, refuse_misspelt};
pub use report_again::report_again;
pub use runs::listed;
pub use session::Session;
pub use spool::{at_hand, forget_copies, forget_dead_copies, forget_spooled, spool, spooled};
pub use stop::StopSignal;
pub use sweep::{Desk, Process, Sweep, SweepOptions, Swept, Told};

pub(crate) use arrivals::{Next, Stay, arrived_within};
pub(crate) use backup::back_up;
pub(crate) use begin::{begin, way_on};
pub(crate) use column_memory::{ColumnMemory, DecidedColumn, pattern_of};
pub(crate) use decline::decline;
pub(crate) use derive::{Retried, Said, retried, retried_elsewhere, retried_run, runs_of, the_one};
pub(crate) use doctor::{
    Asking, Diagnosis, Examined, Health, of_api, of_metrics, of_notify, of_state,
};
pub(crate) use dropped::{Dropped, dropped, is_dropped};
pub(crate) use forget::forget;
pub(crate) use go_on::{Decisions, decide, go_on, leave_out, resumed};
pub(crate) use history::{Dossier, FieldNames, PastChange, RecordChanges, RowAbout, write_dossier};
pub(crate) use job::Job;
pub(crate) use mends::{KeptMends, forget_mends};
pub(crate) use naming::{Naming, is_identifier};
pub(crate) use notify::Notify;
pub(crate) use paths::{NamedPaths, refuse_in_place_of, refuse_kind};
pub(crate) use people::{FoundPerson, SEARCHED_ROSTERS, SEARCHED_RUNS, people, roster_of};
pub(crate) use protection::Protection;
pub(crate) use ready::{Played, Ready};
pub(crate) use retention::{Retention, expire, inboxes_of};
pub(crate) use runs::{ListedRun, UnsuccessfulRow, is_rehearsal, unsuccessful};
pub(crate) use spool::forget_spool;
pub(crate) use stop::{asked_again, asked_to_stop};
pub(crate) use target_test::{
    FieldState, FoundField, ListedPage, MOST_REQUESTS, ShownHeader, Step, TargetTest, TestKey,
    test_target,
};
pub(crate) use undo::undone;
pub(crate) use watch::watch;

pub(crate) use crate::plan::Selection;
