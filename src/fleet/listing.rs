use std::time::Duration;

use jiff::Timestamp;
use postgres::Row;

use super::entry::{Entry, EntryState};
use super::queue::{database_of, why_of};
use crate::app::{AppError, ListedRun};
use crate::events::Plan;
use crate::journal::{Journal, RunRecord, RunState, State, Wrong, cell};
use crate::model::Fact;
use crate::run::Settings;
use crate::send::Rate;

const COLUMNS: &str = "id, file, profile, run_name, state, due, enqueued_at, ended_at, owner, slices, \
     requests, retries, throttled, exit_code, why, \
     state = 'waiting' AND due < now() - interval '1 minute', due > now(), now()";

fn entry(row: &Row) -> Result<Entry, Wrong> {
    let why = why_of(cell(row, 14)?);
    Ok(Entry {
        id: cell(row, 0)?,
        file: cell(row, 1)?,
        profile: cell(row, 2)?,
        run: cell(row, 3)?,
        state: EntryState::of(cell(row, 4)?),
        due: cell(row, 5)?,
        enqueued_at: cell(row, 6)?,
        ended_at: cell(row, 7)?,
        owner: cell(row, 8)?,
        slices: cell(row, 9)?,
        requests: cell(row, 10)?,
        retries: cell(row, 11)?,
        throttled: cell(row, 12)?,
        exit_code: cell(row, 13)?,
        code: why.as_ref().map(Fact::code),
        why,
        is_late: cell(row, 15)?,
        is_ahead: cell(row, 16)?,
    })
}

/// What waits in the queue, is being done, or needs somebody, the next one due first; and where `all` are
/// asked for, what has ended, the newest first.
///
/// # Errors
/// When the journal lies in no database, or that refuses.
pub fn listed_queue(state: &State, all: bool) -> Result<Vec<Entry>, AppError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM queued WHERE $1 OR state IN ('waiting', 'running', 'held', 'stopped')
         ORDER BY state IN ('finished', 'failed'), CASE WHEN ended_at IS NULL THEN due END,
                  ended_at DESC, id"
    );
    let entries = database_of(state)?.change(|tables| {
        let rows = tables.rows(&sql, &[&all])?;
        rows.iter().map(entry).collect()
    })?;
    Ok(entries)
}

/// Where a run stands in the queue, with its figures in `shown` as they are between two slices; nothing of
/// one that never went through it.
///
/// # Errors
/// When the database refuses.
pub fn place_of(
    state: &State,
    run: &RunRecord,
    shown: &mut ListedRun,
) -> Result<Option<Entry>, AppError> {
    let queued = Settings::of(run).ok().and_then(|settings| settings.queued);
    let (Some(queued), Some(database)) = (queued, state.database()) else {
        return Ok(None);
    };
    let sql = format!("SELECT {COLUMNS} FROM queued WHERE id = $1");
    let found = database.change(|tables| {
        let row = tables.first(&sql, &[&queued.id])?;
        let told = |row: Row| Ok((entry(&row)?, cell::<Timestamp>(&row, 17)?));
        row.map(told).transpose()
    })?;
    let Some((entry, now)) = found else {
        return Ok(None);
    };
    let is_open = matches!(entry.state, EntryState::Waiting | EntryState::Running);
    let summary = &mut shown.summary;
    if run.finished_at.is_none() {
        // A worker that died counted none of its batch there, and its rows tell of no look-up under way.
        summary.requests = summary.requests.max(entry.requests.unsigned_abs());
        summary.retries = summary.retries.max(entry.retries.unsigned_abs());
        summary.throttled = entry.throttled.unsigned_abs();
    }
    // It was taken out of the queue, and no worker goes on with it.
    if entry.state == EntryState::Stopped
        && matches!(run.state, RunState::Planning | RunState::Running)
    {
        shown.state = RunState::Interrupted;
    }
    if is_open && run.finished_at.is_none() {
        summary.finished_at = now;
        if let Ok(settings) = Settings::of(run) {
            settings.pauses.divide(summary);
        }
        let plan = Journal::open(state)?.plan(run.id)?.0;
        let plan = plan.and_then(|json| serde_json::from_str::<Plan>(&json).ok());
        if let (RunState::Running, Some(plan)) = (run.state, plan)
            && let Ok(rate) = plan.rate.parse::<Rate>()
        {
            let left = summary.states.not_sent.saturating_sub(plan.left_out);
            let seconds = rate.interval().as_secs_f64() * left as f64;
            let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            summary.to_send = Some(left);
            summary.estimated_s = Some(seconds);
            summary.estimated_finish = entry.due.max(now).checked_add(time).ok();
        }
    }
    Ok(Some(entry))
}
