//! Continuation of interrupted and held runs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::Path;

use super::error::AppError;
use super::paths::NamedPaths;
use super::ready::Ready;
use super::session::Session;
use crate::events::Plan;
use crate::journal::{Journal, RunRecord, RunState};
use crate::l10n::{conflicts, message, say};
use crate::model::{Call, Code, FIELD_BOUND, Lines, NAMED_ROWS, Problem, row_list};
use crate::plan::{ConflictPolicy, can_do_without, without};
use crate::run::{RunError, Settings, Start, stored_plan};
use crate::targets::{Place, TargetSpec};

/// Which unfinished runs continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoOn {
    /// Resumes an interrupted run.
    Resume,
    /// Approves a run that a guard holds.
    Approve,
}

/// Returns the run to continue, by default the newest interrupted one, and its settings.
///
/// # Errors
/// Fails if the run is not in a state to continue, its sandbox is gone, or it read standard input.
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

/// Decides how a run continues whose roster this process has locked and read.
///
/// # Errors
/// Fails if another process has continued the run in the meantime, or the content of the file has changed.
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

/// The decisions about a held run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Decisions<'a> {
    /// The approved rows among those that require individual approval.
    pub rows: Option<&'a [RangeInclusive<u64>]>,
    /// The policy for the run's conflicts.
    pub conflicts: Option<ConflictPolicy>,
    /// Whether the conflicts are decided after the run is planned again.
    pub asks_later: bool,
}

/// Records the decisions about the rows and conflicts of a held run, as its plan shows them. If both require
/// a decision, one is enough: the run is held again for the other.
///
/// # Errors
/// Fails if a required decision is missing, a decision is not required, or the journal cannot be written.
pub fn decide(
    session: &Session,
    record: &RunRecord,
    settings: &mut Settings,
    decisions: Decisions<'_>,
) -> Result<(), AppError> {
    let mut journal = Journal::open(&session.state)?;
    let plan = stored_plan(&journal, record.id)?.unwrap_or_default();
    let seen = seen_conflicts(&journal, record.id, &plan)?;
    refuse_missing(session, record, (settings, &plan, &seen), decisions)?;
    if let Some(rows) = decisions.rows {
        settings.delivery.approved = Some(approved(&journal, record, (settings, &plan), rows)?);
    }
    if let Some(decision) = decisions.conflicts {
        // A plan that applied an earlier decision lists no conflicts.
        if plan.conflicts.asked == 0 {
            (settings.delivery.decided.values_mut()).for_each(|earlier| *earlier = decision);
        }
        let seen = seen.into_iter().map(|digest| (digest, decision));
        settings.delivery.decided.extend(seen);
    }
    if decisions.rows.is_some() || decisions.conflicts.is_some() {
        journal.take_over(record.id)?;
        journal.set_settings(record.id, &settings.to_json()?)?;
    }
    Ok(())
}

/// Refuses to release a held run if a required decision is missing.
fn refuse_missing(
    session: &Session,
    record: &RunRecord,
    (settings, plan, seen): (&Settings, &Plan, &[String]),
    decisions: Decisions<'_>,
) -> Result<(), AppError> {
    let delivery = &settings.delivery;
    let asked = plan.conflicts.asked;
    // A process may have been killed after it recorded a decision and before it planned the run again.
    let are_decided = !seen.is_empty()
        && seen
            .iter()
            .all(|digest| delivery.decided.contains_key(digest));
    let lines = Lines::default();
    let by_row = (delivery.guards).by_row(&plan.identity_rows, &plan.renumber_rows, &lines);
    let way = format!("{}{}", record.name, session.journal_flag);
    let undecided = || {
        let way = say().on_approve_conflicts(way.as_str());
        AppError::Usage(say().approve_conflicts(conflicts(asked), way))
    };
    match decisions.conflicts {
        Some(_) if asked == 0 && delivery.decided.is_empty() => {
            return Err(AppError::Usage(say().approve_no_conflicts(&*record.name)));
        }
        Some(ConflictPolicy::Ask) => return Err(undecided()),
        Some(_) => return Ok(()),
        None if decisions.rows.is_some() => return Ok(()),
        None => {}
    }
    if by_row.is_some() && delivery.approved.is_none() {
        let rows = row_list(&plan.rows_to_approve());
        return Err(AppError::Usage(say().on_approve_rows(&*record.name, rows)));
    }
    if asked > 0 && !are_decided && !decisions.asks_later {
        return Err(undecided());
    }
    Ok(())
}

