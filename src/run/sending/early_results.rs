//! Results are written and rows indexed while a run still sends.

use crate::journal::{Journal, Recorded, State, Writer};
use crate::log;
use crate::model::{Code, Fact};
use crate::read::Input;
use crate::report::{ResultPaths, ResultsOf, UnplacedResults, write_results};
use crate::run::active_run::Setup;
use crate::run::error::RunError;

/// Rows of a run that are indexed while it sends: more would delay outcomes.
const FEW: u64 = 50_000;

/// The part of finishing that is done while a run still sends.
#[derive(Default)]
pub struct EarlyResults {
    /// The results. Each row is written as soon as its outcome is durable.
    pub written: Option<UnplacedResults>,
    /// Whether the rows are indexed for later runs.
    pub is_indexed: bool,
}

/// Writes the results of a run while it sends.
pub struct EarlyWriter<'a> {
    run: i64,
    rows: u64,
    input: &'a Input,
    state: &'a State,
    paths: &'a ResultPaths,
    recorded: Recorded,
}

impl<'a> EarlyWriter<'a> {
    /// Returns a writer for the outcomes that `writer` records; `None` if the results must wait for the end of the
    /// run.
    pub fn of(setup: &Setup<'a>, run: i64, writer: &Writer) -> Option<EarlyWriter<'a>> {
        let paths = &setup.settings.delivery.paths;
        let may_begin = setup.batch.is_none() && paths.may_take_long();
        may_begin.then(|| EarlyWriter {
            run,
            rows: setup.prepared.survey.rows,
            input: &setup.prepared.input,
            state: &setup.context.state,
            paths,
            recorded: writer.recorded(),
        })
    }

    /// Works until the run stops sending. Finishing repeats what fails.
    pub fn work(&self) -> EarlyResults {
        let mut done = EarlyResults::default();
        if let Err(error) = self.work_into(&mut done) {
            log::debug(&Fact::new(Code::RunResultsLater).because_of(error.fact()));
        }
        done
    }

    fn work_into(&self, done: &mut EarlyResults) -> Result<(), RunError> {
        let journal = Journal::open(self.state)?;
        // The work before the first request has priority.
        self.recorded.wait_for(&journal, self.run, (1, 1))?;
        // A database has one connection per process, and other processes may hold the index.
        if self.rows <= FEW && self.state.database().is_none() {
            self.recorded.wait_for_plan();
            journal.index_own(self.run)?;
            done.is_indexed = true;
        }
        let of = ResultsOf {
            journal: &journal,
            run: self.run,
            unsent: None,
            recorded: Some(&self.recorded),
            restored: (&[], ""),
        };
        done.written = Some(write_results(self.input, of, self.paths)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
