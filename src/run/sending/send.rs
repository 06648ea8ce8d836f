//! Sending makes the planned calls of a run.

use super::applied::Applied;
use super::batch::send_batch;
use super::canary::RecordReader;
use super::dispatch::{Dispatcher, may_acknowledge_early};
use super::early_results::{EarlyResults, EarlyWriter};
use super::mark_records::mark_records;
use super::vocabulary::Vocabulary;
use crate::journal::{Journal, PlanningAhead, Stage, Writer};
use crate::run::active_run::{Run, Setup};
use crate::run::connection::runtime;
use crate::run::error::RunError;
use crate::run::planning::pipelined::PipelinedPlanning;
use crate::send::{Reread, SendError, Sender, Stop};

/// A run whose sending is over.
pub struct Sent<'a> {
    pub run: Run<'a>,
    /// Why sending stopped before the last call, if it did, or the error that broke it off.
    pub ended: Result<Option<Stop>, RunError>,
    pub early: EarlyResults,
}

/// Sends the remaining calls of a run. With a canary, the first rows are sent and read back before the others.
pub fn send(run: Run<'_>) -> Result<Sent<'_>, RunError> {
    mark_records(&run)?;
    let unplanned = PipelinedPlanning::of(&run);
    let Run {
        setup,
        mut journal,
        id,
        ..
    } = run;
    let now = setup.context.clock.timestamp();
    journal.begin_sending(id, &setup.connection.place, now)?;
    let stage = match may_acknowledge_early(&setup) {
        true => Stage::Sending,
        false => Stage::StrictSending,
    };
    let (ended, journal, early) = std::thread::scope(|scope| {
        // The writer is dropped with this closure on every path, which releases all waiters.
        let writer = match Writer::start(journal, id, stage) {
            Ok(writer) => writer,
            Err(error) => return (Ok(None), Err(error), Default::default()),
        };
        let unplanned = unplanned.map(|rest| (rest, writer.recorded().planning_ahead()));
        let early = EarlyWriter::of(&setup, id, &writer);
        // Without a thread, finishing writes the results.
        let early = early.and_then(|early| {
            let thread = std::thread::Builder::new();
            thread.spawn_scoped(scope, move || early.work()).ok()
        });
        let sent = send_and_plan(&setup, id, &writer, unplanned);
        let journal = writer.close();
        let done = early.and_then(|early| early.join().ok());
        (sent, journal, done.unwrap_or_default())
    });
    let run = Run {
        journal: journal?,
        ..run
    };
    Ok(Sent { run, ended, early })
}

/// Sends a run's calls while the remaining rows are planned. Returns why it stopped before the last call, if it did.
fn send_and_plan(
    setup: &Setup<'_>,
    id: i64,
    writer: &Writer,
    unplanned: Option<(PipelinedPlanning<'_>, PlanningAhead)>,
) -> Result<Option<Stop>, RunError> {
    let Some((rest, progress)) = unplanned else {
        return send_calls(setup, id, writer);
    };
    let (sent, planned) = std::thread::scope(|scope| {
        let plan = move || {
            let planned = rest.plan(writer);
            if planned.is_err() {
                progress.fail();
            }
            planned
        };
        let thread = std::thread::Builder::new().spawn_scoped(scope, plan);
        let planning = thread.map_err(SendError::Runtime)?;
        let sent = send_calls(setup, id, writer);
        Ok::<_, SendError>((sent, planning.join()))
    })?;
    let is_whole = planned.map_err(|_| RunError::Died)??;
    Ok(sent?.or((!is_whole).then_some(Stop::Asked)))
}

/// Sends a run's calls, and returns why it stopped before the last one, if it did.
fn send_calls(setup: &Setup<'_>, id: i64, writer: &Writer) -> Result<Option<Stop>, RunError> {
    let runtime = runtime()?;
    let mut reader = RecordReader::new(setup.prepared);
    if setup.prepared.checker.spec().update.if_match.is_some() {
        let journal = Journal::open(&setup.context.state)?;
        reader = reader.map(|reader| reader.comparing(journal, id));
    }
    let vocabulary = Vocabulary::new(&setup.prepared.checker);
    let applied = Applied::new(&setup.prepared.checker);
    let sender = Sender {
        explain: &|code, message| vocabulary.problems(code, message),
        refused_column: &|fields| applied.refused_column(fields),
        not_applied: &|call, answer| applied.not_applied(call, answer),
        transport: setup.transport,
        record: writer,
        reread: reader.as_ref().map(|reader| reader as &dyn Reread),
    };
    let dispatcher = Dispatcher {
        setup,
        run: id,
        runtime: &runtime,
        sender: &sender,
        reader: reader.as_ref(),
    };
    if let Some(batch) = setup.batch {
        return send_batch(&dispatcher, batch);
    }
    if let Some(most) = setup.canary {
        // The canary covers the first rows of the whole run, not of those planned so far.
        writer.recorded().wait_for_plan();
        if writer.recorded().planned().has_failed {
            return Ok(None);
        }
        let journal = Journal::open(&setup.context.state)?;
        let most = usize::try_from(most).unwrap_or(usize::MAX >> 1);
        let first = journal.calls_left(id, 0, most)?;
        if let Some(stop) = dispatcher.send_canary(&journal, &first)? {
            return Ok(Some(stop));
        }
    }
    dispatcher.send_up_to(u64::MAX)
}
