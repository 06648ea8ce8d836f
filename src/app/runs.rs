//! Lists of runs with their summaries and states.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::error::AppError;
use crate::journal::{Journal, JournalError, RunLock, RunRecord, RunState, State};
use crate::l10n::{Argument, Message, message, say};
use crate::model::{Exit, Outcome, Problem, RowState, Summary};
use crate::run::{AuditEntry, Release, Settings, stored_plan};

/// A run as listed by `runs`: its summary, its state and its undo relations.
#[derive(Debug, Serialize)]
pub struct ListedRun {
    /// The summary.
    #[serde(flatten)]
    pub summary: Summary,
    /// The current state.
    pub state: RunState,
    /// The run that this undo restores, if it is an undo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// The undo runs of this run, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undone_by: Vec<String>,
    /// The rows that it changed and that no undo has covered, if the others are undone.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_undone: u64,
    /// Whether it went to a simulated API.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// The accounts that started and resumed the run.
    #[serde(rename = "deeds", skip_serializing_if = "Vec::is_empty")]
    pub audit_log: Vec<AuditEntry>,
    /// The account that released rows about protected persons, and the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl ListedRun {
    /// How far it has come, in words.
    pub fn state_in_words(&self) -> String {
        match self.state {
            RunState::Undone if self.not_undone > 0 => say().run_state_partly_undone(),
            state => state.in_words(),
        }
    }

    /// Returns the account that started the run, or an empty string for runs of older versions, which did not
    /// record it.
    pub fn account(&self) -> &str {
        self.audit_log
            .first()
            .map_or("", |entry| &entry.actor.account)
    }
}

/// An unsuccessful row.
#[derive(Debug, Serialize)]
pub struct UnsuccessfulRow {
    pub row: u64,
    pub state: RowState,
    /// The problems of the row, which contain personal data.
    pub problems: Vec<ShownProblem>,
}

/// A problem of a row: a code and arguments for scripts, and a text for the reader.
#[derive(Debug, Serialize)]
pub struct ShownProblem {
    pub code: String,
    /// The header of the column. Empty if the problem concerns the whole row.
    pub column: String,
    /// The field. Empty if the problem concerns the whole row.
    pub field: String,
    /// The message's arguments by name, without text from the API.
    pub args: BTreeMap<String, Argument>,
    /// The message in the reader's language.
    pub text: String,
}

impl From<Problem> for ShownProblem {
    fn from(problem: Problem) -> ShownProblem {
        let args = problem.message.args();
        ShownProblem {
            args: args
                .map(|(name, argument)| (name.to_owned(), argument.clone()))
                .collect(),
            text: problem.message.to_string(),
            code: problem.code.into_owned(),
            column: problem.column,
            field: problem.field,
        }
    }
}

/// Returns the unsuccessful rows of a run, in row order.
pub fn unsuccessful(journal: &Journal, run: i64) -> Result<Vec<UnsuccessfulRow>, AppError> {
    let outcomes = journal.unsuccessful(run, usize::MAX)?;
    let row = |outcome: Outcome| UnsuccessfulRow {
        row: outcome.row,
        state: outcome.state,
        problems: outcome.problems.into_iter().map(Into::into).collect(),
    };
    Ok(outcomes.into_iter().map(row).collect())
}

/// Whether a run went to a simulated API.
pub fn is_rehearsal(run: &RunRecord) -> bool {
    Settings::of(run).is_ok_and(|settings| settings.sandbox)
}

/// Returns the details of a run in the journal at `at`.
pub fn listed(journal: &Journal, run: &RunRecord, at: &State) -> Result<ListedRun, AppError> {
    let state = state_of(run, at);
    let mut summary = figures_so_far(journal, run)?;
    // The stored summary is older than the rows if the run continued after it.
    let is_dead = run.summary.is_none() && state == RunState::Undone;
    if is_dead || matches!(state, RunState::Running | RunState::Interrupted) {
        summary.states = journal.states(run.id)?;
        let open = summary.rows.saturating_sub(summary.states.total());
        summary.states.add(RowState::NotSent, open);
    }
    let settings = Settings::of(run).ok();
    let (undoes, release, audit_log) = settings.map_or((None, None, Vec::new()), |settings| {
        let undoes = settings.delivery.undoes;
        (undoes, settings.roster.release, settings.audit_log)
    });
    Ok(ListedRun {
        summary,
        state,
        undoes,
        audit_log,
        release,
        rehearsal: is_rehearsal(run),
        not_undone: not_undone(journal, run)?,
        undone_by: undone_by(journal, run)?
            .into_iter()
            .map(|undo| undo.name)
            .collect(),
    })
}

