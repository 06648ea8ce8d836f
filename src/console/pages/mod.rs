//! The pages of the console, one per file, with their templates.

pub(super) mod answer;
mod attention;
mod changes;
pub(super) mod columns;
pub(super) mod edits;
pub(super) mod file;
pub(super) mod history;
mod lines;
pub(super) mod past_run;
pub(super) mod person;
pub(super) mod plan;
pub(super) mod problems;
pub(super) mod run;
pub(super) mod start;
mod suggest;
mod undo;

use std::path::Path;
use std::sync::Arc;

use super::desk::Desk;
use super::job::{Revision, Task};
use super::opened::{Checked, Opened};
use super::page::{Made, Trouble, go_to};

/// Returns the name of a file without its folder.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Returns the checked rows, for a page that exists only with them.
fn checked(opened: &Opened) -> Result<&Checked, Trouble> {
    opened.checked.as_ref().map_err(|_| Trouble::Nothing)
}

/// Returns the note from a form, if it is not empty.
fn note_of(typed: Option<&String>) -> Option<String> {
    let note = typed?.trim();
    (!note.is_empty()).then(|| note.to_owned())
}

fn start_job(
    desk: &Arc<Desk>,
    task: Task,
    of: (String, Option<Revision>),
    note: Option<String>,
) -> Made {
    // An approved run is sent without a question, and so is an undo whose changes were confirmed.
    let page = match task {
        Task::Import { .. } | Task::Retry { .. } => "/plan",
        Task::Undo { agreed: None, .. } => "/undo",
        Task::Undo { .. } | Task::Resume(_) | Task::Approve { .. } => "/run",
    };
    desk.start(task, of, note)?;
    go_to(page)
}
