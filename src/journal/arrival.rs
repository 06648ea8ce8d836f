//! The files that were dropped into inboxes, and their outcomes.

use jiff::Timestamp;

use crate::l10n::say;
use crate::model::{Fact, worded};

worded! {
    /// The fate of a file that was dropped into an inbox, in the order of a sweep's summary line.
    pub enum Fate {
        /// Every row succeeded.
        Done = "done",
        /// The file had been imported before.
        Duplicate = "duplicate",
        /// A guard holds the run.
        Held = "held",
        /// Some rows did not succeed.
        Partial = "partial",
        /// Nothing was imported.
        Failed = "failed",
        /// The import was interrupted or waits; the next sweep continues.
        Waiting = "waiting",
        /// The file stays in the inbox.
        NotProcessed = "not_processed",
    }
}

impl Fate {
    /// Returns the localized words.
    pub fn in_words(self) -> String {
        match self {
            Fate::Done => say().fate_done(),
            Fate::Duplicate => say().fate_duplicate(),
            Fate::Held => say().fate_held(),
            Fate::Partial => say().fate_partial(),
            Fate::Failed => say().fate_failed(),
            Fate::Waiting => say().fate_waiting(),
            Fate::NotProcessed => say().fate_not_processed(),
        }
    }
}

/// A file that was dropped into an inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// The inbox, as an absolute path.
    pub inbox: String,
    /// The file's name.
    pub name: String,
    /// Its size and modification time, which distinguish files of the same name.
    pub stamp: String,
    /// When the file was first seen.
    pub at: Timestamp,
    /// The fate at the end of the sweep; the state of the run may be newer.
    pub fate: Fate,
    /// The current path.
    pub path: String,
    /// The run, if one started.
    pub run: Option<String>,
    /// Why the file was not imported.
    pub why: Option<Fact>,
}
