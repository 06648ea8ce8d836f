//! The changes that a plan makes, as its page and that of an undo show them.

use serde::Deserialize;

use crate::app::PastChange;

/// Some of the changes that a plan makes.
pub(super) struct Changes {
    pub(super) rows: Vec<Changed>,
    /// Whether the values are those that were delivered before a run that is undone.
    pub(super) are_last_delivered: bool,
    /// The field's name, what the roster calls it, how often, and whether it is filtered by.
    pub(super) fields: Vec<(String, String, String, bool)>,
    pub(super) classes: Vec<Class>,
    /// The choice of people, if there is one.
    pub(super) choosing: Option<Choice>,
    /// Behind which row the next page begins.
    pub(super) next: Option<String>,
}

/// A class whose rows change.
pub(super) struct Class {
    pub(super) name: String,
    /// What filters by it, in an address.
    pub(super) query: String,
    /// How many rows of it change.
    pub(super) count: String,
    /// Whether it is filtered by.
    pub(super) is_chosen: bool,
}

/// What is to change in one record.
pub(super) struct Changed {
    /// The row of the run.
    pub(super) row: u64,
    /// The row of the undone run and whether it is ticked, if people can be chosen.
    pub(super) choice: Option<(u64, bool)>,
    pub(super) line: u64,
    pub(super) key: String,
    /// The person's name; the key if the roster is missing.
    pub(super) who: String,
    pub(super) class: String,
    pub(super) changes: Vec<PastChange>,
}

/// Which changes are shown.
#[derive(Deserialize, Default, Clone)]
pub(in crate::console) struct Filter {
    #[serde(default)]
    pub(super) field: String,
    #[serde(default)]
    pub(super) column: String,
    #[serde(default)]
    pub(super) value: String,
    /// The class whose people an undo shows.
    #[serde(default)]
    pub(super) class: String,
    #[serde(default)]
    pub(super) after: u64,
}

/// The choice of people on the page.
pub(super) struct Choice {
    /// How many are chosen.
    pub(super) count: u64,
    /// How many of how many are chosen.
    pub(super) chosen: Counted,
    /// The button that sends.
    pub(super) send: Counted,
    /// What the undo covers if it does not cover everyone.
    pub(super) covers: String,
    /// The buttons that tick and untick the people shown, the class and the page.
    pub(super) tick: String,
    pub(super) untick: String,
    pub(super) class: String,
    pub(super) after: u64,
    /// Whether the page of a class is shown.
    pub(super) is_class: bool,
}

/// A text with the number of people who are chosen, which the page keeps up to date. `#` is the number.
pub(super) struct Counted {
    pub(super) now: String,
    pub(super) one: String,
    pub(super) other: String,
}