/// Returns the undo runs of this run, newest first, except those that were undone themselves.
pub(super) fn undone_by(journal: &Journal, run: &RunRecord) -> Result<Vec<RunRecord>, AppError> {
    if run.state != RunState::Undone {
        return Ok(Vec::new());
    }
    Ok(undos_in_force(journal, run)?
        .into_iter()
        .map(|(undo, _)| undo)
        .collect())
}

/// The undo runs of this run, the newest first, with the rows of this run that each restored. One that was undone
/// itself counts as far as it was not.
pub(super) fn undos_in_force(
    journal: &Journal,
    run: &RunRecord,
) -> Result<Vec<(RunRecord, Vec<u64>)>, AppError> {
    let mut undos = Vec::new();
    for undo in journal.undos_after(run.id)? {
        let has_begun = !matches!(
            undo.state,
            RunState::Planning | RunState::Held | RunState::Declined
        );
        let is_of_run = Settings::of(&undo)
            .is_ok_and(|settings| settings.delivery.undoes.as_ref() == Some(&run.name));
        if !has_begun || !is_of_run {
            continue;
        }
        let mut rows = journal.restored(run.id, undo.id)?;
        let mut is_in_force = true;
        if undo.state == RunState::Undone {
            let again = undone_rows(journal, &undo)?;
            let mut paths = BTreeSet::new();
            journal.each_call_after::<JournalError>(undo.id, 0, |call, _| {
                if again.contains(&call.at.row) {
                    paths.insert(call.path);
                }
                Ok(true)
            })?;
            let mut brought_back = BTreeSet::new();
            journal.each_call_after::<JournalError>(run.id, 0, |call, _| {
                if paths.contains(&call.path) {
                    brought_back.insert(call.at.row);
                }
                Ok(true)
            })?;
            rows.retain(|row| !brought_back.contains(row));
            is_in_force = !rows.is_empty();
        }
        if is_in_force {
            undos.push((undo, rows));
        }
    }
    Ok(undos)
}

/// The rows of a run that undo runs restored, and that were not changed back since.
pub(super) fn undone_rows(journal: &Journal, run: &RunRecord) -> Result<BTreeSet<u64>, AppError> {
    let undos = undos_in_force(journal, run)?.into_iter();
    Ok(undos.flat_map(|(_, rows)| rows).collect())
}

/// The number of rows that an undone run changed and that no undo has covered.
fn not_undone(journal: &Journal, run: &RunRecord) -> Result<u64, AppError> {
    if run.state != RunState::Undone {
        return Ok(0);
    }
    let mut covered = Vec::new();
    for (undo, _) in undos_in_force(journal, run)? {
        match Settings::of(&undo)?.delivery.undo_rows {
            Some(rows) => covered.push(rows),
            None => return Ok(0),
        }
    }
    if covered.is_empty() {
        return Ok(0);
    }
    let states = RowState::ALL.iter().copied();
    let states: Vec<RowState> = states.filter(|state| state.may_have_changed()).collect();
    let changed = journal.rows_in(run.id, &states)?;
    let is_left = |row: &&u64| !covered.iter().any(|rows| rows.holds(**row, **row));
    Ok(changed.iter().filter(is_left).count() as u64)
}

/// Returns the name of the run that this one restores, if it is an undo that has begun and was not undone
/// itself.
pub(super) fn undone_name(run: &RunRecord) -> Option<String> {
    let has_begun = !matches!(
        run.state,
        RunState::Undone | RunState::Planning | RunState::Held
    );
    let is_undo = run.command == "undo" && has_begun;
    is_undo.then(|| Settings::of(run).ok()?.delivery.undoes)?
}

