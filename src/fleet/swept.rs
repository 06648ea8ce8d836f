//! Outcomes of a sweep into the queue, by file.

use crate::app::{AppError, Notifications};
use crate::model::{Fact, Summary};

/// The outcome of a sweep for one file.
#[derive(Debug)]
pub enum SweptFile {
    /// The file was added to the queue under this id.
    Enqueued(i64),
    /// The file waits in the queue.
    Waiting,
    /// A guard holds the run, or it stopped and requires action.
    Held {
        /// The name of the run.
        run: String,
        /// The reason.
        why: Fact,
    },
    /// The run has ended, and the file and its results were archived.
    Ended(Box<Summary>),
    /// The file could not be imported and was moved to `failed`.
    Failed(Fact),
}

/// The front end of a sweep into the queue.
pub struct QueueDesk<'a> {
    /// Whether the `import_` columns come first in the results.
    pub outcome_first: bool,
    /// Returns the profile of a file by its name, or an error if the file stays in the folder.
    pub profile_of: &'a dyn Fn(&str) -> Result<Option<String>, AppError>,
    /// Returns the notifications for a file by its name.
    pub notifications_of: &'a dyn Fn(&str) -> Notifications,
    /// Reports the outcome of a file by its name.
    pub told: &'a dyn Fn(&str, &SweptFile),
}
