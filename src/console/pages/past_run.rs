//! The page of a past run, with its files and the actions on it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path as Place, Query, State};
use axum::response::Response;

use super::attention::{Attention, attention};
use super::changes::{Changes, Filter};
use super::plan::{CANARY, Overview, changes, hide_persons, overview, rows_with};
use super::run::plan_page;
use super::{name_of, note_of, start_job, undo};
use crate::app::{
    Action, AppError, Decisions, GoOn, ListedRun, NamedPaths, at_hand, decide, decline, is_dropped,
    listed, report_again, resumed, retried_run, roster_of,
};
use crate::console::desk::Desk;
use crate::console::job::Task;
use crate::console::live::Phase;
use crate::console::opened::{Again, Opened};
use crate::console::page::{Frame, Made, Pages, Trouble, download, go_to, html, page, report};
use crate::console::since::Since;
use crate::console::words::{
    held_in_words, listed_in_words, outcome_in_words, stop_in_words, system_name,
};
use crate::events::{Plan, Unobserved};
use crate::fleet;
use crate::journal::{Journal, RunRecord, RunState, make_private_folder};
use crate::l10n::{local_time, number, rows, say};
use crate::model::{Code, RowState, Standing, Summary};
use crate::report::ResultPaths;
use crate::run::{AuditEntry, Prepared, Settings, stored_plan};
use crate::safe_fs;

#[derive(Template)]
#[template(path = "past_run.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    name: String,
    /// The page on which the run waits for an answer.
    asking: Option<&'static str>,
    /// The path of the file, for the IT department.
    path: String,
    state: String,
    is_rehearsal: bool,
    /// The position in the shared queue, and the estimated completion time.
    queued: Vec<(String, String)>,
    /// Why it ended early, for the IT department.
    technical: Option<String>,
    rows: String,
    notes: Vec<String>,
    /// The accounts that started and continued the run.
    audit_log: Vec<String>,
    /// The reason why the run is held.
    held: Option<String>,
    states: Vec<(String, String)>,
    /// The output files: the key, the description and the name.
    files: Vec<(&'static str, String, String)>,
    /// The folder of the output files, in words.
    folder: Option<String>,
    /// The possible actions: the value and the label.
    actions: Vec<(&'static str, String)>,
    /// Whether an action sends, so that it accepts a note.
    sends: bool,
    approval: Option<Approval>,
    declines: bool,
    /// The plan of a run that waits for the user.
    plan: Option<(Overview, Changes)>,
    failed: Option<Failed>,
    /// The changes of a run that has ended, under a heading.
    changed: Option<(String, Changes)>,
}

struct Failed {
    heading: String,
    rows: Vec<Attention>,
    can_correct: bool,
    pages: Option<Pages>,
}

struct Approval {
    button: String,
    question: String,
    /// The number of rows that may be sent first, if records can be read back.
    first: Option<u64>,
    /// Whether the roster exists, so that it can be corrected first.
    can_correct: bool,
}

pub(in crate::console) async fn show(
    State(desk): State<Arc<Desk>>,
    Place(name): Place<String>,
    Query(filter): Query<Filter>,
) -> Response {
    page(desk, move |desk| made(desk, &name, &filter)).await
}

/// Returns the notes of the people who started, approved or declined a run.
pub(super) fn notes(run: &ListedRun) -> Vec<String> {
    let notes = run.audit_log.iter().filter_map(|entry| entry.note.as_ref());
    notes
        .map(|note| say().console_note_of(note.as_str()))
        .collect()
}

/// Returns the page on which a run waits for an answer, if it does.
pub(super) fn asking(desk: &Desk, name: &str) -> Option<&'static str> {
    let job = desk.job()?;
    let seen = job.live.seen();
    let is_asking = matches!(seen.phase, Phase::Asking(..)) && !job.was_discarded();
    (is_asking && seen.run.as_deref() == Some(name)).then(|| plan_page(&job.task))
}

