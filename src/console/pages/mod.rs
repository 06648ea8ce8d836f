//! The pages, a file each, with their templates beside them.

pub(super) mod columns;
pub(super) mod file;
pub(super) mod history;
pub(super) mod person;
pub(super) mod plan;
pub(super) mod problems;
pub(super) mod run;
pub(super) mod start;

use std::sync::Arc;

use super::desk::Desk;
use super::job::Task;
use super::page::{Made, go_to};

/// The note that was typed, if any.
fn note_of(typed: Option<&String>) -> Option<String> {
    let note = typed?.trim();
    (!note.is_empty()).then(|| note.to_owned())
}

/// Begins a job, and goes where it can be watched.
fn start_job(desk: &Arc<Desk>, (task, file): (Task, String), note: Option<String>) -> Made {
    // What was agreed to before is sent without a question.
    let page = match task {
        Task::Import { .. } | Task::Retry { .. } | Task::Undo(_) => "/plan",
        Task::Resume(_) | Task::Approve { .. } => "/run",
    };
    desk.start(task, file, note)?;
    go_to(page)
}
