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
    /// The profile of the file of a name; an error for one that is to stay in the folder.
    pub profile_of: &'a dyn Fn(&str) -> Result<Option<String>, AppError>,
    /// Who is notified of the file of a name if it cannot be imported.
    pub notifications_of: &'a dyn Fn(&str) -> Notifications,
    /// Reports the fate of the file of a name.
    pub told: &'a dyn Fn(&str, &SweptFile),
}
