//! Interrupted and held runs resume from what the journal holds.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use super::error::AppError;
use super::paths::NamedPaths;
use super::ready::Ready;
use super::session::Session;
use crate::events::Plan;
use crate::journal::{Journal, RunRecord, RunState};
use crate::l10n::{conflicts, say};
use crate::model::{Code, Lines, NAMED_ROWS, row_list};
use crate::plan::{ConflictPolicy, without};
use crate::run::{RunError, Settings, Start};
use crate::targets::Place;

/// Which of the runs that have not come to their end is gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoOn {
    /// One that was interrupted.
    Resume,
    /// One that a guard holds.
    Approve,
}

/// A run that is gone on with, the newest that was interrupted if none is named, and its settings.
///
/// # Errors
/// When there is nothing left to do for it, or what it needs is gone.
pub fn resumed(
    session: &Session,
    name: Option<&str>,
    how: GoOn,
    paths: &NamedPaths,
) -> Result<(RunRecord, Settings), AppError> {
    let journal = Journal::open(&session.state)?;
    let record = match name {
        Some(name) => journal.run(Some(name))?,
        None => journal.newest_unfinished()?,
    };
    refuse_over(&record, how)?;
    let mut settings = Settings::of(&record)?;
    let refuse = |why| RunError::NotResumable {
        run: record.name.clone(),
        why,
    };
    if session.has_lost(&settings) {
        return Err(refuse(Code::WhySandboxGoneImport).into());
    }
    if settings.roster.file == Path::new("-") {
        return Err(refuse(Code::WhyStandardInput).into());
    }
    paths.replace(&mut settings.delivery.paths)?;
    Ok((record, settings))
}

/// Where a run continues that is held by this process now, with its file read.
///
/// # Errors
/// When another process brought it further meanwhile, or the file is not what it was.
pub fn go_on(
    session: &Session,
    record: &RunRecord,
    how: GoOn,
    ready: &Ready,
) -> Result<Start, AppError> {
    let record = Journal::open(&session.state)?.run(Some(&record.name))?;
    refuse_over(&record, how)?;
    if ready.prepared.input.sha256().map_err(RunError::from)? != record.sha256 {
        return Err(RunError::Changed {
            run: record.name,
            file: record.file,
        }
        .into());
    }
    Ok(match how {
        GoOn::Approve => Start::Approve(Box::new(record)),
        GoOn::Resume => Start::Resume(Box::new(record)),
    })
}

/// Records which rows of a held run are approved that turn one person into another, as they were planned.
///
/// # Errors
/// When the run is held for such rows and none are named, a row is named that needs no approval, or the
/// journal cannot be written.
pub fn approve_rows(
    session: &Session,
    record: &RunRecord,
    settings: &mut Settings,
    rows: Option<&[RangeInclusive<u64>]>,
) -> Result<(), AppError> {
    let mut journal = Journal::open(&session.state)?;
    let (plan, _) = journal.plan(record.id)?;
    let plan = plan.and_then(|json| serde_json::from_str::<Plan>(&json).ok());
    let plan = plan.unwrap_or_default();
    let changed = plan.rows_to_approve();
    let Some(rows) = rows else {
        let guards = &settings.delivery.guards;
        let lines = Lines::default();
        return match guards.by_row(&plan.identity_rows, &plan.renumber_rows, &lines) {
            None => Ok(()),
            Some(_) => {
                let rows = row_list(&changed);
                Err(AppError::Usage(say().on_approve_rows(&*record.name, rows)))
            }
        };
    };
    if let Some(row) = needs_none(rows, &changed) {
        return Err(AppError::Usage(match &changed[..] {
            [] => say().approve_none(&*record.name),
            rows => {
                let first = &rows[..rows.len().min(NAMED_ROWS)];
                say().approve_no_need(row.to_string(), row_list(first))
            }
        }));
    }
    let mut approved = BTreeMap::new();
    for row in changed {
        if rows.iter().any(|rows| rows.contains(&row)) {
            let facts = journal.facts(record.id, row, row)?;
            let digest = facts.into_iter().find_map(|(_, facts)| facts.identity);
            approved.extend(digest.map(|digest| (row, digest)));
        }
    }
    settings.delivery.approved = Some(approved);
    journal.take_over(record.id)?;
    journal.set_settings(record.id, &settings.to_json()?)?;
    Ok(())
}

/// The first of the named rows that is none of `changed`, which are in order.
fn needs_none(named: &[RangeInclusive<u64>], changed: &[u64]) -> Option<u64> {
    named.iter().find_map(|rows| {
        let known = changed.iter().filter(|row| rows.contains(row));
        // They are in order: the first that is missing is the first that is not where it is due.
        let mut due = *rows.start();
        for row in known {
            if *row != due {
                break;
            }
            due += 1;
        }
        rows.contains(&due).then_some(due)
    })
}

