//! Planning decides what to send for each row.

use std::collections::HashSet;

use tokio::sync::{mpsc, watch};

use super::edit_rules::Ruling;
use super::read_policy::ReadPolicy;
use super::row_planner::{Halt, Matched, PlanContext, Renumberings, RowPlanner};
use super::row_tasks::TaskBuilder;
use super::totals::PlanTotals;
use crate::journal::Record;
use crate::run::error::RunError;
use crate::run::planning::lookup::known_keys::KnownKeys;
use crate::run::planning::snapshot::state::ResponseDates;
use crate::send::{SendError, Stop, StopRequest};

impl PlanContext<'_> {
    /// Reads the rows once more, in a thread of its own, looks their records up, and records of
    /// each row what is to be done: its outcome where it needs no request, and its call where it
    /// does.
    pub fn run(&self, mut asked: watch::Receiver<StopRequest>) -> Result<PlanTotals, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SendError::Runtime)?;
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
            told_at: self.clock.now(),
        };
        let learns = self.answers.is_some() && (rows.look_up.is_some() || policy.lists_keys());
        let may_know = self.snapshot.is_some() && rows.look_up.is_some();
        let passes: &[Pass] = match (learns, may_know) {
            (true, _) => &[Pass::Learn, Pass::Plan],
            (false, true) => &[Pass::ReadAhead, Pass::Plan],
            (false, false) => &[Pass::Plan],
        };
        for pass in passes {
            // Each asks the same.
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

/// A way through all rows.
#[derive(Debug, Clone, Copy)]
enum Pass {
    /// Everything is asked of the API that planning will ask.
    Learn,
    /// Records are read that the snapshot of an earlier run does not prove to be as the rows say.
    ReadAhead,
    /// Each row is planned.
    Plan,
}

impl Pass {
    /// Goes through all rows, and returns why it stopped before the last one, if it did.
    fn over(
        self,
        builder: &TaskBuilder<'_>,
        rows: &mut RowPlanner<'_>,
        runtime: &tokio::runtime::Runtime,
        asked: &mut watch::Receiver<StopRequest>,
    ) -> Result<Option<Stop>, RunError> {
        let input = &rows.context.prepared.input;
        std::thread::scope(|scope| {
            // Each lot is a block of the file.
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
