//! The front end of a sweep into the queue.

use crate::app::{AppError, Desk};

/// The front end of a sweep into the queue.
pub struct QueueDesk<'a> {
    /// The front end of the sweep.
    pub desk: &'a dyn Desk,
    /// Returns the profile of a file by its name.
    pub profile_of: &'a dyn Fn(&str) -> Result<Option<String>, AppError>,
    /// Whether the `import_` columns come first in the results.
    pub outcome_first: bool,
}
