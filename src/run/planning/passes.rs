//! Planning takes one or two passes over all rows.

use std::collections::HashSet;

use tokio::sync::{mpsc, watch};

use super::edit_rules::Ruling;
use super::read_policy::ReadPolicy;
use super::row_planner::{Halt, Matched, PlanContext, Renumberings, RowPlanner};
use super::row_tasks::TaskBuilder;
use super::totals::PlanTotals;
use crate::journal::Record;
use crate::run::connection::runtime;
use crate::run::error::RunError;
use crate::run::planning::lookup::known_keys::KnownKeys;
use crate::run::planning::snapshot::state::ResponseDates;
use crate::send::{SendError, Stop, StopRequest};

impl PlanContext<'_> {
    /// Reads the rows again in a separate thread, looks up their records, and records the outcome or the call of each
    /// row.
    pub fn run(&self, mut asked: watch::Receiver<StopRequest>) -> Result<PlanTotals, RunError> {
        let runtime = runtime()?;
        let prepared = self.prepared;
        let policy = ReadPolicy::of(prepared, self.delivery);
        let planner = policy.planner();
        let look_up = policy.look_up();
        let builder = policy.builder(&planner, self.clock);
        let mut rows = RowPlanner {
            context: self,
            planner: &planner,
            look_up,
            key: prepared.survey.key(),
            ruling: Ruling::of(
                self.delivery,
                (&prepared.checker, &planner),
                (&self.earlier.journal, self.run),
                self.digest_key,
            ),
            known: KnownKeys::default(),
            register: None,
            has_chosen: false,
            renumberings: Renumberings::of(self, prepared.survey.key()),
            matched: Matched::default(),
            reread: 0,
            snapshot: None,
            dates: ResponseDates::default(),
            has_read: HashSet::new(),
            conflicts: Vec::new(),
            unwritten: Vec::new(),
            totals: PlanTotals::of(policy.nothing_read()),
            done: 0,
            reported_at: self.clock.now(),
        };
        let learns = self.answers.is_some() && (rows.look_up.is_some() || policy.lists_keys());
        let may_know = self.snapshot.is_some() && rows.look_up.is_some();
        let passes: &[Pass] = match (learns, may_know) {
            (true, _) => &[Pass::Learn, Pass::Plan],
            (false, true) => &[Pass::ReadAhead, Pass::Plan],
            (false, false) => &[Pass::Plan],
        };
        for pass in passes {
            // Each pass asks the same questions.
            rows.reread = 0;
            rows.totals.stop = pass.over(&builder, &mut rows, &runtime, &mut asked)?;
            if rows.totals.stop.is_some() {
                break;
            }
        }
        runtime.block_on(async {
            rows.hand_over().await?;
            self.writer.flush().await
        })?;
        Ok(rows.totals)
    }
}

/// A pass over all rows.
#[derive(Debug, Clone, Copy)]
enum Pass {
    /// All answers that planning needs are requested.
    Learn,
    /// Records are read for which the snapshot does not prove that they hold the rows' values.
    ReadAhead,
    /// Each row is planned.
    Plan,
}

impl Pass {
    /// Passes over all rows, and returns why it stopped before the last one, if it did.
    fn over(
        self,
        builder: &TaskBuilder<'_>,
        rows: &mut RowPlanner<'_>,
        runtime: &tokio::runtime::Runtime,
        asked: &mut watch::Receiver<StopRequest>,
    ) -> Result<Option<Stop>, RunError> {
        let input = &rows.context.prepared.input;
        std::thread::scope(|scope| {
            // Each message has the tasks of a block of the file.
            let (tasks, receiver) = mpsc::channel(2);
            let build = move || builder.build(input, &tasks);
            let thread = std::thread::Builder::new().spawn_scoped(scope, build);
            let reader = thread.map_err(SendError::Runtime)?;
            let ended = runtime.block_on(async {
                tokio::select! {
                    biased;
                    Ok(_) = asked.wait_for(|request| *request > StopRequest::Pause) => {
                        Err(Halt::Stop(Stop::Asked))
                    }
                    ended = async {
                        match self {
                            Pass::Learn => rows.learn(receiver).await,
                            Pass::ReadAhead => rows.read_ahead(receiver).await,
                            Pass::Plan => rows.all(receiver).await,
                        }
                    } => ended,
                }
            });
            let ended = match ended {
                Err(Halt::Error(error)) => Err(error),
                Err(Halt::Stop(stop)) => Ok(Some(stop)),
                Ok(()) => Ok(None),
            };
            match reader.join() {
                Ok(read) => read?,
                Err(_) => return Err(RunError::Died),
            }
            ended
        })
    }
}
