//! A run in batches ends without files.

use jiff::Timestamp;

use super::summary::summary;
use crate::events::{Observer, RunEvent};
use crate::journal::RunState;
use crate::log;
use crate::model::{Code, Fact, RowState};
use crate::run::active_run::Run;
use crate::run::context::Ended;
use crate::run::error::RunError;
use crate::run::settings::to_json;
use crate::send::Stop;

/// Records the summary of a run in batches. It writes no files: each machine can write them from the journal.
pub(super) fn conclude(
    mut run: Run<'_>,
    stop: Option<Stop>,
    state: RunState,
) -> Result<Ended, RunError> {
    let rows = run.setup.prepared.survey.rows;
    let mut states = run.journal.states(run.id)?;
    if stop.is_some() {
        let open = rows.saturating_sub(states.total());
        states.add(RowState::NotSent, open);
    } else {
        let found = run.journal.recorded(run.id, 1, u64::MAX)?;
        if found != rows {
            return Err(RunError::Unaccounted {
                expected: rows,
                found,
            });
        }
    }
    let mut summary = summary(&run, states, stop.as_ref());
    if let Some(batch) = run.setup.batch {
        summary.retries += batch.retries_before;
        summary.throttled += batch.throttled_before;
    }
    let json = to_json(&summary.clone().anywhere())?;
    settle(&mut run, summary.finished_at, false);
    run.journal.end(run.id, state, summary.finished_at, &json)?;
    let event = RunEvent::Finished(Box::new(summary.clone()));
    run.setup.tracker.on_event(&event);
    Ok(Ended {
        summary,
        stop,
        paths: run.setup.settings.delivery.paths.clone(),
    })
}

/// Indexes the rows of a run for later runs. If that fails, the next run that needs the index builds it.
pub(super) fn settle(run: &mut Run<'_>, at: Timestamp, is_indexed: bool) {
    if let Err(error) = run.journal.settle(run.id, at, is_indexed) {
        log::warn(&Fact::new(Code::RunNotIndexed).because_of(error.fact()));
    }
}
