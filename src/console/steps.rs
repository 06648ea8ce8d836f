//! The steps of an import, each with its state.

use super::desk::Desk;
use super::job::Job;
use super::live::Phase;
use super::opened::Opened;
use super::questions::questions;
use crate::l10n::{number, say};
use crate::model::Exit;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepState {
    Done,
    Attention,
    UnderWay,
    Waiting,
}

impl StepState {
    pub(super) fn class(self) -> &'static str {
        match self {
            StepState::Done => "done",
            StepState::Attention => "attention",
            StepState::UnderWay => "under-way",
            StepState::Waiting => "waiting",
        }
    }

    fn in_words(self) -> String {
        match self {
            StepState::Done => say().console_state_done(),
            StepState::Attention => say().console_state_attention(),
            StepState::UnderWay => say().console_state_under_way(),
            StepState::Waiting => say().console_state_waiting(),
        }
    }
}

/// A step in the list at the top of the pages of an import.
pub(super) struct Step {
    /// The address of its page, if it can be visited.
    pub(super) path: Option<String>,
    pub(super) is_here: bool,
    pub(super) name: String,
    pub(super) state: StepState,
    pub(super) words: String,
}

const PAGES: [&str; 6] = ["file", "columns", "problems", "plan", "run", "done"];

/// Returns the steps for the page `here`, or none for a page outside an import.
pub(super) fn steps(desk: &Desk, opened: Option<&Opened>, here: &str) -> Vec<Step> {
    if !PAGES.contains(&here) {
        return Vec::new();
    }
    let job = desk.job();
    // A run that was not started from the open file has separate steps.
    let is_of_file = |opened: &&Opened| {
        let is_own = job.as_ref().is_none_or(|job| job.is_of(opened));
        is_own || !["plan", "run", "done"].contains(&here) || (here == "plan" && !plans(&job))
    };
    let opened = opened.filter(is_of_file);
    let states = match opened {
        Some(opened) => {
            let own = job.as_deref().filter(|job| job.is_of(opened));
            let of_job = of_job(own, own.is_some_and(|job| job.is_stale(opened)));
            let can_plan = opened.checked.is_ok() && opened.without_rows().is_none();
            [of_file(opened), of_job]
                .concat()
                .into_iter()
                .map(move |(state, path)| {
                    // The page of a step that has not started describes how to start it.
                    let path =
                        path.or_else(|| (state.1 == "plan" && can_plan).then(|| "/plan".into()));
                    (state, path)
                })
                .collect::<Vec<_>>()
        }
        None => of_job(job.as_deref(), false),
    };
    let left = opened.and_then(|opened| Some(opened.checked.as_ref().ok()?.left));
    let failed = job.as_deref().map_or(0, |job| match job.live.seen().phase {
        Phase::Ended(end) => end
            .summary
            .map_or(0, |summary| summary.states.unsuccessful()),
        _ => 0,
    });
    let step = |((state, page), path): ((StepState, &'static str), Option<String>)| Step {
        path,
        is_here: page == here,
        name: name(page),
        state,
        words: match (page, state, left) {
            ("problems", StepState::Attention, Some(left)) => {
                say().console_state_left(left, number(left))
            }
            ("done", StepState::Attention, _) if failed > 0 => {
                say().console_state_not_through(failed, number(failed))
            }
            _ => state.in_words(),
        },
    };
    states.into_iter().map(step).collect()
}

/// Returns whether a job shows its own plan.
fn plans(job: &Option<std::sync::Arc<Job>>) -> bool {
    job.as_ref()
        .is_some_and(|job| job.goes_on() && !job.has_ended())
}

fn name(page: &str) -> String {
    match page {
        "file" => say().console_step_file(),
        "columns" => say().console_step_columns(),
        "problems" => say().console_step_problems(),
        "plan" => say().console_step_plan(),
        "run" => say().console_step_run(),
        _ => say().console_step_done(),
    }
}

type Known = ((StepState, &'static str), Option<String>);

/// Returns the steps before the plan.
fn of_file(opened: &Opened) -> Vec<Known> {
    use StepState::{Attention, Done, Waiting};
    let is_read = opened.look.is_ok() && opened.which_sheet().is_empty();
    let has_rows = opened.without_rows().is_none();
    let answered = match is_read && questions(opened).is_empty() {
        true => Done,
        false => Attention,
    };
    let (columns, rows) = match &opened.checked {
        Ok(checked) if checked.left > 0 => (answered, Attention),
        Ok(_) if !has_rows => (answered, Waiting),
        Ok(_) => (answered, Done),
        Err(_) if is_read => (Attention, Waiting),
        Err(_) => (Waiting, Waiting),
    };
    let file = if is_read && has_rows { Done } else { Attention };
    let page = |state, page: &'static str| {
        let path = (state != Waiting).then(|| format!("/{page}"));
        ((state, page), path)
    };
    vec![
        page(file, "file"),
        page(columns, "columns"),
        page(rows, "problems"),
    ]
}

/// Returns the steps of a job. A job with an outdated plan only needs a new plan.
fn of_job(job: Option<&Job>, is_stale: bool) -> Vec<Known> {
    use StepState::{Attention, Done, UnderWay, Waiting};
    let seen = job.map(|job| job.live.seen());
    let run = seen.as_ref().and_then(|seen| seen.run.clone());
    let is_discarded = job.is_some_and(Job::was_discarded);
    let (plan, send, done) = match seen.map(|seen| seen.phase) {
        None => (Waiting, Waiting, Waiting),
        Some(Phase::Reading | Phase::LookingUp(..) | Phase::Asking(..)) if is_stale => {
            (Attention, Waiting, Waiting)
        }
        // The job ends soon.
        Some(Phase::Reading | Phase::LookingUp(..) | Phase::Asking(..)) if is_discarded => {
            (Waiting, Waiting, Waiting)
        }
        Some(Phase::Reading | Phase::LookingUp(..)) => (UnderWay, Waiting, Waiting),
        Some(Phase::Asking(..)) => (Attention, Waiting, Waiting),
        Some(Phase::Sending) => (Done, UnderWay, Waiting),
        Some(Phase::Ended(end)) => match &end.summary {
            _ if end.unfinished.is_some() => (Attention, Waiting, Waiting),
            // Rows that the user skipped need no attention.
            Some(summary) if summary.exit_code != Exit::Success || summary.stop.is_some() => {
                (Done, Done, Attention)
            }
            Some(_) => (Done, Done, Done),
            None if end.error.is_some() => (Attention, Waiting, Waiting),
            None => (Waiting, Waiting, Waiting),
        },
    };
    let path = |state: StepState, path: String| (state != Waiting).then_some(path);
    vec![
        ((plan, "plan"), path(plan, "/plan".into())),
        ((send, "run"), path(send, "/run".into())),
        (
            (done, "done"),
            path(done, format!("/runs/{}", run.unwrap_or_default())),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::desk::desk;
    use crate::console::job::Task;
    use crate::console::live::Live;
    use crate::events::Unobserved;

    #[test]
    fn after_a_plan_is_declined_no_step_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let session = desk.session(Box::new(Unobserved)).unwrap();
        let task = Task::Resume("run".into());
        let job = Job::new(task, ("r.csv".into(), None), Live::new(), session);
        job.live
            .change(|seen| seen.phase = Phase::Asking(Box::default(), [].into()));
        let states = || {
            of_job(Some(&job), false)
                .into_iter()
                .map(|((state, _), _)| state)
        };
        use StepState::{Attention, Waiting};
        assert!(states().eq([Attention, Waiting, Waiting]));
        assert!(job.discard());
        assert!(states().eq([Waiting; 3]));
    }
}