/// Checks the decision about the conflicts of a held run before anything is
/// recorded.
///
/// # Errors
/// When there are any and nothing is decided, nothing was asked, or the journal cannot be read.
pub fn check_conflicts(
    session: &Session,
    record: &RunRecord,
    settings: &Settings,
    decision: Option<ConflictPolicy>,
) -> Result<(), AppError> {
    let journal = Journal::open(&session.state)?;
    let (plan, _) = journal.plan(record.id)?;
    let plan = plan.and_then(|json| serde_json::from_str::<Plan>(&json).ok());
    let asked = plan.map_or(0, |plan| plan.conflicts.asked);
    let way = format!("{}{}", record.name, session.journal_flag);
    match decision {
        // What was decided before holds.
        None if asked == 0 || !settings.delivery.edits.asks() => Ok(()),
        None | Some(ConflictPolicy::Ask) => {
            let way = say().on_approve_conflicts(way);
            let text = say().approve_conflicts(conflicts(asked), way);
            Err(AppError::Usage(text))
        }
        Some(_) if !settings.delivery.edits.asks() => {
            Err(AppError::Usage(say().approve_no_conflicts(&*record.name)))
        }
        Some(_) => Ok(()),
    }
}

/// Records the decision about the conflicts of a held run.
///
/// # Errors
/// As [`check_conflicts`], or when the journal cannot be written.
pub fn decide_conflicts(
    session: &Session,
    record: &RunRecord,
    settings: &mut Settings,
    decision: Option<ConflictPolicy>,
) -> Result<(), AppError> {
    check_conflicts(session, record, settings, decision)?;
    let Some(decision) = decision else {
        return Ok(());
    };
    settings.delivery.edits.decide(decision);
    let mut journal = Journal::open(&session.state)?;
    journal.take_over(record.id)?;
    Ok(journal.set_settings(record.id, &settings.to_json()?)?)
}

/// Leaves columns, by their headers, out of the rows of a run that are still to be sent.
///
/// # Errors
/// When one is mapped to a field, is no column of the file, or leaves nothing to send, or the journal
/// cannot be written.
pub fn leave_out(
    session: &Session,
    record: &RunRecord,
    ready: &mut Ready,
    columns: &[(String, String)],
) -> Result<(), AppError> {
    if columns.is_empty() {
        return Ok(());
    }
    if let Some((column, field)) = columns.iter().find(|(_, field)| !field.is_empty()) {
        let pair = format!("{column}={field}");
        return Err(AppError::Usage(say().resume_only_leaves_out(pair)));
    }
    let before = ready.prepared.clone();
    ready.say_of_columns(session, columns.to_vec())?;
    let spec = before.checker.spec();
    let has = |map: &crate::map::ColumnMap, field: usize| map.column(field).is_some();
    let (old, new) = (before.checker.map(), ready.prepared.checker.map());
    let is_sent = |field: &usize| spec.fields[*field].place == Place::Body && has(new, *field);
    if !(0..spec.fields.len()).any(|field| is_sent(&field)) {
        return Err(AppError::Usage(say().resume_nothing_left()));
    }
    let fields = 0..spec.fields.len();
    let fields: Vec<usize> = fields
        .filter(|field| has(old, *field) && !has(new, *field))
        .collect();
    let mut journal = Journal::open(&session.state)?;
    journal.take_over(record.id)?;
    let mut after = 0;
    loop {
        const BATCH: usize = 1024;
        let calls = journal.open_calls(record.id, after, BATCH)?;
        let Some(last) = calls.last() else {
            break;
        };
        after = last.at.row;
        let less: Vec<_> = calls
            .into_iter()
            .map(|call| without(spec, call, &fields))
            .collect();
        journal.replace_calls(record.id, &less)?;
    }
    journal.set_settings(record.id, &ready.settings.to_json()?)?;
    Ok(())
}