fn made(desk: &Desk, name: &str, filter: &Filter) -> Made {
    let journal = Journal::open(&desk.state)?;
    let run = journal.run(Some(name))?;
    let mut row = listed(&journal, &run, &desk.state)?;
    let entry = fleet::place_of(&desk.state, &run, &mut row)?;
    let mut queued: Vec<(String, String)> = Vec::new();
    if let Some(entry) = entry {
        queued.push((say().summary_queue(), entry.in_words()));
    }
    if let Some(finish) = row.summary.estimated_finish.filter(|_| !queued.is_empty()) {
        queued.push((say().summary_ready(), local_time(finish)));
    }
    let is_held = row.state == RunState::Held;
    let plan = stored_plan(&journal, run.id)?;
    let to_send = plan.as_ref().filter(|_| is_held).map(|plan| {
        // Workers of the queue send all rows of an approved run.
        let settings = Settings::of(&run).ok();
        let settings = settings.filter(|settings| settings.queued.is_none());
        let spec = settings.and_then(|settings| settings.spec().ok());
        let reads_back = spec.is_some_and(|spec| {
            spec.is_readable() && spec.lookup.as_ref().is_some_and(|how| how.read.is_some())
        });
        (plan.to_send, reads_back)
    });
    let is_over = row.state.is_over() || row.state == RunState::Interrupted;
    // The file of an undo has no names. Without the roster, rows have none.
    let roster = match (is_held || is_over) && row.undoes.is_none() {
        true => roster_of(&run).ok(),
        false => None,
    };
    let roster = roster.as_ref();
    let actions = actions(desk, &run, &row);
    let failed = match is_over {
        true => failed(&journal, &run, &row, roster, filter)?,
        false => None,
    };
    let failed = failed.map(|failed| Failed {
        can_correct: actions.iter().any(|(action, _)| *action == "mend"),
        ..failed
    });
    let changed = match plan.as_ref().filter(|_| is_over) {
        Some(plan) => changed(&journal, &run, &row, (plan, roster), filter)?,
        None => None,
    };
    let plan = match plan.filter(|_| is_held) {
        Some(plan) => {
            let chosen = roster.map(|roster| rows_with(roster, filter));
            let chosen = chosen.transpose()?.flatten();
            let changes = changes(&journal, run.id, &plan, filter, roster, chosen, false)?;
            let is_undo = row.undoes.is_some();
            let mut overview = Overview {
                approves: !plan.rows_to_approve().is_empty() && desk.out_of_reach(&run).is_none(),
                ..overview(&plan, is_undo)
            };
            overview.not_sent(&journal, run.id, roster, is_undo)?;
            if let Some(roster) = roster {
                hide_persons(&mut overview, (&journal, run.id), roster)?;
            }
            overview.since = Since::of(&journal, run.id, &plan, roster)?;
            Some((overview, changes))
        }
        None => None,
    };
    let by_row = (plan.as_ref()).is_some_and(|(overview, _)| overview.approves);
    let approval =
        to_send
            .filter(|_| desk.out_of_reach(&run).is_none())
            .map(|(count, reads_back)| Approval {
                button: match by_row {
                    true => say().console_approve_ticked(),
                    false => say().console_approve(),
                },
                // The number of changes depends on the ticked rows.
                question: match by_row {
                    true => say().console_approve_ticked_question(),
                    false => say().console_approve_question(count, number(count)),
                },
                first: (reads_back && count > CANARY).then_some(CANARY),
                can_correct: Path::new(&run.file).is_file(),
            });
    let is_undo = row.undoes.is_some();
    let states = outcome_in_words(&row.summary.states, is_undo).into_iter();
    let states = states.map(|(state, text)| (state.as_str().to_owned(), text));
    let asking = asking(desk, &run.name);
    let spec = Settings::of(&run).and_then(|settings| settings.spec());
    let system = spec.map_or(say().console_the_system(), |spec| system_name(&spec));
    let stop = row.summary.stop.as_ref();
    let why = stop.map(|stop| stop_in_words(stop.code, stop.message.to_string(), &system));
    let (why, technical) = why.unzip();
    let technical = technical.flatten();
    let there = files(&written(desk, &journal, &run, row.summary.clone()));
    // The run that was just sent is the last step of the import.
    let is_last = desk
        .job()
        .is_some_and(|job| job.has_ended() && job.live.seen().run.as_deref() == Some(&*run.name));
    let here = if is_last { "done" } else { "runs" };
    Ok(html(&Page {
        frame: Frame::of(desk, here, {
            let at = local_time(run.started_at);
            match &row.undoes {
                Some(undone) => {
                    let undone = journal
                        .run(Some(undone))
                        .map(|run| local_time(run.started_at));
                    say().console_undo_of(undone.unwrap_or_default(), at)
                }
                None => say().console_run_of(name_of(Path::new(&run.file)), at),
            }
        }),
        name: run.name.clone(),
        asking,
        path: run.file.clone(),
        state: match asking {
            Some(_) => say().console_state_asking(),
            None => listed_in_words(&row),
        },
        is_rehearsal: row.rehearsal,
        queued,
        rows: rows(row.summary.rows),
        notes: notes(&row),
        audit_log: row.audit_log.iter().map(AuditEntry::in_words).collect(),
        held: match desk.out_of_reach(&run) {
            Some(why) => Some(why),
            None if is_removed(desk, &run) => Some(Code::RunRosterRemoved.sentence()),
            None if row.state == RunState::Declined => Some(match &run.held {
                Some(held) => say().console_declined_because(held_in_words(held)),
                None => say().console_declined(),
            }),
            None => run.held.as_ref().map(held_in_words).or(why),
        },
        technical,
        states: states.collect(),
        folder: there.first().and_then(|(_, path)| {
            let folder = path.parent()?.display().to_string();
            Some(say().console_files_folder(folder))
        }),
        files: there
            .into_iter()
            .map(|(which, path)| (which, holds(which), name_of(&path)))
            .collect(),
        sends: actions
            .iter()
            .any(|(action, _)| matches!(*action, "approve" | "resume")),
        actions,
        approval,
        declines: is_held,
        plan,
        failed,
        changed,
    }))
}

