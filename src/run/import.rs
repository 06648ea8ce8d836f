//! An import plans, sends and finishes a run.

use std::time::Duration;

use super::active_run::{Begun, Run, Setup};
use super::audit_log::AuditEntry;
use super::connection::Connection;
use super::context::{
    Batch, BatchEnd, BatchUsage, Consent, Context, DryRun, Ended, Proposal, Start,
};
use super::error::RunError;
use super::prepare::Prepared;
use super::progress::Tracker;
use super::settings::{Pauses, Queued, Settings};
use crate::events::{Plan, RunEvent};
use crate::journal::{Journal, RunLock, RunState};
use crate::model::{Exit, Held, StateCounts};
use crate::run::finishing::finish::{end_batch, finish, finish_sent, hold};
use crate::run::finishing::summary::summary;
use crate::run::planning::approval::{agree, apply_decisions, decline, store_note};
use crate::run::planning::guards::{held, held_by_row, held_for_conflicts};
use crate::run::planning::pipelined::{plan_or_pipeline, states_at_start};
use crate::run::planning::planned_run::{PlannedRun, plan};
use crate::run::planning::read_policy::ReadPolicy;
use crate::run::planning::saved_plan::difference;
use crate::run::sending::early_results::EarlyResults;
use crate::run::sending::send::send;
use crate::send::{Rate, Stats, Stop};

/// Plans a run, shows the plan, sends it, records the outcome of each row, and writes the results. An interrupted run
/// resumes where it stopped.
///
/// ```no_run
/// use rosterpatch::run::{Context, Prepared, RunError, Settings, Start, import};
///
/// // Imports a roster without a confirmation, and returns how many records changed.
/// fn import_unattended(
///     prepared: &Prepared,
///     settings: &Settings,
///     context: &Context<'_>,
/// ) -> Result<u64, RunError> {
///     let context = Context { agree: None, clock: context.clock.clone(),
///         credentials: context.credentials.clone(), state: context.state.clone(),
///         journal_flag: context.journal_flag.clone(), author: context.author.clone(),
///         stop: context.stop.clone(), ..*context };
///     let ended = import(prepared, settings, Start::New("import"), &context)?;
///     Ok(ended.summary.states.updated)
/// }
/// ```
///
/// # Errors
/// Fails if the journal, the results or the connection fail. The journal has what was sent until then.
pub fn import(
    prepared: &Prepared,
    settings: &Settings,
    start: Start,
    context: &Context<'_>,
) -> Result<Ended, RunError> {
    match import_with(prepared, settings, start, None, context)?.0 {
        BatchEnd::Ended(ended) => Ok(*ended),
        BatchEnd::Later(_) => Err(RunError::Died),
    }
}

/// Processes a batch of an import: plans the run if necessary, and sends some of its rows. Writes no files.
///
/// # Errors
/// Fails if the journal or the connection fail, or another process has taken over the run.
pub fn import_batch(
    prepared: &Prepared,
    settings: &Settings,
    start: Start,
    batch: Batch,
    context: &Context<'_>,
) -> Result<(BatchEnd, BatchUsage), RunError> {
    import_with(prepared, settings, start, Some(batch), context)
}

fn import_with(
    prepared: &Prepared,
    settings: &Settings,
    start: Start,
    batch: Option<Batch>,
    context: &Context<'_>,
) -> Result<(BatchEnd, BatchUsage), RunError> {
    refuse_blind(prepared, settings)?;
    let mut settings = settings.clone();
    // File names are claimed first, so that two runs never share one.
    let _claim = match start {
        Start::New(_) if batch.is_none() => {
            let (paths, claim) = settings.delivery.paths.claim(&context.state)?;
            settings.delivery.paths = paths;
            claim
        }
        _ => None,
    };
    settings.pauses = pauses(&start, batch, context)?;
    settings.audit_log = audit_log(&start, settings.queued.as_ref(), batch, context)?;
    let settings = &settings;
    if batch.is_none() {
        settings.delivery.paths.probe(prepared.survey.rows)?;
    }
    let is_approved = matches!(start, Start::Approve(_));
    let _past = locks_on_past(settings, context)?;
    with_setup((prepared, settings, context), batch, |setup| {
        let (run, plan) = match setup.begin(start)? {
            Begun::Planned(run, plan) => (run, plan),
            Begun::New(run) => match decide(plan_or_pipeline(run)?, is_approved, context)? {
                Decision::Send(run, plan) => (*run, plan),
                Decision::End(ended) => return Ok((BatchEnd::Ended(ended), made(setup.stats))),
                Decision::Later(after) => {
                    let later = put_off(BatchEnd::Later(after), setup.connection);
                    return Ok((later, made(setup.stats)));
                }
            },
        };
        let states = states_at_start(&run, plan.settled)?;
        let is_undo = setup.settings.delivery.undoes.is_some();
        setup.tracker.start(run.name(), &plan, states, is_undo);
        let sent = send(run)?;
        let batch_end = match batch {
            Some(_) => end_batch(sent)?,
            None => BatchEnd::Ended(Box::new(finish_sent(sent)?)),
        };
        Ok((put_off(batch_end, setup.connection), made(setup.stats)))
    })
}

