//! The files that were dropped into an inbox, and the fate of each.

use jiff::Timestamp;

use crate::l10n::say;
use crate::model::Fact;

/// The fate of a file that was dropped into an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// Every row succeeded.
    Done,
    /// Some rows succeeded.
    Partial,
    /// Nothing was done.
    Failed,
    /// A guard holds its run.
    Held,
    /// It had been imported before.
    Duplicate,
    /// Its import was interrupted, or waits; the next sweep continues.
    Waiting,
    /// It stays in the inbox.
    NotProcessed,
}

impl Fate {
    /// Every fate, in the order of the closing line of a sweep.
    pub const ALL: [Fate; 7] = [
        Fate::Done,
        Fate::Duplicate,
        Fate::Held,
        Fate::Partial,
        Fate::Failed,
        Fate::Waiting,
        Fate::NotProcessed,
    ];

    /// The word in the journal, in JSON and in metrics.
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

    /// The words for a person.
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

    /// The fate of that word.
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
    /// Its size and modification time: the next file of the name is another one.
    pub stamp: String,
    /// When it was first seen.
    pub at: Timestamp,
    /// Its fate, as far as a sweep knows; a run knows more.
    pub fate: Fate,
    /// Where it is now.
    pub path: String,
    /// Its run, if one began.
    pub run: Option<String>,
    /// Why it was not imported.
    pub why: Option<Fact>,
}
