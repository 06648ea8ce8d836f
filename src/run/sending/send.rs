//! Sending delivers the planned calls of a run.

use tokio::sync::mpsc;

use super::applied::Applied;
use super::canary::RecordReader;
use super::vocabulary::Vocabulary;
use crate::journal::{Journal, JournalError, PlanningAhead, RunState, Stage, Writer};
use crate::model::Pending;
use crate::run::active_run::{Run, Setup};
use crate::run::context::Ended;
use crate::run::error::RunError;
use crate::run::finishing::finish::{EarlyResults, EarlyWriter};
use crate::run::planning::pipelined::PipelinedPlanning;
use crate::send::{Rate, Reread, SendError, Sender, Stop};

/// A run whose sending is over.
pub(in crate::run) struct Sent<'a> {
    pub(in crate::run) run: Run<'a>,
    pub(in crate::run) how: HowSent,
    pub(in crate::run) done: EarlyResults,
}

/// How sending ended.
pub(in crate::run) enum HowSent {
    /// Every call was made.
    All,
    /// It was stopped.
    Stopped(Stop),
    /// It broke off.
    Broken(RunError),
}

impl<'a> Run<'a> {
    /// Sends what is left: a few rows first that are read back, if that is requested.
    pub(in crate::run) fn send(self) -> Result<Sent<'a>, RunError> {
        self.mark_records()?;
        let ahead = PipelinedPlanning::of(&self);
        let Run {
            setup,
            mut journal,
            id,
            ..
        } = self;
        let now = setup.context.clock.timestamp();
        journal.begin_sending(id, &setup.connection.place, now)?;
        let stage = match setup.may_be_ahead() {
            true => Stage::Sending,
            false => Stage::StrictSending,
        };
        let (sent, journal, done) = std::thread::scope(|scope| {
            // It is dropped with this closure, however the closure ends, and releases all waiters.
            let writer = match Writer::start(journal, id, stage) {
                Ok(writer) => writer,
                Err(error) => return (Ok(None), Err(error), Default::default()),
            };
            let ahead = ahead.map(|ahead| (ahead, writer.recorded().planning_ahead()));
            let early = EarlyWriter::of(&setup, id, &writer);
            // Without a thread it is done once the run has ended.
            let early = early.and_then(|early| {
                let thread = std::thread::Builder::new();
                thread.spawn_scoped(scope, move || early.work()).ok()
            });
            let sent = setup.send_planned_or_not(id, &writer, ahead);
            let journal = writer.close();
            let done = early.and_then(|early| early.join().ok());
            (sent, journal, done.unwrap_or_default())
        });
        let run = Run {
            journal: journal?,
            ..self
        };
        let how = match sent {
            Ok(None) => HowSent::All,
            Ok(Some(stop)) => HowSent::Stopped(stop),
            Err(error) => HowSent::Broken(error),
        };
        Ok(Sent { run, how, done })
    }
}

impl Sent<'_> {
    /// Writes the results and the run's figures.
    pub(in crate::run) fn finish(self) -> Result<Ended, RunError> {
        let Sent { run, how, done } = self;
        let name = run.name().to_owned();
        let ended = match how {
            HowSent::All => run.finish(None, RunState::Finished, done),
            HowSent::Stopped(stop) => run.finish(Some(stop), RunState::Interrupted, done),
            // The outcomes until then can still be reported.
            HowSent::Broken(error) => {
                return match run.finish(Some(Stop::Asked), RunState::Interrupted, done) {
                    Ok(ended) => Err(RunError::Broken {
                        source: Box::new(error),
                        results: ended.summary.results.unwrap_or_default(),
                    }),
                    Err(_) => Err(error),
                };
            }
        };
        ended.map_err(|error| match error {
            RunError::Report(_) => RunError::NotReported {
                run: name,
                source: Box::new(error),
            },
            other => other,
        })
    }
}

/// By what calls are sent, and read back where that can be.
pub(in crate::run) type Way<'a> = (
    &'a tokio::runtime::Runtime,
    &'a Sender<'a, Writer>,
    Option<&'a RecordReader<'a>>,
);

