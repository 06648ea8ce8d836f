//! The files that were dropped into inboxes, and their outcomes.

use jiff::Timestamp;

use crate::l10n::say;
use crate::model::Fact;

/// The fate of a file that was dropped into an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// Every row succeeded.
    Done,
    /// Some rows did not succeed.
    Partial,
    /// Nothing was imported.
    Failed,
    /// A guard holds the run.
    Held,
    /// The file had been imported before.
    Duplicate,
    /// The import was interrupted or waits; the next sweep continues.
    Waiting,
    /// The file stays in the inbox.
    NotProcessed,
}

impl Fate {
    /// Every fate, in the order of a sweep's summary line.
    pub const ALL: [Fate; 7] = [
        Fate::Done,
        Fate::Duplicate,
        Fate::Held,
        Fate::Partial,
        Fate::Failed,
        Fate::Waiting,
        Fate::NotProcessed,
    ];

    /// Returns the word in the journal, in JSON and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Fate::Done => "done",
            Fate::Partial => "partial",
            Fate::Failed => "failed",
            Fate::Held => "held",
            Fate::Duplicate => "duplicate",
            Fate::Waiting => "waiting",
            Fate::NotProcessed => "not_processed",
        }
    }

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

    /// Returns the fate with this word.
    pub fn of(word: &str) -> Option<Fate> {
        Fate::ALL.into_iter().find(|fate| fate.as_str() == word)
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