/// The number of failed rows per page.
const FAILED: u64 = 40;

/// Returns a page of the rows of a run that failed.
fn failed(
    journal: &Journal,
    run: &RunRecord,
    row: &ListedRun,
    roster: Option<&Prepared>,
    filter: &Filter,
) -> Result<Option<Failed>, AppError> {
    let mut outcomes = journal.unsuccessful(run.id, usize::MAX)?;
    let all = outcomes.len() as u64;
    if all == 0 {
        return Ok(None);
    }
    let page = filter.failed();
    let skipped = usize::try_from((page - 1).saturating_mul(FAILED)).unwrap_or(usize::MAX);
    outcomes.drain(..skipped.min(outcomes.len()));
    outcomes.truncate(FAILED as usize);
    let mut rows = attention(journal, run.id, roster, &outcomes)?;
    if let Some(undone) = &row.undoes
        // Without the undone run, people have no names.
        && let Ok(undone) = journal.run(Some(undone))
    {
        let shown = rows.iter().map(|one| one.row).collect();
        let people = undo::people(journal, run.id, &undone, Some(&shown))?;
        for one in &mut rows {
            if let Some(which) = undo::which(&people, one.row) {
                one.which = which;
            }
        }
    }
    Ok(Some(Failed {
        heading: say().console_who_failed(all, number(all)),
        rows,
        can_correct: false,
        pages: Pages::of(page, all, FAILED, |page| format!("failed={page}")),
    }))
}

/// Returns a page of the people that a run changed, under a heading. There is none if the changes are not stored
/// any more.
fn changed(
    journal: &Journal,
    run: &RunRecord,
    row: &ListedRun,
    (plan, roster): (&Plan, Option<&Prepared>),
    filter: &Filter,
) -> Result<Option<(String, Changes)>, AppError> {
    if row.summary.states.updated == 0 {
        return Ok(None);
    }
    let updated = journal.rows_in(run.id, &[RowState::Updated])?;
    let mut updated: BTreeSet<u64> = updated.into_iter().collect();
    let undone = match &row.undoes {
        // Without the undone run, people have no names.
        Some(undone) => journal.run(Some(undone)).ok(),
        None => None,
    };
    if let Some(roster) = roster
        && let Some(chosen) = rows_with(roster, filter)?
    {
        updated.retain(|row| chosen.contains(row));
    }
    let mut changes = changes(journal, run.id, plan, filter, roster, Some(updated), true)?;
    if let Some(undone) = &undone {
        let shown = changes.rows.iter().map(|changed| changed.row).collect();
        let people = undo::people(journal, run.id, undone, Some(&shown))?;
        undo::name(&mut changes, &people);
    }
    let is_stored = !changes.rows.is_empty();
    let heading = match row.undoes {
        Some(_) => say().console_who_was_restored(),
        None => say().console_who_was_changed(),
    };
    let is_filtered = !filter.value.is_empty() || filter.page() > 1;
    Ok((is_stored || is_filtered).then_some((heading, changes)))
}

