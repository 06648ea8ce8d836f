//! A batch sends a bounded number of calls and leaves the rest for later.

use std::time::Duration;

use super::dispatch::Dispatcher;
use crate::journal::Journal;
use crate::model::Pending;
use crate::run::context::Batch;
use crate::run::error::RunError;
use crate::send::Stop;

/// Sends the calls of one batch. Returns why it stopped, or that another batch is due.
pub(super) fn send_batch(
    dispatcher: &Dispatcher<'_>,
    batch: Batch,
) -> Result<Option<Stop>, RunError> {
    let (setup, id) = (dispatcher.setup, dispatcher.run);
    setup.connection.pacer.set_patience(Some(batch.patience));
    let mut journal = Journal::open(&setup.context.state)?;
    if let Some(most) = setup.canary
        && let Some(stop) = send_canary(dispatcher, &mut journal, most)?
    {
        return Ok(Some(stop));
    }
    let first = journal.calls_left(id, 0, batch.rows)?;
    let Some(last) = first.last().map(|call| call.row) else {
        return Ok(None);
    };
    if let Some(stop) = dispatcher.send_up_to(last)? {
        return Ok(Some(stop));
    }
    let is_more = !journal.calls_left(id, 0, 1)?.is_empty();
    let after = Duration::ZERO;
    Ok(is_more.then_some(Stop::Due { after }))
}

/// Sends the first rows and reads them back, over several batches if necessary. Removes the canary from the run's
/// settings once it has passed.
fn send_canary(
    dispatcher: &Dispatcher<'_>,
    journal: &mut Journal,
    most: u64,
) -> Result<Option<Stop>, RunError> {
    let (setup, id) = (dispatcher.setup, dispatcher.run);
    let mut first = Vec::new();
    journal.each_call::<RunError>(id, |call, _| {
        first.push(Pending {
            row: call.at.row,
            path: call.path,
            body: call.body,
            changed: call.changed,
            note: call.note,
            ..Pending::default()
        });
        Ok((first.len() as u64) < most)
    })?;
    let stop = dispatcher.send_canary(journal, &first)?;
    if stop.is_none() {
        let mut settings = setup.settings.clone();
        settings.delivery.canary = None;
        journal.set_settings(id, &setup.storable(settings)?.to_json()?)?;
    }
    Ok(stop)
}
