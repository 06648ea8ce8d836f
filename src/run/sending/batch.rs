//! A batch sends a bounded part of a run and leaves the rest for later.

use std::time::Duration;

use super::send::{HowSent, Sent, Way};
use crate::events::{Observer, RunEvent};
use crate::journal::{Journal, RunState};
use crate::log;
use crate::model::{Code, Fact, Pending, RowState};
use crate::run::active_run::{Run, Setup};
use crate::run::context::{BatchEnd, Ended};
use crate::run::error::RunError;
use crate::run::finishing::finish::EarlyResults;
use crate::run::settings::to_json;
use crate::send::Stop;

impl Setup<'_> {
    /// Sends what one slice is to send.
    pub(super) fn send_batch(&self, id: i64, way: Way<'_>) -> Result<Option<Stop>, RunError> {
        let Some(batch) = self.batch else {
            return Ok(None);
        };
        self.connection.pacer.set_patience(Some(batch.patience));
        let mut journal = Journal::open(&self.context.state)?;
        if let Some(most) = self.canary
            && let Some(stop) = self.canary_in_batches((&mut journal, id), most, way)?
        {
            return Ok(Some(stop));
        }
        let first = journal.calls_left(id, 0, batch.rows)?;
        let Some(last) = first.last().map(|call| call.row) else {
            return Ok(None);
        };
        if let Some(stop) = self.deliver(id, way.0, way.1, last)? {
            return Ok(Some(stop));
        }
        let is_more = !journal.calls_left(id, 0, 1)?.is_empty();
        let after = Duration::ZERO;
        Ok(is_more.then_some(Stop::Due { after }))
    }

    /// Sends the first rows and reads them back, however many slices that takes; then the run's settings
    /// ask for none any more.
    fn canary_in_batches(
        &self,
        (journal, id): (&mut Journal, i64),
        most: u64,
        way: Way<'_>,
    ) -> Result<Option<Stop>, RunError> {
        let mut first = Vec::new();
        journal.each_call::<RunError>(id, |call, _| {
            first.push(Pending {
                row: call.at.row,
                path: call.path,
                body: call.body,
                changed: call.changed,
                note: call.note,
                attempts: 0,
                doubtful: false,
            });
            Ok((first.len() as u64) < most)
        })?;
        let stop = self.send_canary((journal, id), &first, way)?;
        if stop.is_none() {
            let mut settings = self.settings.clone();
            settings.delivery.canary = None;
            journal.set_settings(id, &self.storable(settings)?.to_json()?)?;
        }
        Ok(stop)
    }
}

impl Sent<'_> {
    /// Leaves the rest of the run for later, or ends it.
    pub(in crate::run) fn leave(self) -> Result<BatchEnd, RunError> {
        let Sent { run, how, .. } = self;
        let ended = match how {
            HowSent::Stopped(Stop::Due { after }) => return Ok(BatchEnd::Later(after)),
            HowSent::Stopped(Stop::Asked) => return Ok(BatchEnd::Later(Duration::ZERO)),
            HowSent::Broken(error) => return Err(error),
            HowSent::All => run.finish(None, RunState::Finished, EarlyResults::default())?,
            HowSent::Stopped(stop) => {
                run.finish(Some(stop), RunState::Interrupted, EarlyResults::default())?
            }
        };
        Ok(BatchEnd::Ended(Box::new(ended)))
    }
}

impl Run<'_> {
    /// Records the run's figures, and writes no file: every machine can from the journal.
    pub(in crate::run) fn conclude(
        mut self,
        stop: Option<Stop>,
        state: RunState,
    ) -> Result<Ended, RunError> {
        let rows = self.setup.prepared.survey.rows;
        let mut states = self.journal.states(self.id)?;
        if stop.is_some() {
            let open = rows.saturating_sub(states.total());
            states.add(RowState::NotSent, open);
        } else {
            let found = self.journal.recorded(self.id, 1, u64::MAX)?;
            if found != rows {
                return Err(RunError::Unaccounted {
                    expected: rows,
                    found,
                });
            }
        }
        let mut summary = self.summary(states, stop.as_ref());
        if let Some(batch) = self.setup.batch {
            summary.retries += batch.retries_before;
            summary.throttled += batch.throttled_before;
        }
        let json = to_json(&summary.clone().anywhere())?;
        // Where this fails, the next run that needs it does it.
        if let Err(error) = self.journal.settle(self.id, summary.finished_at, false) {
            log::warn(&Fact::new(Code::RunNotIndexed).because_of(error.fact()));
        }
        self.journal
            .end(self.id, state, summary.finished_at, &json)?;
        let event = RunEvent::Finished(Box::new(summary.clone()));
        self.setup.tracker.on_event(&event);
        Ok(Ended {
            summary,
            stop,
            paths: self.setup.settings.delivery.paths.clone(),
        })
    }
}