/// Returns whether the file of a run was uploaded and has been removed.
fn is_removed(desk: &Desk, run: &RunRecord) -> bool {
    let file = Path::new(&run.file);
    is_dropped(&desk.state, file) && !file.is_file()
}

/// Returns the possible actions of a run, without trying them.
fn actions(desk: &Desk, run: &RunRecord, row: &ListedRun) -> Vec<(&'static str, String)> {
    let (state, summary) = (row.state, &row.summary);
    let settings = Settings::of(run).ok();
    if desk.out_of_reach(run).is_some() {
        return Vec::new();
    }
    let mut actions = Vec::new();
    match state {
        RunState::Interrupted => actions.push(("resume", say().console_resume())),
        RunState::Finished => {
            let states = &summary.states;
            let is_there = !is_removed(desk, run);
            if is_there
                && states.unsuccessful() + states.of(Standing::Open) > 0
                && run.command != "undo"
            {
                actions.push(("mend", say().console_mend_rows()));
            }
        }
        RunState::Declined if Path::new(&run.file).is_file() => {
            actions.push(("correct", say().console_correct_declined()));
        }
        // An approval needs a confirmation.
        RunState::Held
        | RunState::Planning
        | RunState::Running
        | RunState::Replaced
        | RunState::Undone
        | RunState::Declined => {}
    }
    let can_undo =
        settings.is_some_and(|settings| !settings.delivery.blind && !settings.delivery.no_undo);
    let is_over = matches!(state, RunState::Finished | RunState::Interrupted) || row.not_undone > 0;
    if can_undo && is_over && summary.states.updated > 0 {
        let undo = match row.not_undone {
            0 => say().console_undo(),
            left => say().console_undo_rest(left, number(left)),
        };
        actions.push(("undo", undo));
    }
    actions
}

/// Returns a run's summary with the paths of its files. The files of a queued run are written here on first
/// use, because no machine has them.
fn written(desk: &Desk, journal: &Journal, run: &RunRecord, summary: Summary) -> Summary {
    let is_over = run.state == RunState::Finished;
    let Some(mut settings) = Settings::of(run)
        .ok()
        .filter(|settings| is_over && settings.queued.is_some() && desk.state.database().is_some())
    else {
        return summary;
    };
    let mut again = || {
        at_hand(&desk.state, run, &mut settings)?;
        // Beside the roster on this machine, in a folder of the run, where the names are free.
        let folder = settings.roster.file.with_file_name(&run.name);
        let name = settings.roster.file.file_name().unwrap_or_default();
        let paths = ResultPaths::beside(&settings.roster.file.with_file_name("none").join(name));
        let own = |path: &Path| folder.join(path.file_name().unwrap_or_default());
        if own(&paths.results).is_file() {
            let there = |path: &PathBuf| Some(own(path)).filter(|path| path.is_file());
            return Ok(Summary {
                results: there(&paths.results),
                failed_rows: there(&paths.failed),
                new_rows: there(&paths.new),
                report: there(&paths.report),
                ..summary.clone()
            });
        }
        make_private_folder(&folder).map_err(Action::Write.failed(&folder))?;
        let paths = ResultPaths::beside(&folder.join(name));
        report_again(journal, run, &settings, &paths, "")
    };
    // Without the roster there are no files, and the page explains this.
    again().unwrap_or_else(|_: AppError| summary.clone())
}