/// Refuses a run with nothing left to do.
fn refuse_over(record: &RunRecord, how: GoOn) -> Result<(), AppError> {
    let why = match record.state {
        RunState::Undone => Code::WhyUndone,
        RunState::Held if how == GoOn::Approve => return Ok(()),
        _ if how == GoOn::Approve => {
            let run = record.name.clone();
            return Err(RunError::NotHeld { run }.into());
        }
        RunState::Finished => Code::WhyEnded,
        RunState::Replaced => Code::WhyReplaced,
        RunState::Held => Code::WhyHeld,
        RunState::Planning | RunState::Running | RunState::Interrupted => return Ok(()),
    };
    Err(RunError::NotResumable {
        run: record.name.clone(),
        why,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ready::ready;
    use crate::app::scene::{Scene, roster, wanted};

    #[test]
    fn only_what_was_interrupted_is_resumed_and_only_what_is_held_is_approved() {
        use RunState::{Finished, Held, Interrupted, Planning, Replaced, Running, Undone};
        let scene = Scene::new();
        let settings = scene.settings("r.csv");
        let refused = |state: RunState, how| {
            let run = scene.run(state.as_str(), state, &settings);
            match refuse_over(&run, how) {
                Ok(()) => None,
                Err(AppError::Run(RunError::NotResumable { why, .. })) => Some(why),
                Err(AppError::Run(RunError::NotHeld { .. })) => Some(Code::RunNotHeld),
                Err(other) => panic!("{other}"),
            }
        };
        for (state, resumed, approved) in [
            (Planning, None, Some(Code::RunNotHeld)),
            (Running, None, Some(Code::RunNotHeld)),
            (Interrupted, None, Some(Code::RunNotHeld)),
            (Held, Some(Code::WhyHeld), None),
            (Finished, Some(Code::WhyEnded), Some(Code::RunNotHeld)),
            (Replaced, Some(Code::WhyReplaced), Some(Code::RunNotHeld)),
            (Undone, Some(Code::WhyUndone), Some(Code::WhyUndone)),
        ] {
            assert_eq!(refused(state, GoOn::Resume), resumed, "{}", state.as_str());
            assert_eq!(
                refused(state, GoOn::Approve),
                approved,
                "{}",
                state.as_str()
            );
        }
    }

    #[test]
    fn a_named_row_that_needs_no_approval_is_found() {
        for (named, first) in [
            (vec![3..=3, 17..=18], None),
            (vec![], None),
            (vec![3..=4], Some(4)),
            (vec![1..=20], Some(1)),
            (vec![3..=3, 5..=5], Some(5)),
            (vec![17..=u64::MAX], Some(19)),
            (vec![18..=18, 17..=19], Some(19)),
        ] {
            assert_eq!(needs_none(&named, &[3, 17, 18]), first, "{named:?}");
        }
        assert_eq!(needs_none(&[4..=4], &[]), Some(4));
    }

    #[test]
    fn without_a_name_the_newest_interrupted_run_is_resumed() {
        let scene = Scene::new();
        let settings = scene.settings("r.csv");
        scene.run("older", RunState::Interrupted, &settings);
        scene.run("newer", RunState::Interrupted, &settings);
        scene.run("ended", RunState::Finished, &settings);
        let named = NamedPaths {
            results: Some("out.csv".into()),
            ..NamedPaths::default()
        };
        let resumed = |name| resumed(&scene.session, name, GoOn::Resume, &named);
        let (run, settings) = resumed(None).unwrap();
        assert_eq!(run.name, "newer");
        assert_eq!(settings.delivery.paths.results, Path::new("out.csv"));
        assert_eq!(resumed(Some("older")).unwrap().0.name, "older");
    }

    #[test]
    fn runs_from_standard_input_or_to_an_ended_sandbox_are_not_resumed() {
        let scene = Scene::new();
        let why = |change: &dyn Fn(&mut Settings)| {
            let mut settings = scene.settings("r.csv");
            change(&mut settings);
            let run = scene.run("run", RunState::Interrupted, &settings);
            let name = Some(run.name.as_str());
            match resumed(&scene.session, name, GoOn::Resume, &NamedPaths::default()) {
                Err(AppError::Run(RunError::NotResumable { why, .. })) => why,
                other => panic!("{:?}", other.map(|(run, _)| run)),
            }
        };
        let input = |settings: &mut Settings| settings.roster.file = "-".into();
        assert_eq!(why(&input), Code::WhyStandardInput);
        let played = |settings: &mut Settings| settings.sandbox = true;
        assert_eq!(why(&played), Code::WhySandboxGoneImport);
    }

    #[test]
    fn a_run_goes_on_only_with_the_content_that_it_began_with() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let settings = scene.settings("r.csv");
        let record = scene.run("first", RunState::Interrupted, &settings);
        let held = scene.run("held", RunState::Held, &settings);
        let start = |record: &RunRecord, how| {
            let ready = ready(&scene.session, wanted(settings.clone())).unwrap();
            go_on(&scene.session, record, how, &ready)
        };
        let resumed = start(&record, GoOn::Resume).unwrap();
        assert!(matches!(resumed, Start::Resume(run) if run.name == "first"));
        let approved = start(&held, GoOn::Approve).unwrap();
        assert!(matches!(approved, Start::Approve(run) if run.name == "held"));
        // Another process finished it meanwhile.
        scene
            .journal()
            .set_state(record.id, RunState::Finished)
            .unwrap();
        assert!(start(&record, GoOn::Resume).is_err());
        scene
            .journal()
            .set_state(record.id, RunState::Interrupted)
            .unwrap();
        scene.write("r.csv", &roster(3));
        let changed = start(&record, GoOn::Resume).map(|_| ()).unwrap_err();
        assert!(matches!(changed, AppError::Run(RunError::Changed { .. })));
    }
}
