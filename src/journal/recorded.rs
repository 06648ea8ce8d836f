//! The progress of a writer, which other threads can wait for.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::error::JournalError;
use super::facade::Journal;

/// Reports a [`Writer`](super::Writer)'s progress to other threads, which can read outcomes as soon as they
/// are recorded.
#[derive(Debug, Clone, Default)]
pub struct Recorded(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Known>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    /// The number of durable outcomes.
    outcomes: u64,
    /// The number of rows with a durable plan.
    planned: u64,
    /// Whether more rows are being planned.
    is_planning: bool,
    /// Whether planning has failed.
    has_failed: bool,
    /// Whether the writer has ended.
    is_over: bool,
}

/// A guard that marks rows as being planned until it is dropped.
#[derive(Debug)]
pub struct PlanningAhead(Recorded);

impl PlanningAhead {
    /// Reports that the rest cannot be planned, so that planned rows that were not handed on are not sent.
    pub fn fail(self) {
        self.0.change(|known| known.has_failed = true);
    }
}

impl Drop for PlanningAhead {
    fn drop(&mut self) {
        self.0.change(|known| {
            known.is_planning = false;
            known.has_failed |= std::thread::panicking();
        });
    }
}

/// The progress of planning at one moment.
#[derive(Debug, Clone, Copy)]
pub struct PlannedSoFar {
    rows: u64,
    is_whole: bool,
    /// Whether planning has failed.
    pub has_failed: bool,
}

impl Recorded {
    /// Marks rows as being planned while others are sent, until the guard is dropped.
    pub fn planning_ahead(&self) -> PlanningAhead {
        self.change(|known| known.is_planning = true);
        PlanningAhead(self.clone())
    }

    /// Returns the progress of planning.
    pub fn planned(&self) -> PlannedSoFar {
        let known = self.known();
        PlannedSoFar {
            rows: known.planned,
            is_whole: known.is_over || !known.is_planning,
            has_failed: known.has_failed,
        }
    }

    /// Waits until more rows are planned than `before`, or until planning has ended. Returns whether more
    /// rows may have been planned since.
    pub fn wait_for_more(&self, before: PlannedSoFar) -> bool {
        if before.is_whole {
            return false;
        }
        self.wait(|known| known.planned > before.rows || !known.is_planning);
        true
    }

    /// Waits until all rows are planned.
    pub fn wait_for_plan(&self) {
        self.wait(|known| !known.is_planning);
    }

    /// Waits until all rows of a run from `first` to `last` have an outcome in the journal, or until the
    /// writer has ended.
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
            // Fewer outcomes cannot be enough, so the journal is not read before.
            self.wait(|known| known.outcomes >= before + open);
        }
    }

    /// Reports newly durable plans and outcomes.
    pub(super) fn add(&self, planned: usize, outcomes: usize) {
        self.change(|known| {
            known.planned += planned as u64;
            known.outcomes += outcomes as u64;
        });
    }

    /// Reports that the writer has ended.
    pub(super) fn end(&self) {
        self.change(|known| known.is_over = true);
    }

    fn change(&self, how: impl FnOnce(&mut Known)) {
        how(&mut self.known());
        self.0.changed.notify_all();
    }

    /// Waits until the condition holds, or until the writer has ended.
    fn wait(&self, is_so: impl Fn(&Known) -> bool) {
        let mut known = self.known();
        while !known.is_over && !is_so(&known) {
            known = self
                .0
                .changed
                .wait(known)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_failed_plan_returns_its_error() {
        let recorded = Recorded::default();
        assert!(!recorded.wait_for_more(recorded.planned()), "it is whole");
        let planning = recorded.planning_ahead();
        recorded.add(3, 0);
        let before = recorded.planned();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| recorded.wait_for_more(before));
            recorded.add(1, 0);
            assert!(waiting.join().unwrap());
            let waiting = scope.spawn(|| recorded.wait_for_plan());
            planning.fail();
            waiting.join().unwrap();
        });
        let after = recorded.planned();
        assert!(after.has_failed && !before.has_failed);
        assert!(!recorded.wait_for_more(after));
    }

    #[test]
    fn waiting_for_an_ended_writer_returns() {
        let recorded = Recorded::default();
        let _planning = recorded.planning_ahead();
        let before = recorded.planned();
        recorded.end();
        recorded.wait_for_plan();
        assert!(recorded.wait_for_more(before));
        assert!(!recorded.wait_for_more(recorded.planned()));
    }
}