/// Returns the approved rows among those that require individual approval, with the digests of their changes.
fn approved(
    journal: &Journal,
    record: &RunRecord,
    (settings, plan): (&Settings, &Plan),
    rows: &[RangeInclusive<u64>],
) -> Result<BTreeMap<u64, String>, AppError> {
    let known = settings.delivery.approved.clone().unwrap_or_default();
    let before = known.keys();
    let changed: BTreeSet<u64> = plan
        .rows_to_approve()
        .into_iter()
        .chain(before.copied())
        .collect();
    let changed: Vec<u64> = changed.into_iter().collect();
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
            let digest = digest.or_else(|| known.get(&row).cloned());
            approved.extend(digest.map(|digest| (row, digest)));
        }
    }
    Ok(approved)
}

/// Returns the digests of the conflicts that a plan lists for a decision.
fn seen_conflicts(journal: &Journal, run: i64, plan: &Plan) -> Result<Vec<String>, AppError> {
    const ROWS: u64 = 4096;
    let mut seen = Vec::new();
    if plan.conflicts.asked > 0 {
        for first in (1..=plan.rows).step_by(ROWS as usize) {
            let facts = journal.facts(run, first, first + ROWS - 1)?.into_iter();
            seen.extend(facts.flat_map(|(_, facts)| facts.conflicts));
        }
    }
    Ok(seen)
}