/// Returns the summary of a run, stored or computed from its rows so far.
pub(super) fn figures_so_far(journal: &Journal, run: &RunRecord) -> Result<Summary, AppError> {
    let mut summary = match &run.summary {
        Some(_) => figures_of(run)?,
        None => of_a_dead_run(journal, run)?,
    };
    // The run continued after the stored summary and has no final one.
    if run.finished_at.is_none() {
        let traces = journal.traces(run.id)?;
        let pauses = Settings::of(run).map(|settings| settings.pauses);
        let pauses = pauses.unwrap_or_default();
        summary.lookups = journal.plan(run.id)?.1;
        summary.requests = summary.lookups + traces.requests;
        summary.retries = traces.retries;
        summary.finished_at = pauses.worked_until(run, traces.last);
        summary.exit_code = Exit::Interrupted;
        (summary.held, summary.held_by, summary.stop) = (None, None, None);
        pauses.divide(&mut summary);
    }
    Ok(summary)
}

/// Returns the stored summary of a run.
///
/// # Errors
/// Fails if there is no summary or it cannot be parsed.
pub fn figures_of(run: &RunRecord) -> Result<Summary, AppError> {
    let text = run.summary.as_deref();
    let text = text.ok_or_else(|| AppError::Front(message::runs_no_figures(run.name.as_str())))?;
    Summary::of_stored(text).map_err(|error| {
        let what = say().runs_unreadable(run.name.as_str());
        AppError::Front(Message::verbatim(format!("{what}: {error}")))
    })
}

/// Computes the summary of a run whose process was killed before it stored one.
fn of_a_dead_run(journal: &Journal, run: &RunRecord) -> Result<Summary, AppError> {
    let plan = stored_plan(journal, run.id)?;
    let states = journal.states(run.id)?;
    let file = (None, 0);
    let times = (run.started_at, run.finished_at.unwrap_or(run.started_at));
    let summary = Summary::of_no_run(
        &run.target,
        run.file.clone(),
        file,
        &run.sha256,
        states,
        times,
    );
    Ok(Summary {
        run: run.name.clone(),
        base_url: run.base_url.clone(),
        rows: plan.map_or(states.total(), |plan| plan.rows),
        exit_code: Exit::Interrupted,
        ..summary
    })
}