/// The audit log of a run so far. The commands in the queue come before that of the worker that starts the run. Later
/// batches add no entry.
fn audit_log(
    start: &Start,
    queued: Option<&Queued>,
    batch: Option<Batch>,
    context: &Context<'_>,
) -> Result<Vec<AuditEntry>, RunError> {
    let (command, earlier) = match start {
        Start::New(command) => (*command, None),
        Start::Resume(run) => ("resume", Some(run)),
        Start::Approve(run) => ("approve", Some(run)),
    };
    let mut audit_log = match earlier {
        None => Vec::new(),
        Some(run) => {
            let run = Journal::open(&context.state)?.run(Some(&run.name))?;
            Settings::of(&run)?.audit_log
        }
    };
    if batch.is_some() {
        for entry in queued.iter().flat_map(|queued| &queued.audit_log) {
            if !audit_log.contains(entry) {
                audit_log.push(entry.clone());
            }
        }
    }
    if earlier.is_none() || batch.is_none() {
        let command = batch.map_or(command, |_| "work");
        let now = context.clock.timestamp();
        audit_log.push(AuditEntry::of(&context.author, command, now));
    }
    Ok(audit_log)
}

/// The time in which no process worked on a run that starts or resumes now.
fn pauses(start: &Start, batch: Option<Batch>, context: &Context<'_>) -> Result<Pauses, RunError> {
    let (Start::Resume(run) | Start::Approve(run)) = start else {
        return Ok(Pauses::default());
    };
    let now = context.clock.timestamp();
    let due = batch.and_then(|batch| now.checked_sub(batch.late).ok());
    let journal = Journal::open(&context.state)?;
    let run = journal.run(Some(&run.name))?;
    let last = journal.traces(run.id)?.last;
    Ok(Pauses::of(&run, last, due, now))
}

/// Calls `work` with the setup of a run.
pub(super) fn with_setup<T>(
    (prepared, settings, context): (&Prepared, &Settings, &Context<'_>),
    batch: Option<Batch>,
    work: impl FnOnce(Setup<'_>) -> Result<T, RunError>,
) -> Result<T, RunError> {
    let connection = Connection::new(prepared, settings, context)?;
    let stats = Stats::default();
    let clock = context.clock.as_ref();
    let survey = &prepared.survey;
    let tracker = Tracker::new(context.observer, clock, &connection.pacer, &stats, survey);
    let transport = connection.transport(prepared, settings, context, (&stats, &tracker));
    work(Setup {
        tracker: &tracker,
        prepared,
        settings,
        context,
        connection: &connection,
        transport: &transport,
        stats: &stats,
        canary: settings.delivery.canary,
        batch,
    })
}

/// Delays the next batch until the quota allows several requests.
fn put_off(batch_end: BatchEnd, connection: &Connection) -> BatchEnd {
    match batch_end {
        BatchEnd::Later(after) => BatchEnd::Later(late_enough(after, connection.pacer.quota())),
        other => other,
    }
}

/// Returns when a batch is due whose first request is possible `after` now. Each batch reads the whole file, so it
/// waits for several requests, but at most for half of the bucket, so that the bucket never overflows.
fn late_enough(after: Duration, (rate, burst): (Rate, u32)) -> Duration {
    /// The number of requests to wait for.
    const ENOUGH: u32 = 25;
    if after.is_zero() {
        return after;
    }
    let more = (burst / 2).clamp(1, ENOUGH) - 1;
    after.saturating_add(rate.interval().saturating_mul(more))
}

fn made(stats: &Stats) -> BatchUsage {
    BatchUsage {
        requests: stats.requests(),
        retries: stats.retries(),
        throttled: stats.throttled(),
    }
}

/// The decision about a plan.
enum Decision<'a> {
    Send(Box<Run<'a>>, Box<Plan>),
    End(Box<Ended>),
    /// The plan is incomplete: another batch continues after this time.
    Later(Duration),
}

/// Shows a plan, and decides by the guards and the confirmation.
fn decide<'a>(
    planned: PlannedRun<'a>,
    is_approved: bool,
    context: &Context<'_>,
) -> Result<Decision<'a>, RunError> {
    let PlannedRun {
        run,
        mut plan,
        stop,
        asked,
    } = planned;
    if let Some(stop) = stop {
        match &stop {
            Stop::Due { after } => return Ok(Decision::Later(*after)),
            Stop::Asked if run.setup.batch.is_some() => {
                return Ok(Decision::Later(Duration::ZERO));
            }
            _ => {}
        }
        let ended = finish(run, Some(stop), RunState::Planning, EarlyResults::default())?;
        return Ok(Decision::End(Box::new(ended)));
    }
    let event = RunEvent::Planned(Box::new(plan.clone()));
    context.observer.on_event(&event);
    // The comparison precedes the guards: an approval of a held run is based on the guard's reason and not on the
    // plan.
    if let Some(why) = difference(&run)? {
        decline(run)?;
        return Err(RunError::OtherPlan { why });
    }
    let held = match is_approved {
        true => held_by_row(&run.setup, &plan),
        false => held(&run.setup, &plan)?,
    };
    let held = held.or_else(|| held_for_conflicts(context, &plan));
    if let Some(why) = held {
        return Ok(Decision::End(Box::new(hold(run, why)?)));
    }
    let conflicts: Vec<_> = asked.iter().flat_map(|row| &row.conflicts).collect();
    let proposal = Proposal {
        run: run.name(),
        plan: &plan,
        conflicts: &conflicts,
    };
    let consent = match context.agree {
        // An undo closes the undone run even if nothing is sent.
        Some(agree) if plan.to_send > 0 || run.setup.settings.delivery.undoes.is_some() => {
            agree(&proposal)
        }
        _ => Consent::from(true),
    };
    let Consent::Yes { first, kept, note } = consent else {
        decline(run)?;
        return Err(RunError::Declined);
    };
    let mut run = apply_decisions(run, &mut plan, asked, &kept)?;
    if let Some(note) = note {
        store_note(&mut run, note)?;
    }
    let mut run = agree(run)?;
    if first.is_some() {
        run.setup.canary = first;
    }
    Ok(Decision::Send(Box::new(run), Box::new(plan)))
}

