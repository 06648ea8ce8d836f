//! The plan page shows what a run would change.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::problems::take_typed;
use super::{note_of, start_job};
use crate::app::{AppError, PastChange, Words};
use crate::console::desk::Desk;
use crate::console::job::Task;
use crate::console::live::Phase;
use crate::console::page::{Frame, Made, Trouble, go_to, html, page};
use crate::events::{FoundConflict, PersonChange, Plan};
use crate::journal::{Journal, JournalError};
use crate::l10n::{number, records, say};
use crate::report::{
    person_groups, person_line, plan_fields, plan_not_sent, plan_notes, plan_noticed,
    plan_problems, plan_time,
};
use crate::run::{Consent, Prepared, RunError, row_numbers, rows_seen};

#[derive(Template)]
#[template(path = "plan.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    overview: Overview,
    changes: Changes,
    run: String,
    /// Rows that may be sent first, where what was sent can be read back.
    canary: Option<u64>,
    button: String,
    /// The conflicts to decide.
    conflicts: Vec<Choice>,
    /// Columns of the roster that can be filtered by.
    columns: Vec<(usize, String, bool)>,
    filter: Filter,
}

#[derive(Template)]
#[template(path = "wait.html", config = ".askama.toml")]
struct Waiting {
    frame: Frame,
    live: super::run::Fragment,
}

/// A plan's figures, as they are told.
pub(super) struct Overview {
    pub(super) target: String,
    pub(super) base_url: String,
    pub(super) counts: Vec<(String, String)>,
    pub(super) notes: Vec<String>,
    /// What was restored and what is doubtful, with an example of each kind.
    pub(super) noticed: Vec<String>,
    /// The rows that turn one person into another or give one another number, under their headings: the row
    /// number, and both persons.
    pub(super) persons: Vec<(String, Vec<(u64, String)>)>,
    /// How many more there are.
    pub(super) more_persons: Option<String>,
    /// Whether these rows can be approved here.
    pub(super) approves: bool,
    pub(super) problems: Vec<String>,
    /// How many more rows are invalid.
    pub(super) more: Option<String>,
    pub(super) time: String,
}

/// Some of the changes that a plan makes.
pub(super) struct Changes {
    pub(super) rows: Vec<Changed>,
    /// Whether the values are those that were delivered before a run that is undone.
    pub(super) are_last_delivered: bool,
    /// The field's name, what the roster calls it, how often, and whether it is filtered by.
    pub(super) fields: Vec<(String, String, String, bool)>,
    /// Behind which row the next page begins.
    pub(super) next: Option<String>,
}

/// What is to change in one record.
pub(super) struct Changed {
    pub(super) line: u64,
    pub(super) key: String,
    /// What the roster begins the row with, which is how a person knows it; empty where it is not at hand.
    pub(super) who: String,
    pub(super) changes: Vec<PastChange>,
}

/// Which changes are shown.
#[derive(Deserialize, Default, Clone)]
pub(in crate::console) struct Filter {
    #[serde(default)]
    field: String,
    #[serde(default)]
    column: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    after: u64,
}

/// Records on a page.
const ROWS: usize = 40;

/// Rows that are sent first, where somebody wants to see a few before all.
const CANARY: u64 = 5;

pub(in crate::console) async fn show(
    State(desk): State<Arc<Desk>>,
    Query(filter): Query<Filter>,
) -> Response {
    page(desk, move |desk| made(desk, filter)).await
}

