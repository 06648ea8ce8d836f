//! The plan page, which shows what a run would change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;

use super::attention::{Attention, attention, field_names, in_words, is_missing};
use super::changes::{Changed, Changes, Class, Filter};
use super::problems::escaped;
use super::undo;
use crate::app::{AppError, FieldNames, Naming, Protection, is_identifier};
use crate::console::desk::Desk;
use crate::console::job::{Job, Task};
use crate::console::live::Phase;
use crate::console::page::{Counted, Frame, Made, Pages, Trouble, go_to, html, page};
use crate::console::since::Since;
use crate::console::words::{system_name, time_in_words};
use crate::events::{FoundConflict, PersonChange, Plan};
use crate::journal::{Journal, JournalError};
use crate::l10n::{local_time, number, say};
use crate::model::RowState;
use crate::report::{
    person_groups, person_line, plan_fields, plan_not_sent, plan_notes, plan_noticed, plan_time,
};
use crate::run::{Prepared, TEMPORARY_NUMBER, restores_a_value, row_numbers, rows_seen};

#[derive(Template)]
#[template(path = "plan.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    overview: Overview,
    changes: Changes,
    run: String,
    /// The path of this page.
    path: &'static str,
    /// Whether the plan waits for an answer.
    is_asking: bool,
    /// Why a plan that was confirmed waits for another answer.
    why: Option<String>,
    /// The number of rows that may be sent first, if records can be read back.
    canary: Option<u64>,
    button: String,
    conflicts: Vec<Decision>,
    /// The columns of the roster that can be the filter.
    columns: Vec<(usize, String, bool)>,
    filter: Filter,
}

#[derive(Template)]
#[template(path = "wait.html", config = ".askama.toml")]
struct Waiting {
    frame: Frame,
    live: super::run::Fragment,
}

/// The page of a step that has not started.
#[derive(Template)]
#[template(path = "no_plan.html", config = ".askama.toml")]
struct NoPlan {
    frame: Frame,
    edition: String,
    /// The reason why an earlier plan was discarded.
    why: Option<String>,
    /// The rows that will not be sent.
    left: Option<String>,
}

