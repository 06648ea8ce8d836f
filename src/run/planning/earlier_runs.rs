//! Earlier runs supply facts that planning depends on.

use super::deliveries::Deliveries;
use crate::journal::{Journal, RunLock};
use crate::run::active_run::Run;
use crate::run::error::RunError;
use crate::run::settings::Retries;

/// The facts of earlier runs that planning a run depends on.
pub struct EarlierRuns {
    /// A second connection to the journal, for reading while the writer owns the first.
    pub(super) journal: Journal,
    /// The run to undo.
    pub(super) undone: Option<i64>,
    /// What that run delivered, if records cannot be read.
    pub(super) deliveries: Option<Deliveries>,
    /// The run to retry.
    pub(super) retried: Option<i64>,
    /// Whether another run is in progress, which may change the state of a row.
    pub(super) retries_beside: bool,
    /// Whether any delivery to records that cannot be read is still trusted.
    pub(super) has_delivered: bool,
}

impl EarlierRuns {
    /// Reads the facts for a run from the journal.
    pub(super) fn of(run: &Run<'_>) -> Result<EarlierRuns, RunError> {
        let (setup, id) = (run.setup, run.id);
        let delivery = &setup.settings.delivery;
        let mut journal = Journal::open(&setup.context.state)?;
        let undone = match &delivery.undoes {
            None => None,
            Some(name) => Some(journal.run(Some(name))?.id),
        };
        let retried = match &delivery.retries {
            Some(Retries {
                run: Some(name), ..
            }) => Some(journal.run(Some(name))?.id),
            _ => None,
        };
        let is_readable = setup.prepared.checker.spec().is_readable();
        let deliveries = match undone {
            Some(run) if is_readable => {
                journal.index_changes(run)?;
                None
            }
            Some(run) => Some(Deliveries::of(&journal, run)?),
            None => None,
        };
        let state = &setup.context.state;
        let mut retries_beside = false;
        if retried.is_some() {
            for other in journal.index_rows(id)? {
                retries_beside |= RunLock::is_held(state, &other)?;
            }
        }
        let has_delivered = journal.merge_delivered(
            state,
            &setup.connection.place,
            id,
            setup.context.clock.timestamp(),
        )?;
        Ok(EarlierRuns {
            journal,
            undone,
            deliveries,
            retried,
            retries_beside,
            has_delivered,
        })
    }
}

#[cfg(test)]
mod tests;