fn made(desk: &Desk, filter: Filter) -> Made {
    let Some(job) = desk.job() else {
        return go_to("/problems");
    };
    let frame = Frame::of(desk, "plan", say().console_plan_title());
    let seen = job.live.seen();
    let (plan, conflicts) = match seen.phase {
        Phase::Asking(plan, conflicts) => (plan, conflicts),
        Phase::Reading | Phase::LookingUp(..) => {
            let live = super::run::fragment(&desk.base, job.live.seen());
            return Ok(html(&Waiting { frame, live }));
        }
        Phase::Sending | Phase::Ended(_) => return go_to("/run"),
    };
    let Some((journal, run)) = job.journal()? else {
        return Err(Trouble::Nothing);
    };
    let prepared = job.prepared.get();
    let header = prepared.map_or(&[][..], |prepared| prepared.input.header());
    let columns = header.iter().enumerate();
    let columns =
        columns.map(|(index, name)| (index, name.clone(), index.to_string() == filter.column));
    let reads_back = prepared.is_some_and(|prepared| {
        let spec = prepared.checker.spec();
        spec.is_readable() && spec.lookup.as_ref().is_some_and(|how| how.read.is_some())
    });
    Ok(html(&Page {
        run: seen.run.clone().unwrap_or_default(),
        overview: overview(&plan),
        conflicts: choices(&conflicts),
        changes: changes(&journal, run, &plan, &filter, prepared.map(Arc::as_ref))?,
        canary: (reads_back && plan.to_send > CANARY).then_some(CANARY),
        button: match &job.task {
            Task::Undo(_) if plan.to_send == 0 => say().console_close_run(),
            _ => say().console_send(records(plan.to_send)),
        },
        columns: columns.collect(),
        filter,
        frame,
    }))
}

pub(super) fn overview(plan: &Plan) -> Overview {
    let mut counts = vec![(number(plan.to_send), say().plan_to_send())];
    let not_sent = plan_not_sent(plan).into_iter();
    counts.extend(not_sent.map(|(count, word, _)| (count, word)));
    Overview {
        target: plan.target.clone(),
        base_url: plan.base_url.clone(),
        counts,
        notes: plan_notes(plan),
        noticed: plan_noticed(plan),
        persons: {
            let lines = |persons: Vec<&PersonChange>| {
                let persons = persons.into_iter();
                persons.map(|of| (of.row, person_line(of))).collect()
            };
            let groups = person_groups(&plan.persons).into_iter();
            groups
                .map(|(heading, persons)| (heading, lines(persons)))
                .collect()
        },
        more_persons: (plan.more_persons > 0).then(|| say().plan_more(number(plan.more_persons))),
        approves: false,
        problems: plan_problems(plan),
        more: {
            let more = plan.invalid.saturating_sub(plan.problems.len() as u64);
            (more > 0).then(|| say().plan_more(number(more)))
        },
        time: plan_time(plan, jiff::Timestamp::now()),
    }
}

/// The rows whose cell in a column is a value, where that is asked for.
fn rows_with(prepared: &Prepared, filter: &Filter) -> Result<Option<BTreeSet<u64>>, AppError> {
    let column: Option<usize> = filter.column.parse().ok();
    let Some(column) = column.filter(|_| !filter.value.trim().is_empty()) else {
        return Ok(None);
    };
    let value = filter.value.trim().to_lowercase();
    let rows = row_numbers(prepared, |row| {
        row.cell(column).is_some_and(|cell| {
            let text = String::from_utf8_lossy(cell.bytes());
            text.trim().to_lowercase() == value
        })
    })?;
    Ok(Some(rows.into_iter().collect()))
}

/// Some of the changes that a run is to make.
pub(super) fn changes(
    journal: &Journal,
    run: i64,
    plan: &Plan,
    filter: &Filter,
    prepared: Option<&Prepared>,
) -> Result<Changes, AppError> {
    let chosen = match prepared {
        Some(prepared) => rows_with(prepared, filter)?,
        None => None,
    };
    let chosen = chosen.as_ref();
    let name = journal.runs()?.into_iter().find(|record| record.id == run);
    let words = name.and_then(|record| Words::of(journal, &record));
    let mut rows = Vec::new();
    let mut next = None;
    journal.each_call_after::<JournalError>(run, filter.after, |call, _| {
        let row = call.at.row;
        if chosen.is_some_and(|rows| !rows.contains(&row)) {
            return Ok(true);
        }
        let changes = words
            .as_ref()
            .map_or(Vec::new(), |words| words.changes(&call));
        if !filter.field.is_empty() && changes.iter().all(|change| change.field != filter.field) {
            return Ok(true);
        }
        if rows.len() == ROWS {
            next = rows.last().map(|(row, _)| *row);
            return Ok(false);
        }
        let changed = Changed {
            line: call.at.sheet_row,
            key: call.key,
            who: String::new(),
            changes,
        };
        rows.push((row, changed));
        Ok(true)
    })?;
    if let Some(prepared) = prepared {
        name_rows(prepared, &mut rows)?;
    }
    let mut fields: Vec<(String, u64)> = plan.fields.clone();
    fields.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    // What the roster calls them, in the same order.
    let named = plan_fields(plan);
    let fields = fields
        .into_iter()
        .zip(named)
        .map(|((name, count), (column, _))| {
            let is = name == filter.field;
            (name, column, number(count), is)
        });
    Ok(Changes {
        are_last_delivered: plan.are_last_delivered,
        rows: rows.into_iter().map(|(_, changed)| changed).collect(),
        fields: fields.collect(),
        next: next.map(|row| {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                    .to_string()
            };
            format!(
                "?field={}&column={}&value={}&after={row}",
                encode(&filter.field),
                encode(&filter.column),
                encode(&filter.value)
            )
        }),
    })
}

