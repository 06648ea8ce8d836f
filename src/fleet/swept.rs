//! The outcome of a queue sweep is reported for each file.

use crate::app::{AppError, Notifications};
use crate::model::{Fact, Summary};

/// What a sweep did with a file.
#[derive(Debug)]
pub enum SweptFile {
    /// It was put into the queue, under this number.
    Enqueued(i64),
    /// It waits there.
    Waiting,
    /// A guard holds its run, or somebody has to see to it.
    Held {
        /// The run.
        run: String,
        /// Why.
        why: Fact,
    },
    /// Its run has ended; it and its results were put away.
    Ended(Box<Summary>),
    /// It could not be read, and was put aside.
    Failed(Fact),
}

/// The entry point of a sweep into the queue.
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
