//! The application: what every front door shares. A session, a job from its settings to its archive,
//! runs that are derived from others, folders that are swept and watched, and who is told of a run.
//! It parses no arguments, prints nothing and renders nothing.

mod archive;
mod begin;
mod derive;
mod error;
mod job;
mod notify;
mod paths;
mod ready;
mod session;
mod stop;
mod sweep;
mod watch;

pub use begin::{begin, way_on};
pub use derive::{
    GoOn, Overrides, OwnPace, Retried, Said, Undone, go_on, resumed, retried, retried_elsewhere,
    retried_run, runs_of, the_one, undone,
};
pub use error::AppError;
pub use job::Job;
pub use notify::{Notifications, Notify};
pub use paths::NamedPaths;
pub use ready::{Play, Played, Ready, Wanted, ready};
pub use session::Session;
pub use stop::{StopSignal, asked_to_stop};
pub use sweep::{Desk, Sweep, SweepOptions, Told};
pub use watch::watch;