/// Cells by which a row is told from others, at most.
const NAMING: usize = 3;

/// Puts what a row begins with beside its key: the first few of its cells that are not the key.
fn name_rows(prepared: &Prepared, rows: &mut [(u64, Changed)]) -> Result<(), AppError> {
    let seen = rows_seen(prepared, |raw, _| {
        rows.binary_search_by_key(&raw.at.row, |(row, _)| *row)
            .is_ok()
    })?;
    for (row, changed) in rows {
        let Some(seen) = seen.iter().find(|seen| seen.at.row == *row) else {
            continue;
        };
        let cells = seen.cells.iter().map(|cell| cell.trim());
        let cells = cells.filter(|cell| !cell.is_empty() && *cell != changed.key);
        changed.who = cells.take(NAMING).collect::<Vec<_>>().join(" ");
    }
    Ok(())
}

/// Makes a plan of the roster on the desk: a job, which asks before it sends.
pub(in crate::console) async fn make(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    let _turn = desk.turn.clone().lock_owned().await;
    page(desk, move |desk| {
        let task = {
            let mut opened = desk.opened();
            let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
            // Who begins anew comes from the run's page, and is shown the plan before anything is sent.
            if !said.contains_key("fresh") {
                opened.refuse_other(&said)?;
            }
            // What was typed a moment ago may not have been sent by itself yet.
            take_typed(opened, &said)?;
            let Ok(checked) = &opened.checked else {
                return go_to("/columns");
            };
            let name = opened.name.clone();
            let sha256 = checked.prepared.input.sha256().map_err(RunError::from)?;
            let sha256 = sha256.to_owned();
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
            (task, name)
        };
        start_job(desk, task, None)
    })
    .await
}

/// A conflict to decide.
struct Choice {
    found: FoundConflict,
    /// Whether it is the first of its row.
    is_first: bool,
}

fn choices(conflicts: &[FoundConflict]) -> Vec<Choice> {
    let rows = conflicts.chunk_by(|one, other| one.row == other.row);
    let choices = rows.flat_map(|of_row| {
        of_row.iter().enumerate().map(|(index, found)| Choice {
            found: found.clone(),
            is_first: index == 0,
        })
    });
    choices.collect()
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

/// What somebody says who has seen the plan.
pub(in crate::console) async fn answer(
    State(desk): State<Arc<Desk>>,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    page(desk, move |desk| {
        let job = desk.job().ok_or(Trouble::Nothing)?;
        let seen = job.live.seen();
        // The run on the page.
        if seen.run.as_ref() != said.get("run") {
            return Err(Trouble::Wrong(say().console_other_plan()));
        }
        let first = match said.get("consent").map(String::as_str) {
            Some("all") => None,
            Some("first") => Some(CANARY),
            _ => {
                job.answer(Consent::No);
                return go_to("/problems");
            }
        };
        if let Phase::Asking(_, conflicts) = &seen.phase {
            let kept = kept_rows(conflicts, &said);
            let kept = kept.ok_or_else(|| Trouble::Wrong(say().console_conflicts_choose()))?;
            let note = note_of(said.get("note"));
            job.answer(Consent::Yes { first, kept, note });
        }
        go_to("/run")
    })
    .await
}