/// Locks the runs that this run depends on, so that they are not pruned.
fn locks_on_past(settings: &Settings, context: &Context<'_>) -> Result<Vec<RunLock>, RunError> {
    let retried = settings.delivery.retries.as_ref();
    let past = retried.and_then(|retries| retries.run.as_ref());
    let past = past.into_iter().chain(&settings.delivery.undoes);
    let locks = past.map(|name| RunLock::share(&context.state, name));
    Ok(locks.collect::<Result<_, _>>()?)
}

/// Plans what an import would send, and sends nothing.
pub fn dry_run(
    prepared: &Prepared,
    settings: &Settings,
    context: &Context<'_>,
) -> Result<DryRun, RunError> {
    refuse_blind(prepared, settings)?;
    // The settings may have the pauses of the run to retry.
    let settings = &Settings {
        pauses: Pauses::default(),
        ..settings.clone()
    };
    with_setup((prepared, settings, context), None, |setup| {
        let planned = plan(setup.begin_in(Journal::temporary()?)?);
        context.observer.on_event(&RunEvent::DryRunEnded);
        let planned = planned?;
        let PlannedRun {
            run, plan, stop, ..
        } = planned;
        let held_by = held(&run.setup, &plan)?;
        let held = held_by.or_else(|| held_for_conflicts(context, &plan));
        let states = StateCounts {
            invalid: plan.invalid,
            unchanged: plan.unchanged,
            not_sent: plan.to_send + plan.left_out,
            withheld: plan.settled.withheld,
            ..StateCounts::default()
        };
        let mut summary = summary(&run, states, stop.as_ref());
        summary.run = String::new();
        summary.fields = Some(plan.fields.iter().cloned().collect());
        if held.is_some() && stop.is_none() {
            summary.exit_code = Exit::Held;
        }
        summary.held = held.as_ref().map(Held::to_string);
        summary.held_by.clone_from(&held);
        summary.identity_changes = plan.identity_rows.len() as u64;
        summary.renumbered = plan.renumbered;
        summary.to_send = Some(plan.to_send);
        summary.estimated_s = Some(plan.estimate_s);
        summary.estimated_finish = plan.estimated_finish;
        summary.snapshot = plan.known;
        Ok(DryRun {
            plan,
            held,
            run: run.id,
            journal: run.journal,
            summary,
            stop,
        })
    })
}

/// Refuses a canary and list elements if the run reads no records.
fn refuse_blind(prepared: &Prepared, settings: &Settings) -> Result<(), RunError> {
    let (spec, delivery) = (prepared.checker.spec(), &settings.delivery);
    let reads_one = spec.lookup.as_ref().is_some_and(|how| how.read.is_some());
    if delivery.canary.is_some() && delivery.blind {
        return Err(RunError::BlindCanary);
    }
    if delivery.canary.is_some() && !reads_one {
        return Err(RunError::UnreadableCanary {
            target: spec.name.clone(),
        });
    }
    let policy = ReadPolicy::of(prepared, delivery);
    let fields = policy.unread_lists();
    if !fields.is_empty() {
        return Err(RunError::BlindLists { fields });
    }
    if policy.look_up().is_none() && delivery.undoes.is_none() && delivery.edits.need_records() {
        return Err(RunError::BlindRules);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
