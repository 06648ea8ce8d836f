//! Requests for a plan, and the answers to it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::response::Response;

use super::edits::take_typed;
use super::plan::CANARY;
use super::problems::escaped;
use super::undo;
use super::{note_of, start_job};
use crate::console::desk::Desk;
use crate::console::job::{Agreed, Job, Revision, Task, digests};
use crate::console::live::Phase;
use crate::console::page::{Trouble, go_to, page};
use crate::console::questions::questions;
use crate::events::FoundConflict;
use crate::l10n::say;
use crate::run::Consent;

/// Plans the open roster in a job, which asks before it sends.
pub(in crate::console) async fn make(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    let _turn = desk.turn.clone().lock_owned().await;
    page(desk, move |desk| {
        let task = {
            let mut opened = desk.opened();
            let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
            // A request to start over comes from the page of the run, and the plan is shown first.
            if !said.contains_key("fresh") {
                opened.refuse_other(&said)?;
            }
            // The last input may not have been saved yet.
            take_typed(opened, &said)?;
            let Ok(checked) = &opened.checked else {
                return go_to("/columns");
            };
            if opened.without_rows().is_some() {
                return go_to("/file");
            }
            // A column that may belong to a field is never left out without a question.
            if !questions(opened).is_empty() {
                return go_to("/columns");
            }
            let name = opened.name.clone();
            let sha256 = checked.prepared.input.sha256()?.to_owned();
            let task = match &opened.again {
                Some(again) => {
                    let mut settings = again.settings.clone();
                    settings.roster.read.mends = opened.roster.read.mends.clone();
                    settings.roster.map = opened.roster.map.clone();
                    Task::Retry {
                        settings: Box::new(settings),
                        sha256,
                    }
                }
                None => Task::Import {
                    roster: Box::new(opened.roster.clone()),
                    target: opened.target.clone(),
                    sha256,
                    fresh: said.contains_key("fresh"),
                },
            };
            (task, name, Revision::from(&*opened))
        };
        start_job(desk, task.0, (task.1, Some(task.2)), None)
    })
    .await
}

/// The rows whose fields in conflict keep their values by choice; `None` without a choice.
fn kept_rows(conflicts: &[FoundConflict], said: &HashMap<String, String>) -> Option<BTreeSet<u64>> {
    let rows = conflicts.iter().map(|found| found.row);
    let chosen = |row: &u64| said.get(&format!("row-{row}")).map(String::as_str);
    match said.get("conflicts").map(String::as_str) {
        _ if conflicts.is_empty() => Some(BTreeSet::new()),
        Some("roster") => Some(BTreeSet::new()),
        Some("theirs") => Some(rows.collect()),
        // A row without a choice keeps its values.
        Some("rows") => Some(rows.filter(|row| chosen(row) != Some("roster")).collect()),
        _ => None,
    }
}

/// Stores the selection of people of an undo, and shows the requested page: another selection, or the run that
/// restores the selected people. Returns nothing if the plan is answered as it is.
fn chosen(
    desk: &Arc<Desk>,
    job: &Arc<Job>,
    said: &HashMap<String, String>,
) -> Result<Option<Response>, Trouble> {
    let seen = job.live.seen();
    let (Task::Undo { run, .. }, Phase::Asking(plan, _)) = (&job.task, &seen.phase) else {
        return Ok(None);
    };
    let consent = said.get("consent").map(String::as_str);
    let is_same = seen.run.as_ref() == said.get("run");
    if !is_same || plan.to_send > undo::MOST || consent == Some("no") {
        return Ok(None);
    }
    undo::note_ticks(job, said);
    let Some((journal, undoing)) = job.journal()? else {
        return Ok(None);
    };
    let people = undo::people(&journal, undoing, &journal.run(Some(run))?, None)?;
    let of = |name: &str| said.get(name).map_or("", String::as_str);
    if let (None, Some(query)) = (consent, said.get("go")) {
        return go_to(&format!("/undo?{query}")).map(Some);
    }
    if let Some("tick" | "untick") = consent {
        undo::tick(job, &people, of("class"), consent == Some("tick"));
        let (class, page) = (escaped(of("class")), escaped(of("page")));
        return go_to(&format!("/undo?class={class}&page={page}")).map(Some);
    }
    let Some((selection, rows)) = undo::chosen(job, &people) else {
        return Ok(None);
    };
    if rows.is_empty() {
        return Err(Trouble::Wrong(say().console_undo_none()));
    }
    let is_first = consent == Some("first") && rows.len() as u64 > CANARY;
    let task = Task::Undo {
        run: run.clone(),
        rows: Some(selection),
        agreed: Some(Agreed {
            calls: digests(&journal, undoing, |row| rows.contains(&row))?,
            first: is_first.then_some(CANARY),
        }),
    };
    let of = (job.file.clone(), None);
    start_job(desk, task, of, note_of(said.get("note"))).map(Some)
}

pub(in crate::console) async fn answer(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    page(desk, move |desk| {
        let job = desk.job().ok_or(Trouble::Nothing)?;
        if let Some(made) = chosen(desk, &job, &said)? {
            return Ok(made);
        }
        let seen = job.live.seen();
        // No row can change until the answer was given.
        let opened = desk.opened();
        let is_stale = opened.as_ref().is_some_and(|opened| job.is_stale(opened));
        let consent = said.get("consent").map(String::as_str);
        // The run on the page, with the current rows.
        if seen.run.as_ref() != said.get("run") || (is_stale && consent != Some("no")) {
            return Err(Trouble::Wrong(say().console_other_plan()));
        }
        let first = match consent {
            Some("all") => None,
            Some("first") => Some(CANARY),
            _ => {
                if !job.discard() {
                    return go_to("/run");
                }
                return go_to(
                    match (&job.task, &*opened) {
                        (Task::Undo { run, .. }, _) => format!("/runs/{run}"),
                        (_, Some(_)) => "/problems".to_owned(),
                        (_, None) => "/".to_owned(),
                    }
                    .as_str(),
                );
            }
        };
        if let Phase::Asking(_, conflicts) = &seen.phase {
            let kept = kept_rows(conflicts, &said);
            let kept = kept.ok_or_else(|| Trouble::Wrong(say().console_conflicts_choose()))?;
            let note = note_of(said.get("note"));
            if !job.answer(Consent::Yes { first, kept, note }) {
                return Err(Trouble::Wrong(say().console_other_plan()));
            }
        }
        go_to("/run")
    })
    .await
}
