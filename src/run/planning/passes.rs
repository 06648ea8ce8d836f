//! Planning decides what to send for each row.

use std::collections::HashSet;

use tokio::sync::{mpsc, watch};

use super::edit_rules::Ruling;
use super::read_policy::Reading;
use super::row_planner::{Halt, Matched, Planning, Renumberings, Work};
use super::row_tasks::ItemMaker;
use super::totals::Planned;
use crate::journal::Record;
use crate::run::error::RunError;
use crate::run::planning::lookup::known_keys::KnownKeys;
use crate::run::planning::snapshot::state::Dates;
use crate::send::{SendError, Stop, StopRequest};

impl Planning<'_> {
    /// Reads the rows once more, in a thread of its own, looks their records up, and records of
    /// each row what is to be done: its outcome where it needs no request, and its call where it
    /// does.
    pub(in crate::run) fn run(
        &self,
        mut asked: watch::Receiver<StopRequest>,
    ) -> Result<Planned, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SendError::Runtime)?;
        let prepared = self.prepared;
        let reading = Reading::of(prepared, self.delivery);
        let planner = reading.planner();
        let look_up = reading.look_up();
        let maker = reading.maker(&planner, self.clock);
        let mut work = Work {
            planning: self,
            planner: &planner,
            look_up,
            key: prepared.survey.key(),
            ruling: Ruling::of(
                self.delivery,
                (&prepared.checker, &planner),
                (&self.past, self.run),
                self.digest_key,
            ),
            known: KnownKeys::default(),
            register: None,
            has_chosen: false,
            renumberings: Renumberings::of(self, prepared.survey.key()),
            matched: Matched::default(),
            reread: 0,
            basis: None,
            dates: Dates::default(),
            has_read: HashSet::new(),
            conflicts: Vec::new(),
            batch: Vec::new(),
            planned: Planned::of(reading.nothing_read()),
            done: 0,
            told_at: self.clock.now(),
        };
        let learns = self.answers.is_some() && (work.look_up.is_some() || reading.lists_keys());
        let may_know = self.snapshot.is_some() && work.look_up.is_some();
        let passes: &[Pass] = match (learns, may_know) {
            (true, _) => &[Pass::Learn, Pass::Plan],
            (false, true) => &[Pass::ReadAhead, Pass::Plan],
            (false, false) => &[Pass::Plan],
        };
        for pass in passes {
            // Each asks the same.
            work.reread = 0;
            work.planned.stop = pass.over(&maker, &mut work, &runtime, &mut asked)?;
            if work.planned.stop.is_some() {
                break;
            }
        }
        runtime.block_on(async {
            work.hand_over().await?;
            self.writer.flush().await
        })?;
        Ok(work.planned)
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
        maker: &ItemMaker<'_>,
        work: &mut Work<'_>,
        runtime: &tokio::runtime::Runtime,
        asked: &mut watch::Receiver<StopRequest>,
    ) -> Result<Option<Stop>, RunError> {
        let input = &work.planning.prepared.input;
        std::thread::scope(|scope| {
            // Each lot is a block of the file.
            let (items, receiver) = mpsc::channel(2);
            let make = move || maker.make(input, &items);
            let thread = std::thread::Builder::new().spawn_scoped(scope, make);
            let reader = thread.map_err(SendError::Runtime)?;
            let ended = runtime.block_on(async {
                tokio::select! {
                    biased;
                    Ok(_) = asked.wait_for(|request| *request > StopRequest::Pause) => {
                        Err(Halt::Stop(Stop::Asked))
                    }
                    ended = async {
                        match self {
                            Pass::Learn => work.learn(receiver).await,
                            Pass::ReadAhead => work.read_ahead(receiver).await,
                            Pass::Plan => work.all(receiver).await,
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
