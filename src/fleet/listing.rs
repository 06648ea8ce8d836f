//! Reading the entries of the shared queue.

use std::time::Duration;

use jiff::Timestamp;
use postgres::Row;

use super::entry::{EntryState, QueueEntry};
use super::queue::{database_of, why_of};
use crate::app::{AppError, ListedRun};
use crate::events::Plan;
use crate::journal::{Journal, RunRecord, RunState, State, Wrong, cell};
use crate::model::{Fact, Standing};
use crate::run::{Settings, stored_plan};
use crate::send::Rate;

const COLUMNS: &str = "id, file, profile, run_name, state, due, enqueued_at, ended_at, owner, slices, \
     requests, retries, throttled, exit_code, why, \
     state = 'waiting' AND due < now() - interval '1 minute', due > now(), now()";

fn entry(row: &Row) -> Result<QueueEntry, Wrong> {
    let why = why_of(cell(row, 14)?);
    Ok(QueueEntry {
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

/// Returns the open queue entries, the next one due first, and with `all` also the ended ones, newest first.
pub fn listed_queue(state: &State, all: bool) -> Result<Vec<QueueEntry>, AppError> {
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

/// Returns the queue entry of a run and adds the queue's counts to `shown`, or returns `None` if the run was
/// never queued.
pub fn place_of(
    state: &State,
    run: &RunRecord,
    shown: &mut ListedRun,
) -> Result<Option<QueueEntry>, AppError> {
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
    let plan = || Ok(stored_plan(&Journal::open(state)?, run.id)?);
    fill(shown, run, &entry, now, plan)?;
    Ok(Some(entry))
}

/// Adds the queue's counts and the estimated finish to a run. The plan is read only for an open entry.
fn fill(
    shown: &mut ListedRun,
    run: &RunRecord,
    entry: &QueueEntry,
    now: Timestamp,
    plan: impl FnOnce() -> Result<Option<Plan>, AppError>,
) -> Result<(), AppError> {
    let is_open = matches!(entry.state, EntryState::Waiting | EntryState::Running);
    let summary = &mut shown.summary;
    if run.finished_at.is_none() {
        // Both counts are incomplete: a killed worker did not update the entry, and look-ups in progress have
        // no rows.
        summary.requests = summary.requests.max(entry.requests.unsigned_abs());
        summary.retries = summary.retries.max(entry.retries.unsigned_abs());
        summary.throttled = entry.throttled.unsigned_abs();
    }
    // The entry was removed from the queue, so no worker continues the run.
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
        if let (RunState::Running, Some(plan)) = (run.state, plan()?)
            && let Ok(rate) = plan.rate.parse::<Rate>()
        {
            let left = summary.states.of(Standing::Open);
            let left = left.saturating_sub(plan.left_out);
            let seconds = rate.interval().as_secs_f64() * plan.requests_for(left) as f64;
            let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            summary.to_send = Some(left);
            summary.estimated_s = Some(seconds);
            summary.estimated_finish = entry.due.max(now).checked_add(time).ok();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;
    use crate::app::listed;
    use crate::app::tests::{Scene, roster, second};

    /// Returns how a run of two rows is shown, and whether its plan was read. The queue entry counts ten
    /// requests, and five rows are left.
    fn shown(run: RunState, entry: &QueueEntry, rate: &str) -> (ListedRun, bool) {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let run = scene.run("first", run, &scene.settings("r.csv"));
        let mut shown = listed(&scene.journal(), &run, &scene.session.state).unwrap();
        shown.state = run.state;
        shown.summary.requests = 10;
        shown.summary.states.not_sent = 5;
        let mut asked = false;
        let plan = || {
            asked = true;
            Ok(Some(Plan {
                rate: rate.to_owned(),
                left_out: 1,
                ..Plan::default()
            }))
        };
        fill(&mut shown, &run, entry, second(2_000), plan).unwrap();
        (shown, asked)
    }

    #[test]
    fn a_waiting_run_shows_its_counts_and_estimated_finish() {
        for (due, done_by) in [(2_100, 2_112), (1_900, 2_012)] {
            let waiting = QueueEntry {
                due: second(due),
                retries: 2,
                throttled: 3,
                ..entry(EntryState::Waiting, false)
            };
            let (shown, _) = shown(RunState::Running, &waiting, "20/m");
            let summary = shown.summary;
            assert_eq!(
                (summary.requests, summary.retries, summary.throttled),
                (10, 2, 3)
            );
            // The run began at second 1,000.
            assert_eq!(summary.duration_s, 1_000.0);
            assert_eq!(summary.to_send, Some(4));
            assert_eq!(summary.estimated_s, Some(12.0));
            assert_eq!(summary.estimated_finish, Some(second(done_by)));
            assert_eq!(shown.state, RunState::Running);
        }
    }

    #[test]
    fn only_a_sending_run_of_an_open_queue_entry_has_an_estimate() {
        use EntryState::{Failed, Finished, Held, Running, Stopped, Waiting};
        for state in [Waiting, Running, Finished, Held, Stopped, Failed] {
            for run in [RunState::Planning, RunState::Running, RunState::Held] {
                let (shown, asked) = shown(run, &entry(state, false), "20/m");
                let is_open = matches!(state, Waiting | Running);
                assert_eq!(asked, is_open, "{state:?}");
                let is_estimated = is_open && run == RunState::Running;
                assert_eq!(shown.summary.to_send.is_some(), is_estimated, "{state:?}");
                // No worker resumes a run that was removed from the queue.
                let is_left = state == Stopped && run != RunState::Held;
                let expected = if is_left { RunState::Interrupted } else { run };
                assert_eq!(shown.state, expected, "{state:?}");
            }
        }
        let waiting = entry(Waiting, false);
        let (shown, _) = shown(RunState::Running, &waiting, "of another version");
        assert_eq!(shown.summary.to_send, None);
    }

    #[test]
    fn a_finished_run_keeps_its_final_summary() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let run = scene.finished("first", 2, &scene.settings("r.csv"));
        let mut shown = listed(&scene.journal(), &run, &scene.session.state).unwrap();
        let before = serde_json::to_value(&shown).unwrap();
        // The journal has the end of the run, and the queue entry is not updated yet.
        let running = entry(EntryState::Running, false);
        let plan = || panic!("nothing is left to be done");
        fill(&mut shown, &run, &running, second(2_000), plan).unwrap();
        assert_eq!(serde_json::to_value(&shown).unwrap(), before);
    }
}
