use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::error::JournalError;
use super::facade::Journal;

/// Tells other threads how far a [`Writer`](super::Writer) has come, so that what became of rows can be
/// read from the journal as soon as it is there.
#[derive(Debug, Clone, Default)]
pub struct Recorded(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Known>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    /// Outcomes that are durable.
    outcomes: u64,
    /// Whether nothing more will be written.
    is_over: bool,
}

impl Recorded {
    /// Waits until each of a run's rows from `first` to `last` has its outcome in the journal, or no
    /// other will be written.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn wait_for(
        &self,
        journal: &Journal,
        run: i64,
        (first, last): (u64, u64),
    ) -> Result<(), JournalError> {
        loop {
            let before = {
                let known = self.known();
                if known.is_over {
                    return Ok(());
                }
                known.outcomes
            };
            let open = (last + 1 - first).saturating_sub(journal.recorded(run, first, last)?);
            if open == 0 {
                return Ok(());
            }
            // Fewer cannot be enough: it is looked no more often than that.
            let mut known = self.known();
            while !known.is_over && known.outcomes < before + open {
                known = self
                    .0
                    .changed
                    .wait(known)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// That so many more outcomes are durable.
    pub(super) fn add(&self, outcomes: u64) {
        self.known().outcomes += outcomes;
        self.0.changed.notify_all();
    }

    /// That nothing more will be written, for whatever reason.
    pub(super) fn end(&self) {
        self.known().is_over = true;
        self.0.changed.notify_all();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