/// Returns the state of a run. A run in progress whose lock is free counts as interrupted.
fn state_of(run: &RunRecord, at: &State) -> RunState {
    let open = matches!(run.state, RunState::Running | RunState::Planning);
    // Between two batches a queued run has no lock and is not interrupted.
    if open && Settings::of(run).is_ok_and(|settings| settings.queued.is_some()) {
        return run.state;
    }
    let is_held = || RunLock::is_held(at, &run.name).unwrap_or(true);
    if open && !is_held() {
        RunState::Interrupted
    } else {
        run.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Scene, roster};
    use crate::events::Plan;
    use crate::model::seconds_between;
    use crate::run::Queued;

    fn shown(scene: &Scene, name: &str) -> ListedRun {
        let run = scene.record(name);
        listed(&scene.journal(), &run, &scene.session.state).unwrap()
    }

    #[test]
    fn a_run_in_progress_without_a_lock_counts_as_interrupted() {
        use RunState::{Finished, Held, Interrupted, Planning, Running};
        let scene = Scene::new();
        let mut settings = scene.settings("r.csv");
        let state = |run: &RunRecord| state_of(run, &scene.session.state);
        for under_way in [Running, Planning] {
            settings.queued = None;
            let run = scene.run("run", under_way, &settings);
            assert_eq!(state(&run), Interrupted);
            let lock = RunLock::share(&scene.session.state, &run.name).unwrap();
            assert_eq!(state(&run), under_way);
            drop(lock);
            // Between two batches a queued run has no lock.
            settings.queued = Some(Queued {
                id: 1,
                file: "r.csv".into(),
                audit_log: Vec::new(),
            });
            let run = scene.run("run", under_way, &settings);
            assert_eq!(state(&run), under_way);
        }
        for over in [Finished, Held, Interrupted] {
            let run = scene.run("run", over, &settings);
            assert_eq!(state(&run), over);
        }
    }

    #[test]
    fn a_killed_run_is_summarized_from_its_rows() {
        use RowState::{Failed, Updated};
        let scene = Scene::new();
        scene.write("r.csv", &roster(5));
        let settings = scene.settings("r.csv");
        let run = scene.run("first", RunState::Running, &settings);
        scene.rows(&run, &[Some(Updated), Some(Failed), None, None]);
        let plan = Plan {
            rows: 5,
            ..Plan::default()
        };
        let plan = serde_json::to_string(&plan).unwrap();
        scene.journal().set_plan(run.id, &plan, 0).unwrap();
        let summary = shown(&scene, "first").summary;
        assert_eq!((summary.rows, summary.states.updated), (5, 1));
        assert_eq!((summary.states.failed, summary.states.not_sent), (1, 3));
        assert_eq!(
            (&*summary.run, summary.exit_code),
            ("first", Exit::Interrupted)
        );
        assert_eq!(summary.base_url, "http://127.0.0.1:1");
        // Requests and duration are computed from the rows.
        assert_eq!((summary.requests, summary.retries), (2, 0));
        let last = scene.journal().traces(run.id).unwrap().last.unwrap();
        assert_eq!(summary.finished_at, last);
        let whole = seconds_between(run.started_at, last);
        assert_eq!(summary.duration_s, whole);

        // The rows are newer than the stored summary.
        let old = scene.end(&run, RunState::Interrupted, Exit::Interrupted);
        assert_eq!(old.rows, 2);
        scene.rows(&run, &[Some(Updated); 2]);
        assert_eq!(shown(&scene, "first").summary.states.updated, 2);
        // The process that continued the run was killed too, so the old end time and requests do not count.
        assert_eq!(shown(&scene, "first").summary.finished_at, old.finished_at);
        scene.journal().set_plan(run.id, &plan, 3).unwrap();
        scene.journal().reopen(run.id).unwrap();
        let summary = shown(&scene, "first").summary;
        assert_eq!((summary.lookups, summary.requests), (3, 5));
        let last = scene.journal().traces(run.id).unwrap().last;
        assert_eq!(Some(summary.finished_at), last);
        // An undone run without a summary is summarized from its rows; a finished one has its own.
        let run = scene.run("undone", RunState::Undone, &settings);
        scene.rows(&run, &[Some(Updated), None]);
        scene.journal().set_plan(run.id, &plan, 0).unwrap();
        let states = shown(&scene, "undone").summary.states;
        assert_eq!((states.updated, states.not_sent), (1, 4));
        let run = scene.run("closed", RunState::Running, &settings);
        scene.end(&run, RunState::Finished, Exit::Success);
        scene.rows(&run, &[Some(Updated)]);
        scene.journal().set_state(run.id, RunState::Undone).unwrap();
        assert_eq!(shown(&scene, "closed").summary.states.updated, 0);
        let run = scene.run("whole", RunState::Running, &settings);
        scene.end(&run, RunState::Finished, Exit::Success);
        scene.rows(&run, &[Some(Updated)]);
        assert_eq!(shown(&scene, "whole").summary.states.updated, 0);
        assert!(figures_of(&scene.record("undone")).is_err());
    }

    #[test]
    fn a_run_killed_after_its_last_row_counts_as_interrupted() {
        let scene = Scene::new();
        let run = scene.run("first", RunState::Running, &scene.settings("r.csv"));
        scene.rows(&run, &[Some(RowState::Updated)]);
        assert_eq!(shown(&scene, "first").summary.exit_code, Exit::Interrupted);
    }

    #[test]
    fn an_undone_run_lists_the_undos_that_have_begun() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(1));
        let settings = scene.settings("r.csv");
        let run = scene.finished("first", 1, &settings);
        scene.finished("other", 1, &settings);
        let mut undo = scene.settings("r.csv");
        undo.delivery.undoes = Some("first".into());
        scene.finished("undo", 1, &undo);
        let names = |scene: &Scene| shown(scene, "first").undone_by;
        // The run was undone, and the undo was undone too.
        assert_eq!(names(&scene), Vec::<String>::new());
        scene.journal().set_state(run.id, RunState::Undone).unwrap();
        assert_eq!(names(&scene), ["undo"]);
        for (state, counts) in [
            (RunState::Planning, false),
            (RunState::Held, false),
            (RunState::Undone, false),
            (RunState::Running, true),
            (RunState::Interrupted, true),
        ] {
            let name = format!("undo-{}", state.as_str());
            scene.run(&name, state, &undo);
            assert_eq!(names(&scene).contains(&name), counts, "{name}");
        }
        undo.delivery.undoes = Some("other".into());
        scene.finished("undo-of-other", 1, &undo);
        assert!(!names(&scene).contains(&"undo-of-other".to_owned()));
        assert_eq!(shown(&scene, "undo").undoes.as_deref(), Some("first"));
        assert_eq!(shown(&scene, "first").undoes, None);
    }
}
