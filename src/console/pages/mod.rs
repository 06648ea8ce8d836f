//! The pages, a file each, with their templates beside them.

mod changes;
pub(super) mod columns;
pub(super) mod file;
pub(super) mod history;
mod lines;
pub(super) mod person;
pub(super) mod plan;
pub(super) mod problems;
pub(super) mod run;
pub(super) mod start;
mod suggest;
mod undo;

use std::sync::Arc;

use super::desk::Desk;
use super::job::{Revision, Task};
use super::page::{Made, go_to};

/// The note that was typed, if any.
fn note_of(typed: Option<&String>) -> Option<String> {
    let note = typed?.trim();
    (!note.is_empty()).then(|| note.to_owned())
}

/// Begins a job, and goes where it can be watched.
fn start_job(
    desk: &Arc<Desk>,
    task: Task,
    of: (String, Option<Revision>),
    note: Option<String>,
) -> Made {
    // What was agreed to before is sent without a question.
    let page = match task {
        Task::Import { .. } | Task::Retry { .. } => "/plan",
        Task::Undo { .. } => "/undo",
        Task::Resume(_) | Task::Approve { .. } => "/run",
    };
    desk.start(task, of, note)?;
    go_to(page)
}