/// How calls are sent.
impl Setup<'_> {
    /// Whether the journal may be a little behind: where a request may be made again, and where anyone
    /// asked for more than one at a time.
    fn may_be_ahead(&self) -> bool {
        let is_repeatable = self.prepared.checker.spec().update.idempotent;
        is_repeatable && self.settings.delivery.sender.concurrency > 1
    }

    /// Sends a run's calls, of which some may still have to be planned. Returns why it stopped before the
    /// last one, if it did.
    fn send_planned_or_not(
        &self,
        id: i64,
        writer: &Writer,
        ahead: Option<(PipelinedPlanning<'_>, PlanningAhead)>,
    ) -> Result<Option<Stop>, RunError> {
        let Some((ahead, is_going_on)) = ahead else {
            return self.send(id, writer);
        };
        let (sent, planned) = std::thread::scope(|scope| {
            let plan = move || {
                let planned = ahead.plan(writer);
                if planned.is_err() {
                    is_going_on.fail();
                }
                planned
            };
            let thread = std::thread::Builder::new().spawn_scoped(scope, plan);
            let planning = thread.map_err(SendError::Runtime)?;
            let sent = self.send(id, writer);
            Ok::<_, SendError>((sent, planning.join()))
        })?;
        let is_whole = planned.map_err(|_| RunError::Died)??;
        Ok(sent?.or((!is_whole).then_some(Stop::Asked)))
    }

    /// Sends a run's calls, and returns why it stopped before the last one, if it did.
    pub(in crate::run) fn send(&self, id: i64, writer: &Writer) -> Result<Option<Stop>, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SendError::Runtime)?;
        let mut reader = RecordReader::new(self.prepared);
        if self.prepared.checker.spec().update.if_match.is_some() {
            let journal = Journal::open(&self.context.state)?;
            reader = reader.map(|reader| reader.comparing(journal, id));
        }
        let vocabulary = Vocabulary::new(&self.prepared.checker);
        let applied = Applied::new(&self.prepared.checker);
        let sender = Sender {
            explain: &|code, message| vocabulary.problems(code, message),
            refused_column: &|fields| applied.refused_column(fields),
            not_applied: &|call, answer| applied.not_applied(call, answer),
            transport: self.transport,
            record: writer,
            reread: reader.as_ref().map(|reader| reader as &dyn Reread),
        };
        if self.batch.is_some() {
            return self.send_batch(id, (&runtime, &sender, reader.as_ref()));
        }
        if let Some(most) = self.canary {
            // The first rows of all, and not of those that are planned so far.
            writer.recorded().wait_for_plan();
            if writer.recorded().planned().has_failed {
                return Ok(None);
            }
            let journal = Journal::open(&self.context.state)?;
            let most = usize::try_from(most).unwrap_or(usize::MAX >> 1);
            let first = journal.calls_left(id, 0, most)?;
            let way = (&runtime, &sender, reader.as_ref());
            if let Some(stop) = self.send_canary((&journal, id), &first, way)? {
                return Ok(Some(stop));
            }
        }
        self.deliver(id, &runtime, &sender, u64::MAX)
    }

    /// Sends the first rows, and reads them back: for as long as that takes, since a slice that began again
    /// would not end at a slow rate.
    pub(super) fn send_canary(
        &self,
        (journal, id): (&Journal, i64),
        first: &[Pending],
        (runtime, sender, reader): Way<'_>,
    ) -> Result<Option<Stop>, RunError> {
        let last = first.last().map_or(0, |call| call.row);
        if let Some(stop) = self.deliver(id, runtime, sender, last)? {
            return Ok(Some(stop));
        }
        let Some(reader) = reader else {
            return Ok(None);
        };
        let pacer = &self.connection.pacer;
        pacer.set_patience(None);
        let stop = self.context.stop.clone();
        let read = runtime.block_on(reader.look_after(self.transport, journal, id, first, stop));
        pacer.set_patience(self.batch.map(|batch| batch.patience));
        read
    }

    /// Sends the calls that are left in the journal, which a thread of its own reads, up to the one
    /// for row `last`.
    pub(super) fn deliver(
        &self,
        run: i64,
        runtime: &tokio::runtime::Runtime,
        sender: &Sender<'_, Writer>,
        last: u64,
    ) -> Result<Option<Stop>, RunError> {
        let journal = Journal::open(&self.context.state)?;
        let answered = self.transport.has_sent();
        std::thread::scope(|scope| {
            let window = self
                .may_be_ahead()
                .then(|| window(self.connection.pacer.quota().0));
            // Enough that the sender never waits for the reader.
            let (calls, receiver) = mpsc::channel(window.unwrap_or(PAGE));
            let writer = sender.record;
            let read = move || calls_left(&journal, run, last, writer, window, &calls);
            let thread = std::thread::Builder::new().spawn_scoped(scope, read);
            let reader = thread.map_err(SendError::Runtime)?;
            let delivered =
                runtime.block_on(sender.deliver(receiver, self.context.stop.clone(), answered));
            match reader.join() {
                Ok(read) => read?,
                Err(_) => return Err(RunError::Died),
            }
            Ok(delivered?)
        })
    }
}

/// Calls that are read at once.
const PAGE: usize = 256;

/// Requests that are said beforehand to be made: as many as leave in a quarter of a second, since all of
/// them count as made after a crash.
fn window(rate: Rate) -> usize {
    let interval = rate.interval().as_secs_f64();
    ((0.25 / interval.max(1e-9)) as usize).clamp(1, PAGE)
}

/// Hands on the calls that are left up to row `last`, in row order. With a `window`, it is durable before
/// that as many of them may be made.
fn calls_left(
    journal: &Journal,
    run: i64,
    last: u64,
    writer: &Writer,
    window: Option<usize>,
    calls: &mpsc::Sender<Pending>,
) -> Result<(), JournalError> {
    let mut after = 0;
    let recorded = writer.recorded();
    loop {
        // What is planned after this is looked for once more.
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
            for call in part {
                // The receiver is gone, and has said why.
                if calls.blocking_send(call).is_err() {
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
