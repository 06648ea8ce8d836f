use std::time::Duration;

use super::canary::Reader;
use super::context::Ended;
use super::error::RunError;
use super::sending::{HowSent, Sent};
use super::settings::to_json;
use super::under_way::{Run, Setup};
use crate::events::{Observer, RunEvent};
use crate::journal::{Journal, RunState, Writer};
use crate::l10n::say;
use crate::model::{RowState, with_causes};
use crate::send::{Sender, Stop};

/// How much of a run is done before it makes room for others.
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// Rows that are sent at most.
    pub rows: usize,
    /// The longest that is waited for the quota.
    pub patience: Duration,
    /// Requests that earlier slices made again.
    pub retries_before: u64,
    /// Requests of theirs that the API refused for being too many.
    pub throttled_before: u64,
}

/// What a slice has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Made {
    /// Requests.
    pub requests: u64,
    /// How many of them were made again.
    pub retries: u64,
    /// How many the API refused for being too many.
    pub throttled: u64,
}

/// How a slice ended.
#[derive(Debug)]
pub enum Sliced {
    /// There is more to do, so much later.
    Later(Duration),
    /// The run has ended, or somebody has to see to it.
    Ended(Box<Ended>),
}

impl Setup<'_> {
    /// Sends what one slice is to send.
    pub(super) fn send_slice(
        &self,
        id: i64,
        runtime: &tokio::runtime::Runtime,
        sender: &Sender<'_, Writer>,
        reader: Option<&Reader<'_>>,
    ) -> Result<Option<Stop>, RunError> {
        let Some(slice) = self.slice else {
            return Ok(None);
        };
        self.tools.pacer.set_patience(slice.patience);
        let journal = Journal::open(&self.context.state)?;
        let nothing_sent = journal.states(id)?.updated == 0;
        if let Some(most) = self.canary.filter(|_| nothing_sent)
            && let Some(stop) = self.send_canary(id, most, runtime, sender, reader)?
        {
            return Ok(Some(stop));
        }
        let first = journal.calls_left(id, 0, slice.rows)?;
        let Some(last) = first.last().map(|call| call.row) else {
            return Ok(None);
        };
        if let Some(stop) = self.deliver(id, runtime, sender, last)? {
            return Ok(Some(stop));
        }
        let is_more = !journal.calls_left(id, 0, 1)?.is_empty();
        let after = Duration::ZERO;
        Ok(is_more.then_some(Stop::Due { after }))
    }
}

impl Sent<'_> {
    /// Leaves the rest of the run for later, or ends it.
    pub(super) fn leave(self) -> Result<Sliced, RunError> {
        let Sent { run, how } = self;
        let ended = match how {
            HowSent::Stopped(Stop::Due { after }) => return Ok(Sliced::Later(after)),
            HowSent::Stopped(Stop::Asked) => return Ok(Sliced::Later(Duration::ZERO)),
            HowSent::Broken(error) => return Err(error),
            HowSent::All => run.finish(None, RunState::Finished)?,
            HowSent::Stopped(stop) => run.finish(Some(stop), RunState::Interrupted)?,
        };
        Ok(Sliced::Ended(Box::new(ended)))
    }
}

impl Run<'_> {
    /// Records the run's figures, and writes no file: every machine can from the journal.
    pub(super) fn conclude(
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
            let found = self.journal.recorded(self.id)?;
            if found != rows {
                return Err(RunError::Unaccounted {
                    expected: rows,
                    found,
                });
            }
        }
        let mut summary = self.summary(states, stop.as_ref());
        if let Some(slice) = self.setup.slice {
            summary.retries += slice.retries_before;
            summary.throttled += slice.throttled_before;
        }
        let json = to_json(&summary.clone().anywhere())?;
        // Where this fails, the next run that needs it does it.
        if let Err(error) = self.journal.settle(self.id, summary.finished_at) {
            tracing::warn!(error = with_causes(&error), "{}", say().log_not_indexed());
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