/// Returns the output files of a run that still exist.
fn files(summary: &Summary) -> Vec<(&'static str, PathBuf)> {
    let files = [
        ("results", &summary.results),
        ("failed", &summary.failed_rows),
        ("new", &summary.new_rows),
        ("before", &summary.before),
        ("report", &summary.report),
    ];
    let there = files.into_iter().filter_map(|(which, path)| {
        let path = path.as_ref().filter(|path| path.is_file())?;
        Some((which, path.clone()))
    });
    there.collect()
}

/// Returns the description of an output file.
fn holds(which: &str) -> String {
    match which {
        "results" => say().console_file_results(),
        "failed" => say().console_file_failed(),
        "new" => say().console_file_new(),
        "before" => say().console_file_before(),
        _ => say().console_file_report(),
    }
}

/// Serves an output file of a run.
pub(in crate::console) async fn file(
    State(desk): State<Arc<Desk>>,
    Place((name, which)): Place<(String, String)>,
) -> Response {
    page(desk, move |desk| {
        let journal = Journal::open(&desk.state)?;
        let run = journal.run(Some(&name))?;
        let row = listed(&journal, &run, &desk.state)?;
        let mut files = files(&written(desk, &journal, &run, row.summary)).into_iter();
        let found = files.find(|(known, _)| *known == which);
        let (_, path) = found.ok_or_else(|| Trouble::Wrong(say().console_file_gone()))?;
        let bytes = safe_fs::read_file(&path, MOST_BYTES).map_err(Action::Read.failed(&path))?;
        Ok(match &*which {
            "report" => report(bytes),
            _ => download(&name_of(&path), bytes),
        })
    })
    .await
}

/// The maximum size of a file for the browser.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;

/// Resumes, approves, corrects or undoes a run.
pub(in crate::console) async fn act(
    State(desk): State<Arc<Desk>>,
    Place(name): Place<String>,
    Form(said): Form<Vec<(String, String)>>,
) -> Response {
    page(desk, move |desk| {
        let journal = Journal::open(&desk.state)?;
        let run = journal.run(Some(&name))?;
        if let Some(why) = desk.out_of_reach(&run) {
            return Err(Trouble::Wrong(why));
        }
        let file = name_of(Path::new(&run.file));
        let what = said.iter().find(|(key, _)| key == "what");
        let what = what.map(|(_, value)| value.as_str());
        let ticked = ticked(&journal, &run, &said)?;
        let settings = Settings::of(&run).ok();
        let queued = settings
            .as_ref()
            .and_then(|settings| settings.queued.clone());
        let note = said.iter().find(|(key, _)| key == "note");
        let note = note_of(note.map(|(_, value)| value));
        let mut session = desk.session(Box::new(Unobserved))?;
        session.author.note.clone_from(&note);
        let entry = |command| AuditEntry::of(&session.author, command, session.clock.timestamp());
        match (what, queued) {
            // Any worker continues the run.
            (Some("approve"), Some(queued)) => {
                let paths = NamedPaths::default();
                let (run, mut settings) = resumed(&session, Some(&name), GoOn::Approve, &paths)?;
                // The plan of a queued run is not shown here, so there are no decisions about it.
                let decisions = Decisions {
                    rows: ticked.as_deref(),
                    ..Decisions::default()
                };
                decide(&session, &run, &mut settings, decisions)?;
                fleet::put_back(&desk.state, queued.id, GoOn::Approve, &entry("approve"))?;
                return go_to(&format!("/runs/{name}"));
            }
            // Workers of the queue send all rows of a run.
            (Some("approve_first"), Some(_)) => return Err(Trouble::Nothing),
            (Some("resume"), Some(queued)) => {
                resumed(&session, Some(&name), GoOn::Resume, &NamedPaths::default())?;
                fleet::put_back(&desk.state, queued.id, GoOn::Resume, &entry("resume"))?;
                return go_to(&format!("/runs/{name}"));
            }
            _ => {}
        }
        let task = match what {
            Some(how @ ("approve" | "approve_first")) => Task::Approve {
                run: name,
                ticked,
                first: (how == "approve_first").then_some(CANARY),
            },
            Some("correct") => return correct(desk, &run, file),
            Some("resume") => Task::Resume(name),
            Some("undo") => Task::Undo {
                run: name,
                rows: None,
                agreed: None,
            },
            Some("decline") => {
                let declined = decline(&session, &name)?;
                if let Some(queued) = settings.and_then(|settings| settings.queued) {
                    fleet::end_declined(&desk.state, queued.id)?;
                }
                if let Some(trouble) = declined.trouble {
                    return Err(trouble.into());
                }
                return go_to(&format!("/runs/{name}"));
            }
            Some("mend") => {
                let row = said.iter().find(|(key, _)| key == "row");
                let row = row.and_then(|(_, row)| row.parse().ok());
                return mend(desk, &journal, &run, file, row);
            }
            _ => return Err(Trouble::Nothing),
        };
        start_job(desk, task, (file, None), note)
    })
    .await
}