pub(super) struct Overview {
    pub(super) counts: Vec<(String, String)>,
    /// The count of the people chosen, in place of the first one.
    pub(super) chosen: Option<(Counted, String)>,
    /// Details for the IT department: the address, the requests and how records are read.
    pub(super) technical: Vec<String>,
    /// The number of restored or doubtful values, with their tab.
    pub(super) noticed: Vec<(String, &'static str)>,
    /// Whether the rows are open, so that they can be corrected.
    pub(super) is_open: bool,
    /// The people who are new or missing since the last roster.
    pub(super) since: Option<Since>,
    /// The rows that turn one person into another or give a person another number, under headings: the row
    /// number, and both persons.
    pub(super) persons: Vec<(String, Vec<(u64, String)>)>,
    /// The number of omitted rows.
    pub(super) more_persons: Option<String>,
    /// Whether these rows can be approved here.
    pub(super) approves: bool,
    pub(super) not_sent: Vec<Attention>,
    /// How many of them were found in the file, and how many by the comparison with the system.
    pub(super) found: Option<String>,
    /// The number of omitted rows.
    pub(super) more: Option<String>,
    pub(super) time: String,
}

/// The number of records per page.
const ROWS: usize = 40;

/// The number of rows that are sent first on request.
pub(super) const CANARY: u64 = 5;

pub(in crate::console) async fn show(
    State(desk): State<Arc<Desk>>,
    Query(filter): Query<Filter>,
) -> Response {
    page(desk, move |desk| match desk.job() {
        Some(job) if matches!(job.task, Task::Undo { .. }) && desk.opened().is_none() => {
            go_to("/undo")
        }
        job => of_import(desk, job, filter),
    })
    .await
}

/// Shows what an undo would restore.
pub(in crate::console) async fn show_undo(
    State(desk): State<Arc<Desk>>,
    Query(filter): Query<Filter>,
) -> Response {
    page(desk, move |desk| {
        let job = desk.job().ok_or(Trouble::Nothing)?;
        match job.task {
            Task::Undo { .. } => made(desk, &job, ("/undo", "undo"), filter),
            _ => go_to("/plan"),
        }
    })
    .await
}

/// Shows the plan of the open roster, or how to create one.
fn of_import(desk: &Desk, job: Option<Arc<Job>>, filter: Filter) -> Made {
    let why = {
        let opened = desk.opened();
        match (opened.as_ref(), &job) {
            // A continued run only asks about rows that were not planned yet.
            (_, Some(job)) if job.goes_on() && !job.has_ended() => None,
            (None, Some(_)) => None,
            (None, None) => return Err(Trouble::Nothing),
            (Some(opened), Some(job)) if job.is_of(opened) => {
                // A plan that is being sent stays as it was.
                let is_stale = job.is_stale(opened) && job.discard();
                is_stale.then(|| Some(say().console_plan_stale()))
            }
            (Some(_), _) => Some(None),
        }
    };
    let is_declined = |job: &Arc<Job>| match job.live.seen().phase {
        Phase::Ended(end) => end.is_nothing(),
        Phase::Sending => false,
        Phase::Reading | Phase::LookingUp(..) | Phase::Asking(..) => job.was_discarded(),
    };
    match (why, job) {
        (None, Some(job)) if !is_declined(&job) => made(desk, &job, ("/plan", "plan"), filter),
        (why, _) => no_plan(desk, why.flatten()),
    }
}

fn no_plan(desk: &Desk, why: Option<String>) -> Made {
    let frame = Frame::of(desk, "plan", say().console_plan_title());
    let opened = desk.opened();
    let opened = opened.as_ref().ok_or(Trouble::Nothing)?;
    let Ok(checked) = &opened.checked else {
        return go_to("/columns");
    };
    if opened.without_rows().is_some() {
        return go_to("/file");
    }
    let left = checked.left;
    Ok(html(&NoPlan {
        frame,
        edition: opened.edition.clone(),
        why,
        left: (left > 0).then(|| say().console_plan_left(left, number(left))),
    }))
}

fn made(
    desk: &Desk,
    job: &Job,
    (path, here): (&'static str, &'static str),
    filter: Filter,
) -> Made {
    let seen = job.live.seen();
    let undone = match &job.task {
        Task::Undo { run, .. } => Some(Journal::open(&desk.state)?.run(Some(run))?),
        _ => None,
    };
    let at = undone.as_ref().map(|undone| local_time(undone.started_at));
    let title = match (&at, &seen.plan) {
        (Some(at), Some(plan)) => {
            say().console_undo_counted(plan.to_send, at.as_str(), number(plan.to_send))
        }
        (Some(at), None) => say().console_undo_title(at.as_str()),
        (None, _) => say().console_plan_title(),
    };
    let mut frame = Frame::of(desk, here, title);
    let (plan, conflicts, is_asking) = match (seen.phase, seen.plan) {
        (Phase::Asking(plan, conflicts), _) => (Arc::new(*plan), conflicts, true),
        (Phase::Reading | Phase::LookingUp(..), _) => {
            let live = super::run::fragment(desk, job, false);
            return Ok(html(&Waiting { frame, live }));
        }
        (Phase::Sending, Some(plan)) => (plan, [].into(), false),
        (Phase::Ended(end), Some(plan)) if end.summary.is_some() => (plan, [].into(), false),
        (Phase::Sending | Phase::Ended(_), _) => return go_to("/run"),
    };
    let Some((journal, run)) = job.journal()? else {
        return Err(Trouble::Nothing);
    };
    let words = field_names(&journal, run)?;
    let prepared = job.prepared.get();
    // The file of an undo contains the changed columns only.
    let header = prepared.filter(|_| undone.is_none());
    let header = header.map_or(&[][..], |prepared| prepared.input.header());
    let columns = header.iter().enumerate();
    let columns =
        columns.map(|(index, name)| (index, name.clone(), index.to_string() == filter.column));
    let reads_back = prepared.is_some_and(|prepared| {
        let spec = prepared.checker.spec();
        spec.is_readable() && spec.lookup.as_ref().is_some_and(|how| how.read.is_some())
    });
    let mut overview = overview(&plan, undone.is_some());
    // The file of an undo contains no faults of the roster.
    let roster = prepared.map(Arc::as_ref);
    overview.not_sent(&journal, run, roster, undone.is_some())?;
    overview.since = job.since(&plan)?;
    // rosterpatch wrote the content of an undo's file.
    if undone.is_some() {
        overview.noticed.clear();
    }
    overview.is_open = desk
        .opened()
        .as_ref()
        .is_some_and(|opened| job.is_of(opened));
    let changes = {
        let prepared = prepared.map(Arc::as_ref);
        let people = match &undone {
            Some(undone) if plan.to_send <= undo::MOST => {
                Some(undo::people(&journal, run, undone, None)?)
            }
            _ => None,
        };
        let chosen = match (&people, prepared) {
            (Some(people), _) => undo::of_class(people, &filter),
            (None, Some(prepared)) => rows_with(prepared, &filter)?,
            (None, None) => None,
        };
        let mut changes = changes(&journal, run, &plan, &filter, prepared, chosen, false)?;
        match (&people, &undone) {
            (Some(people), _) => {
                undo::name(&mut changes, people);
                if is_asking && !people.is_empty() {
                    let at = at.as_deref().unwrap_or_default();
                    let choice = undo::offer(&mut changes, people, job, &filter, at);
                    // The changes to send are always counted first.
                    let (_, word) = overview.counts.remove(0);
                    overview.chosen = Some((choice.count, word));
                    frame.title.clone_from(&choice.title.now);
                    frame.counted = Some(choice.title);
                }
            }
            (None, Some(undone)) => {
                let shown = changes.rows.iter().map(|changed| changed.row).collect();
                let people = undo::people(&journal, run, undone, Some(&shown))?;
                undo::name(&mut changes, &people);
            }
            (None, None) => {}
        }
        changes
    };
    Ok(html(&Page {
        run: seen.run.unwrap_or_default(),
        path,
        is_asking,
        why: match &job.task {
            Task::Undo {
                agreed: Some(_), ..
            } => is_asking.then(|| say().console_undo_changed()),
            _ => None,
        },
        overview,
        conflicts: choices(&conflicts, &words),
        changes,
        canary: (reads_back && plan.to_send > CANARY).then_some(CANARY),
        button: match &job.task {
            Task::Undo { .. } if plan.to_send == 0 => say().console_close_run(),
            Task::Undo { .. } => say().console_undo_send(plan.to_send, number(plan.to_send)),
            _ => say().console_send(plan.to_send, number(plan.to_send)),
        },
        columns: columns.collect(),
        filter,
        frame,
    }))
}

pub(super) fn overview(plan: &Plan, is_undo: bool) -> Overview {
    let to_send = match is_undo {
        true => say().console_to_restore(),
        false => say().plan_to_send(),
    };
    let mut counts = vec![(number(plan.to_send), to_send)];
    // Rows that are not sent for a fault are counted with their list.
    let mut others = plan.clone();
    (others.invalid, others.left_out, others.settled.withheld) = (0, 0, 0);
    let not_sent = plan_not_sent(&others).into_iter();
    counts.extend(not_sent.map(|(count, word, _)| (count, word)));
    let withheld = plan.settled.withheld;
    let on_purpose = [
        (plan.left_out, say().console_skipped()),
        (withheld, say().console_protected(withheld)),
    ];
    let some = on_purpose.into_iter().filter(|(count, _)| *count > 0);
    counts.extend(some.map(|(count, word)| (number(count), word)));
    let mut technical = vec![format!("{} {}", plan.target, plan.base_url)];
    technical.push(plan_time(plan, jiff::Timestamp::now()));
    technical.extend(plan_notes(plan));
    technical.extend(plan_noticed(plan));
    let total = |codes: &[(String, u64)]| {
        let codes = codes.iter().filter(|(code, _)| restores_a_value(code));
        codes.map(|(_, count)| count).sum::<u64>()
    };
    let temporary = plan
        .repairs
        .iter()
        .find(|(code, _)| code == TEMPORARY_NUMBER);
    let temporary = temporary.map_or(0, |(_, count)| *count);
    let (restored, doubtful) = (total(&plan.repairs) - temporary, total(&plan.doubts));
    let mut noticed = Vec::new();
    if restored > 0 {
        noticed.push((
            say().console_restored(restored, number(restored)),
            "restored",
        ));
    }
    if temporary > 0 {
        noticed.push((
            say().console_temporary(temporary, number(temporary)),
            "restored",
        ));
    }
    if doubtful > 0 {
        noticed.push((
            say().console_doubtful(doubtful, number(doubtful)),
            "doubtful",
        ));
    }
    Overview {
        counts,
        chosen: None,
        technical,
        noticed,
        since: None,
        is_open: false,
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
        not_sent: Vec::new(),
        found: None,
        more: None,
        time: time_in_words(plan, jiff::Timestamp::now()),
    }
}

/// The maximum number of listed rows that are not sent.
const NOT_SENT: usize = 50;

impl Overview {
    /// Lists the rows that are not sent, from all sources.
    pub(super) fn not_sent(
        &mut self,
        journal: &Journal,
        run: i64,
        prepared: Option<&Prepared>,
        is_undo: bool,
    ) -> Result<(), AppError> {
        let mut outcomes = journal.unsuccessful(run, usize::MAX)?;
        // Rows that failed while they were sent are on the page of the run.
        outcomes.retain(|outcome| outcome.state == RowState::Invalid);
        let all = outcomes.len() as u64;
        let missing = outcomes.iter().filter(|one| is_missing(one)).count() as u64;
        let system = prepared.map(|prepared| system_name(prepared.checker.spec()));
        let system = system.unwrap_or_else(|| say().console_the_system());
        let faulty = all - missing;
        let mut counts = match prepared.filter(|_| !is_undo) {
            Some(prepared) => {
                let in_file = prepared.survey.invalid.min(faulty);
                let compared = say().console_faults_compared(system.as_str());
                vec![
                    (in_file, say().console_faults_in_file(in_file)),
                    (faulty - in_file, compared),
                ]
            }
            None => vec![(faulty, say().console_with_faults(faulty))],
        };
        counts.push((missing, say().console_not_in(system.as_str())));
        let some = counts.into_iter().filter(|(count, _)| *count > 0);
        self.counts
            .extend(some.map(|(count, word)| (number(count), word)));
        let in_file = prepared.map_or(all, |prepared| prepared.survey.invalid.min(all));
        let compared = all - in_file;
        self.found = (compared > 0 && in_file > 0 && !is_undo).then(|| {
            say().console_not_sent_found(
                all,
                number(all),
                number(in_file),
                number(compared),
                system,
            )
        });
        outcomes.truncate(NOT_SENT);
        let more = all - outcomes.len() as u64;
        self.not_sent = attention(journal, run, prepared, &outcomes)?;
        self.more = (more > 0).then(|| say().plan_more(number(more)));
        Ok(())
    }
}

/// Removes the names of persons who must not be named from the rows that turn one person into another.
pub(super) fn hide_persons(
    overview: &mut Overview,
    (journal, run): (&Journal, i64),
    prepared: &Prepared,
) -> Result<(), AppError> {
    let protection = Protection::of(journal, run, Some(prepared))?;
    let persons = overview.persons.iter().flat_map(|(_, persons)| persons);
    let rows: BTreeSet<u64> = persons.map(|(row, _)| *row).collect();
    if rows.is_empty() || !protection.is_possible() {
        return Ok(());
    }
    for seen in rows_seen(prepared, |raw, _| rows.contains(&raw.at.row))? {
        if !protection.hides(&seen)? {
            continue;
        }
        let lines = overview.persons.iter_mut().flat_map(|(_, persons)| persons);
        for (_, line) in lines.filter(|(row, _)| *row == seen.at.row) {
            *line = format!(
                "{}: {}",
                say().place_row(seen.at.sheet_row),
                say().console_person_hidden()
            );
        }
    }
    Ok(())
}

/// Returns the rows with a value in a column, if there is such a filter.
pub(super) fn rows_with(
    prepared: &Prepared,
    filter: &Filter,
) -> Result<Option<BTreeSet<u64>>, AppError> {
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

/// Returns a page of the changes of a run. With `is_past`, rows whose values are the same or no longer stored are left
/// out.
pub(super) fn changes(
    journal: &Journal,
    run: i64,
    plan: &Plan,
    filter: &Filter,
    prepared: Option<&Prepared>,
    chosen: Option<BTreeSet<u64>>,
    is_past: bool,
) -> Result<Changes, AppError> {
    let chosen = chosen.as_ref();
    let words = field_names(journal, run)?;
    let naming = prepared.map(Naming::of);
    let class_column = naming.as_ref().and_then(Naming::class_column);
    let classes = match (prepared, class_column) {
        (Some(prepared), Some(column)) if plan.to_send <= CLASSED => {
            classes(journal, run, prepared, column)?
        }
        _ => Vec::new(),
    };
    let page = filter.page();
    let skipped = (page - 1).saturating_mul(ROWS as u64);
    let is_every = chosen.is_none() && filter.field.is_empty() && !is_past;
    let mut rows = Vec::new();
    let mut count: u64 = 0;
    journal.each_call_after::<JournalError>(run, 0, |call, _| {
        let row = call.at.row;
        if chosen.is_some_and(|rows| !rows.contains(&row)) {
            return Ok(true);
        }
        let is_shown = count >= skipped && rows.len() < ROWS;
        let changes = match (&words, is_every && !is_shown) {
            (Some(words), false) => words.changes(&call),
            _ => Vec::new(),
        };
        if is_past && changes.is_empty() {
            return Ok(true);
        }
        if !filter.field.is_empty() && changes.iter().all(|change| change.field != filter.field) {
            return Ok(true);
        }
        count += 1;
        if !is_shown {
            // The plan has the number of all changes.
            return Ok(!is_every || rows.is_empty());
        }
        let changed = Changed {
            row,
            choice: None,
            line: call.at.sheet_row,
            key: call.key,
            who: String::new(),
            class: String::new(),
            is_hidden: false,
            changes,
        };
        rows.push((row, changed));
        Ok(true)
    })?;
    let all = if is_every {
        plan.to_send.max(count)
    } else {
        count
    };
    match prepared {
        Some(prepared) => name_rows((journal, run), prepared, &mut rows)?,
        None => {
            let protection = Protection::of(journal, run, None)?;
            for (row, changed) in &mut rows {
                let key = std::slice::from_ref(&changed.key);
                changed.is_hidden = protection.hides_by(*row, key)?;
            }
        }
    }
    for (_, changed) in &mut rows {
        if changed.who.is_empty() && !is_identifier(&changed.key) && !changed.is_hidden {
            changed.who = changed.key.clone();
        }
    }
    let mut fields: Vec<(String, u64)> = plan.fields.clone();
    fields.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    // The names of their columns, in the same order.
    let named = plan_fields(plan);
    let fields = fields
        .into_iter()
        .zip(named)
        .map(|((name, count), (column, _))| {
            let is = name == filter.field;
            // The columns of an undo are fields.
            let column = words.as_ref().map_or(&*column, |words| words.column(&name));
            let column = in_words(&words, column);
            (name, column, number(count), is)
        });
    Ok(Changes {
        are_last_delivered: plan.are_last_delivered,
        rows: rows.into_iter().map(|(_, changed)| changed).collect(),
        fields: fields.collect(),
        classes: class_links(classes, class_column, filter, plan.to_send),
        choosing: None,
        pages: Pages::of(page, all, ROWS as u64, |page| {
            format!(
                "field={}&column={}&value={}&class={}&page={page}",
                escaped(&filter.field),
                escaped(&filter.column),
                escaped(&filter.value),
                escaped(&filter.class)
            )
        }),
    })
}

/// The maximum number of rows that are counted by class.
const CLASSED: u64 = 20_000;

/// Returns the classes with changes, each with the number of rows.
fn classes(
    journal: &Journal,
    run: i64,
    prepared: &Prepared,
    column: usize,
) -> Result<Vec<(String, u64)>, AppError> {
    let mut changing = BTreeSet::new();
    journal.each_call_after::<JournalError>(run, 0, |call, _| {
        changing.insert(call.at.row);
        Ok(true)
    })?;
    let mut classes: BTreeMap<String, u64> = BTreeMap::new();
    let rows = rows_seen(prepared, |raw, _| changing.contains(&raw.at.row))?;
    for seen in rows {
        let class = seen.cells.get(column).map_or("", |cell| cell.trim());
        *classes.entry(class.to_owned()).or_default() += 1;
    }
    classes.remove("");
    Ok(classes.into_iter().collect())
}

/// Returns the filters by class, beginning with that for all classes.
fn class_links(
    classes: Vec<(String, u64)>,
    column: Option<usize>,
    filter: &Filter,
    all: u64,
) -> Vec<Class> {
    let field = format!("field={}", escaped(&filter.field));
    let column = column.unwrap_or_default().to_string();
    let mut links: Vec<Class> = classes
        .into_iter()
        .map(|(class, count)| Class {
            query: format!("{field}&column={column}&value={}", escaped(&class)),
            count: number(count),
            is_chosen: column == filter.column && filter.value == class,
            name: class,
        })
        .collect();
    if !links.is_empty() {
        let every = Class {
            is_chosen: !links.iter().any(|link| link.is_chosen),
            query: field,
            count: number(all),
            name: say().console_all_classes(),
        };
        links.insert(0, every);
    }
    links
}

/// Adds the person and the class of each row, except of persons who must not be named.
fn name_rows(
    (journal, run): (&Journal, i64),
    prepared: &Prepared,
    rows: &mut [(u64, Changed)],
) -> Result<(), AppError> {
    let protection = Protection::of(journal, run, Some(prepared))?;
    let seen = rows_seen(prepared, |raw, _| {
        rows.binary_search_by_key(&raw.at.row, |(row, _)| *row)
            .is_ok()
    })?;
    let naming = Naming::of(prepared);
    for (row, changed) in rows {
        let Some(seen) = seen.iter().find(|seen| seen.at.row == *row) else {
            continue;
        };
        changed.is_hidden = protection.hides(seen)?;
        if !changed.is_hidden {
            changed.who = naming.name(&seen.cells);
            changed.class = naming.class(&seen.cells);
        }
    }
    Ok(())
}

struct Decision {
    found: FoundConflict,
    column: String,
    is_first: bool,
}

fn choices(conflicts: &[FoundConflict], words: &Option<FieldNames>) -> Vec<Decision> {
    let rows = conflicts.chunk_by(|one, other| one.row == other.row);
    let choices = rows.flat_map(|of_row| {
        of_row.iter().enumerate().map(|(index, found)| Decision {
            column: in_words(words, &found.column),
            found: found.clone(),
            is_first: index == 0,
        })
    });
    choices.collect()
}