/// Returns the first row in `named` that is not in the sorted list `changed`.
fn needs_none(named: &[RangeInclusive<u64>], changed: &[u64]) -> Option<u64> {
    named.iter().find_map(|rows| {
        let known = changed.iter().filter(|row| rows.contains(row));
        // The list is sorted, so the first gap is the first missing row.
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

/// Excludes columns, given by header, from the rows of a run that are not sent yet.
///
/// # Errors
/// Fails if a column is assigned to a field instead, does not exist, or leaves nothing to send, or the
/// journal cannot be written.
pub fn leave_out(
    session: &Session,
    record: &RunRecord,
    ready: &mut Ready,
    columns: &[(String, String)],
) -> Result<(), AppError> {
    const BATCH: usize = 1024;
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
    // The first pass only validates, so that a refused row leaves all rows unchanged.
    for replaces in [false, true] {
        let mut after = 0;
        loop {
            let calls = journal.open_calls(record.id, after, BATCH)?;
            let Some(last) = calls.last() else {
                break;
            };
            after = last.at.row;
            let less = calls.into_iter().map(|call| less_of(spec, call, &fields));
            let less = less.collect::<Result<Vec<_>, _>>().map_err(|field| {
                let column = before.checker.name_of(field);
                AppError::Usage(say().resume_needs_value(column))
            })?;
            if replaces {
                journal.replace_calls(record.id, &less)?;
            }
        }
    }
    journal.set_settings(record.id, &ready.settings.to_json()?)?;
    Ok(())
}

/// Returns a planned request without these fields, and without an identity number or its temporary flag if
/// the other is removed.
///
/// # Errors
/// Returns the field that each update requires and whose previous value is unknown.
fn less_of(spec: &TargetSpec, call: Call, fields: &[usize]) -> Result<Call, usize> {
    let is_changed = |field: &usize| {
        let mut names = call.changed.split(' ');
        names.any(|name| name == spec.fields[*field].name())
    };
    let left_out: Vec<usize> = fields.iter().copied().filter(is_changed).collect();
    let mut bound = spec.bound_to(&left_out);
    bound.retain(is_changed);
    let all: Vec<usize> = fields.iter().chain(&bound).copied().collect();
    if let Some(field) = all
        .iter()
        .find(|field| !can_do_without(spec, &call, **field))
    {
        return Err(*field);
    }
    let notes = bound.iter().map(|field| {
        let name = spec.fields[*field].name();
        Problem {
            field: name.to_owned(),
            ..Problem::of_row(FIELD_BOUND, message::row_bound(name))
        }
    });
    let mut call = call.clone();
    call.note.extend(notes);
    Ok(without(spec, call, &all))
}

/// Refuses a run that is not in a state to continue.
fn refuse_over(record: &RunRecord, how: GoOn) -> Result<(), AppError> {
    let why = match record.state {
        RunState::Undone => Code::WhyUndone,
        RunState::Declined => Code::WhyDeclined,
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
    use crate::app::tests::{Scene, planned, roster, wanted};

    #[test]
    fn only_unfinished_runs_resume_and_only_held_runs_are_approved() {
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
    fn the_first_row_that_needs_no_approval_is_reported() {
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
    fn a_run_continues_only_if_its_roster_is_unchanged() {
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
        // Another process finished the run in the meantime.
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

    #[test]
    fn a_column_required_by_any_row_is_not_excluded_from_others() {
        use crate::journal::PlannedWhat;
        use crate::journal::{Stage, Writer};
        let scene = Scene::new();
        scene.write("r.csv", "id,name,nickname\n1,Bo,B\n");
        let mut settings = scene.settings("r.csv");
        let record = scene.run("first", RunState::Interrupted, &settings);
        let mut rows: Vec<_> = (1..=1025).map(|row| planned(row, None)).collect();
        let Some(PlannedWhat::Call(call)) = rows.last_mut().map(|row| &mut row.what) else {
            panic!("no call");
        };
        call.changes.clear();
        let writer = Writer::start(scene.journal(), record.id, Stage::Planning).unwrap();
        writer.plan_blocking(rows).unwrap();
        writer.close().unwrap();
        settings.roster.read.origin = crate::read::Origin::Named;
        let mut ready = ready(&scene.session, wanted(settings)).unwrap();
        let columns = [("name".to_owned(), String::new())];
        let refused = leave_out(&scene.session, &record, &mut ready, &columns);
        assert!(matches!(refused, Err(AppError::Usage(_))), "{refused:?}");
        let calls = scene.journal().open_calls(record.id, 0, 2000).unwrap();
        assert_eq!(calls.len(), 1025);
        assert!(calls.iter().all(|call| call.changed == "name"));
    }

    #[test]
    fn excluding_a_number_excludes_its_flag_but_keeps_required_fields() {
        use crate::model::Change;
        use serde_json::{Value as Json, json};
        let spec = crate::targets::load("meitner").unwrap();
        let field = |name: &str| spec.field(name).unwrap();
        let change = |name: &str, from: Json, to: Json| Change {
            field: name.to_owned(),
            from: Some(from),
            to,
        };
        let number = change(
            "identity_number",
            json!("20150101-TF01"),
            json!("20150101-2387"),
        );
        let mark = change("identity_temporary", json!(true), json!(false));
        let body = json!({
            "identityNumber": "20150101-2387", "identityTemporary": false,
            "firstName": "Eva", "lastName": "Ek",
        });
        let call = Call {
            body: body.to_string().into_bytes(),
            changed: "identity_number identity_temporary first_name".to_owned(),
            changes: vec![
                number,
                mark,
                change("first_name", json!("Åsa"), json!("Eva")),
            ],
            at: crate::model::RowAt::FIRST,
            ..Call::default()
        };
        for (left_out, other) in [
            ("identity_number", "identity_temporary"),
            ("identity_temporary", "identity_number"),
        ] {
            let less = less_of(&spec, call.clone(), &[field(left_out)]).unwrap();
            let body: Json = serde_json::from_slice(&less.body).unwrap();
            assert_eq!(body["identityNumber"], "20150101-TF01", "{body}");
            assert_ne!(body["identityTemporary"], false, "{body}");
            assert_eq!((&*less.changed, less.changes.len()), ("first_name", 1));
            assert_eq!(less.note.len(), 1);
            assert_eq!(
                (&*less.note[0].field, &*less.note[0].code),
                (other, FIELD_BOUND)
            );
        }
        let others = less_of(&spec, call.clone(), &[field("first_name")]).unwrap();
        let body: Json = serde_json::from_slice(&others.body).unwrap();
        assert_eq!(body["firstName"], "Åsa");
        assert_eq!(
            (&*others.changed, others.note.len()),
            ("identity_number identity_temporary", 0)
        );
        // A required field without a known previous value cannot be excluded.
        let unknown = Call {
            changes: Vec::new(),
            ..call
        };
        let refused = less_of(&spec, unknown.clone(), &[field("identity_temporary")]);
        assert_eq!(refused.unwrap_err(), field("identity_number"));
        assert!(less_of(&spec, unknown, &[field("phone_number1")]).is_ok());
    }
}
