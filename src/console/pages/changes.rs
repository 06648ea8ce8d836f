//! The changes of a plan, for the pages of a plan and of an undo.

use serde::Deserialize;

use crate::app::PastChange;
use crate::console::page::{Counted, Pages};

pub(super) struct Changes {
    pub(super) rows: Vec<Changed>,
    /// Whether the values are those that were delivered before the undone run.
    pub(super) are_last_delivered: bool,
    /// The name of the field, its column in the roster, the number of changes, and whether it is the filter.
    pub(super) fields: Vec<(String, String, String, bool)>,
    pub(super) classes: Vec<Class>,
    /// The choice of people, if there is one.
    pub(super) choosing: Option<Choice>,
    /// The position, if there are several pages.
    pub(super) pages: Option<Pages>,
}

pub(super) struct Class {
    pub(super) name: String,
    pub(super) query: String,
    /// The number of changed rows.
    pub(super) count: String,
    pub(super) is_chosen: bool,
}

pub(super) struct Changed {
    pub(super) row: u64,
    /// The row of the undone run and whether it is ticked, if people can be chosen.
    pub(super) choice: Option<(u64, bool)>,
    pub(super) line: u64,
    pub(super) key: String,
    /// The name of the person, or the key if the roster is missing.
    pub(super) who: String,
    pub(super) class: String,
    /// Whether the person must not be named, so that no value is shown.
    pub(super) is_hidden: bool,
    pub(super) changes: Vec<PastChange>,
}

#[derive(Deserialize, Default, Clone)]
pub(in crate::console) struct Filter {
    #[serde(default)]
    pub(super) field: String,
    #[serde(default)]
    pub(super) column: String,
    #[serde(default)]
    pub(super) value: String,
    #[serde(default)]
    pub(super) class: String,
    /// The page, from 1.
    #[serde(default)]
    page: u64,
    /// The page of the rows that failed, from 1.
    #[serde(default)]
    failed: u64,
}

impl Filter {
    pub(super) fn page(&self) -> u64 {
        self.page.max(1)
    }

    pub(super) fn failed(&self) -> u64 {
        self.failed.max(1)
    }
}

pub(super) struct Choice {
    /// How many of how many people are chosen.
    pub(super) chosen: Counted,
    pub(super) send: Counted,
    /// What the undo covers, if it does not cover everyone.
    pub(super) covers: String,
    /// The labels of the buttons that tick and untick people.
    pub(super) tick: String,
    pub(super) untick: String,
    pub(super) class: String,
    pub(super) page: u64,
    pub(super) is_class: bool,
}