/// Returns the ticked rows, if rows of the run require individual approval.
fn ticked(
    journal: &Journal,
    run: &RunRecord,
    said: &[(String, String)],
) -> Result<Option<Vec<RangeInclusive<u64>>>, AppError> {
    let plan = stored_plan(journal, run.id)?;
    let by_row = plan.is_some_and(|plan| !plan.rows_to_approve().is_empty());
    let rows = said.iter().filter(|(key, _)| key == "row");
    let rows = rows.filter_map(|(_, row)| row.parse().ok());
    Ok(by_row.then(|| rows.map(|row: u64| row..=row).collect()))
}

/// Opens the roster of a held run.
fn correct(desk: &Arc<Desk>, run: &RunRecord, name: String) -> Made {
    let settings = Settings::of(run)?;
    let target = desk.door.target().is_none().then(|| run.target.clone());
    let session = desk.session(Box::new(Unobserved))?;
    let file = &settings.roster.file;
    let wanted = desk.door.wanted(&session, file, target.as_deref())?;
    // The corrected rows are sent with the console's settings, so both must use the same API.
    let own = &wanted.settings;
    let address = |of: &Settings| of.delivery.client.base_url.trim_end_matches('/').to_owned();
    let place = |of: &Settings| (address(of), of.delivery.variables.clone());
    let spec = settings.spec()?;
    let is_same = own.sandbox == settings.sandbox
        && wanted.spec.name == spec.name
        // A simulated API has an address only after it was started.
        && (own.sandbox || place(own) == place(&settings));
    if !is_same {
        let text = say().console_other_address(address(&settings), address(own));
        return Err(Trouble::Wrong(text));
    }
    let of = (Arc::new(spec), settings.roster);
    let opened = Opened::of(&desk.state, name, target, of, None)?;
    desk.put(opened);
    go_to("/problems")
}

/// Opens the rows of a run that did not succeed, or one of them.
fn mend(
    desk: &Arc<Desk>,
    journal: &Journal,
    run: &RunRecord,
    file: String,
    row: Option<u64>,
) -> Made {
    let session = desk.session(Box::new(Unobserved))?;
    let states = RowState::ALL.iter().copied();
    let states = states.filter(|state| state.can_be_retried()).collect();
    let apply = |run: &mut Settings| desk.door.apply(run);
    let paths = NamedPaths::default();
    let settings = retried_run(&session, &run.name, states, &apply, &paths)?;
    let spec = settings.spec()?;
    let outcomes = journal.outcomes(run.id, 0, u64::MAX)?.into_iter();
    let unsuccessful = outcomes.filter(|outcome| !outcome.state.succeeded());
    let is_same = settings.roster.file == Path::new(&run.file);
    let outcomes = unsuccessful
        .filter(|_| is_same)
        .map(|outcome| (outcome.row, outcome))
        .collect();
    let again = Again {
        run: run.name.clone(),
        settings,
        outcomes,
    };
    let of = (Arc::new(spec), again.settings.roster.clone());
    desk.put(Opened::of(&desk.state, file, None, of, Some(again))?);
    match row.filter(|_| is_same) {
        Some(row) => go_to(&format!("/problems?row={row}")),
        None => go_to("/problems"),
    }
}
