//! The dispatcher makes calls from the journal up to a row, and reads back those of a canary.

use tokio::sync::mpsc;

use super::canary::RecordReader;
use crate::journal::{Journal, JournalError, Writer};
use crate::model::Pending;
use crate::run::active_run::Setup;
use crate::run::error::RunError;
use crate::send::{Rate, SendError, Sender, Stop};

/// Sends the calls of a run.
pub(super) struct Dispatcher<'a> {
    pub(super) setup: &'a Setup<'a>,
    /// The run's number in the journal.
    pub(super) run: i64,
    pub(super) runtime: &'a tokio::runtime::Runtime,
    pub(super) sender: &'a Sender<'a, Writer>,
    /// Reads single records back; `None` if the API returns none.
    pub(super) reader: Option<&'a RecordReader<'a>>,
}

impl Dispatcher<'_> {
    /// Sends the first rows and reads them back. The pacer's patience is lifted meanwhile: a batch that began again
    /// would never end at a slow rate.
    pub(super) fn send_canary(
        &self,
        journal: &Journal,
        first: &[Pending],
    ) -> Result<Option<Stop>, RunError> {
        let setup = self.setup;
        let last = first.last().map_or(0, |call| call.row);
        if let Some(stop) = self.send_up_to(last)? {
            return Ok(Some(stop));
        }
        let Some(reader) = self.reader else {
            return Ok(None);
        };
        let pacer = &setup.connection.pacer;
        pacer.set_patience(None);
        let stop = setup.context.stop.clone();
        let read = self.runtime.block_on(reader.look_after(
            setup.transport,
            journal,
            self.run,
            first,
            stop,
        ));
        pacer.set_patience(setup.batch.map(|batch| batch.patience));
        read
    }

    /// Sends the remaining calls up to row `last`. A separate thread reads them from the journal.
    pub(super) fn send_up_to(&self, last: u64) -> Result<Option<Stop>, RunError> {
        let (setup, run, sender) = (self.setup, self.run, self.sender);
        let journal = Journal::open(&setup.context.state)?;
        let answered = setup.transport.has_sent();
        std::thread::scope(|scope| {
            let window =
                may_acknowledge_early(setup).then(|| window(setup.connection.pacer.quota().0));
            // One batch waits, so that the sender never waits for the reader.
            let (calls, receiver) = mpsc::channel(1);
            let writer = sender.record;
            let read = move || calls_left(&journal, run, last, writer, window, &calls);
            let thread = std::thread::Builder::new().spawn_scoped(scope, read);
            let reader = thread.map_err(SendError::Runtime)?;
            let delivered = self.runtime.block_on(sender.deliver(
                receiver,
                setup.context.stop.clone(),
                answered,
            ));
            match reader.join() {
                Ok(read) => read?,
                Err(_) => return Err(RunError::Died),
            }
            Ok(delivered?)
        })
    }
}

/// Whether outcomes may be acknowledged before they are durable: updates are idempotent, and requests are concurrent.
pub(super) fn may_acknowledge_early(setup: &Setup<'_>) -> bool {
    let is_repeatable = setup.prepared.checker.spec().update.idempotent;
    is_repeatable && setup.settings.delivery.sender.concurrency > 1
}

/// The number of calls that are read together.
const PAGE: usize = 256;

/// The number of calls in one intent: as many as leave in a quarter of a second, since all of them count as made
/// after a crash.
fn window(rate: Rate) -> usize {
    let interval = rate.interval().as_secs_f64();
    ((0.25 / interval.max(1e-9)) as usize).clamp(1, PAGE)
}

/// Passes on the remaining calls up to row `last` in batches, in row order. With a `window`, the intent to make a
/// batch of that many is durable first.
fn calls_left(
    journal: &Journal,
    run: i64,
    last: u64,
    writer: &Writer,
    window: Option<usize>,
    calls: &mpsc::Sender<Vec<Pending>>,
) -> Result<(), JournalError> {
    let mut after = 0;
    let recorded = writer.recorded();
    loop {
        // Rows that are planned after this line need another read.
        let planned = recorded.planned();
        if planned.has_failed {
            return Ok(());
        }
        let mut page = journal.calls_left(run, after, PAGE)?;
        page.retain(|call| call.row <= last);
        let Some(end) = page.last() else {
            if recorded.wait_for_more(planned) {
                continue;
            }
            return Ok(());
        };
        after = end.row;
        let mut page = page.into_iter().peekable();
        while page.peek().is_some() {
            let part: Vec<Pending> = page.by_ref().take(window.unwrap_or(PAGE)).collect();
            if let (Some(end), true) = (part.last(), window.is_some()) {
                writer.reach_blocking(end.row)?;
            }
            // The receiver is gone and has reported why.
            if calls.blocking_send(part).is_err() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
