use std::path::PathBuf;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::{mpsc, watch};

use super::canary::Reader;
use super::error::RunError;
use super::name::run_name;
use super::planning::{Planning, plan_of};
use super::prepare::Prepared;
use super::settings::{Retries, Settings, absolute};
use crate::clock::Clock;
use crate::events::{Plan, RunEvent, Watch};
use crate::journal::{
    Journal, JournalError, NewRun, QuotaStore, RunRecord, RunState, Writer, account_of,
};
use crate::model::{Call, Exit, StateCounts, Summary, seconds_between};
use crate::plan::shortest_time;
use crate::report::{write_before, write_html, write_results};
use crate::send::{
    Client, Credentials, Pacer, Reread, SendError, Sender, Stats, Stop, StopRequest, Transport,
};

/// What a run is given from outside: time, randomness, secrets, a place for its record, and who
/// watches, agrees and interrupts.
pub struct Context<'a> {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The run's own random number.
    pub seed: u64,
    /// The credentials.
    pub credentials: Credentials,
    /// The folder of the journal.
    pub state: PathBuf,
    /// Watches.
    pub watch: &'a dyn Watch,
    /// Is shown the plan and says whether to go on.
    pub agree: &'a dyn Fn(&Plan) -> bool,
    /// Says when the run is to stop.
    pub stop: watch::Receiver<StopRequest>,
}

/// Where a run begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// At its beginning, for the command of this name.
    New(&'static str),
    /// Where it was interrupted.
    Resume(Box<RunRecord>),
    /// Where a guard held it: it is planned anew, since time has passed, and not held again.
    Approve(Box<RunRecord>),
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Its figures.
    pub summary: Summary,
    /// Why it ended before its last row, if it did.
    pub stop: Option<Stop>,
}

/// A plan that was made to be looked at.
#[derive(Debug)]
pub struct Looked {
    /// The plan.
    pub plan: Plan,
    /// Why a guard would hold the run, if one would.
    pub held: Option<String>,
    /// The journal with its calls: a temporary one.
    pub journal: Journal,
    /// The number of the plan's run in it.
    pub run: i64,
    /// The figures, with valid rows as not sent.
    pub summary: Summary,
    /// Why planning ended early, if it did.
    pub stop: Option<Stop>,
}

/// What a run is made with.
struct Tools {
    client: Client,
    pacer: Pacer,
    account: String,
}

impl Tools {
    fn new(
        prepared: &Prepared,
        settings: &Settings,
        context: &Context<'_>,
    ) -> Result<Tools, RunError> {
        let delivery = &settings.delivery;
        let client = Client::new(
            prepared.checker.spec().clone(),
            context.credentials.clone(),
            &delivery.client,
            context.clock.clone(),
        )?;
        let base_url = &delivery.client.base_url;
        let account = account_of(base_url, &context.credentials.identity());
        let store = QuotaStore::open(&context.state, &account)?;
        let pacer = Pacer::new(delivery.pace, context.clock.clone(), Some(store))?;
        Ok(Tools {
            client,
            pacer,
            account,
        })
    }
}

/// A run under way.
struct Run<'a> {
    prepared: &'a Prepared,
    settings: &'a Settings,
    context: &'a Context<'a>,
    tools: &'a Tools,
    transport: &'a Transport<'a>,
    stats: &'a Stats,
    id: i64,
    record: NewRun,
    /// Requests made before this process took the run over.
    before: u64,
    lookups_before: u64,
}

/// Plans what is to be sent, shows it, sends it, records what becomes of each row, and writes the
/// results. A run that was interrupted goes on where it ended.
///
/// # Errors
/// When the journal, the results or the connection's set-up fail. What was sent until then is in
/// the journal.
pub fn import(
    prepared: &Prepared,
    settings: &Settings,
    start: Start,
    context: &Context<'_>,
) -> Result<Ended, RunError> {
    settings.delivery.paths.probe()?;
    refuse_blind_canary(prepared, settings)?;
    let tools = Tools::new(prepared, settings, context)?;
    let stats = Stats::default();
    let transport = transport(prepared, settings, context, &tools, &stats);
    let mut journal = Journal::open(&context.state)?;
    let mut run = Run {
        prepared,
        settings,
        context,
        tools: &tools,
        transport: &transport,
        stats: &stats,
        id: 0,
        record: new_run(prepared, settings, context)?,
        before: 0,
        lookups_before: 0,
    };
    let is_approved = matches!(start, Start::Approve(_));
    let known = match start {
        Start::New(command) => {
            run.record.command = command;
            (run.id, run.record.name) = journal.begin(&run.record)?;
            None
        }
        Start::Resume(record) => run.take_over(&mut journal, *record)?,
        Start::Approve(mut record) => {
            record.state = RunState::Planning;
            run.take_over(&mut journal, *record)?
        }
    };
    let plan = match known {
        Some(plan) => plan,
        None => {
            let (plan, stop) = run.plan(&mut journal)?;
            if let Some(stop) = stop {
                return run.finish(&mut journal, Some(stop), RunState::Planning);
            }
            context
                .watch
                .see(&RunEvent::Planned(Box::new(plan.clone())));
            let held = run.held(&journal, &plan)?.filter(|_| !is_approved);
            if let Some(why) = held {
                journal.hold(run.id, &why)?;
                return run.finish(&mut journal, Some(Stop::Held { why }), RunState::Held);
            }
            if plan.to_send > 0 && !(context.agree)(&plan) {
                journal.forget(run.id)?;
                return Err(RunError::Declined);
            }
            journal.set_state(run.id, RunState::Running)?;
            plan
        }
    };
    context.watch.see(&RunEvent::Started {
        run: run.record.name.clone(),
        rows: prepared.survey.rows,
        to_send: plan.to_send,
        settled: plan.settled,
    });
    let (mut journal, stop) = run.send(journal)?;
    match stop {
        Ok(stop) => {
            let state = match stop {
                None => RunState::Finished,
                Some(_) => RunState::Interrupted,
            };
            run.finish(&mut journal, stop, state)
        }
        // Sending is over, but what became of the rows until then can still be told.
        Err(error) => match run.finish(&mut journal, Some(Stop::Asked), RunState::Interrupted) {
            Ok(ended) => Err(RunError::Broken {
                source: Box::new(error),
                results: ended.summary.results.unwrap_or_default(),
            }),
            Err(_) => Err(error),
        },
    }
}

/// Plans what an import would send, and sends nothing.
///
/// # Errors
/// When the connection's set-up or the shared quota fail.
pub fn look(
    prepared: &Prepared,
    settings: &Settings,
    context: &Context<'_>,
) -> Result<Looked, RunError> {
    refuse_blind_canary(prepared, settings)?;
    let tools = Tools::new(prepared, settings, context)?;
    let stats = Stats::default();
    let transport = transport(prepared, settings, context, &tools, &stats);
    let mut journal = Journal::temporary()?;
    let record = new_run(prepared, settings, context)?;
    let (id, _) = journal.begin(&record)?;
    let run = Run {
        prepared,
        settings,
        context,
        tools: &tools,
        transport: &transport,
        stats: &stats,
        id,
        record,
        before: 0,
        lookups_before: 0,
    };
    let (plan, stop) = run.plan(&mut journal)?;
    let held = run.held(&Journal::open(&context.state)?, &plan)?;
    let states = StateCounts {
        invalid: plan.invalid,
        not_sent: plan.rows - plan.invalid,
        ..StateCounts::default()
    };
    let mut summary = run.summary(states, stop.as_ref());
    summary.run = String::new();
    summary.to_send = Some(plan.to_send);
    summary.estimated_s = Some(plan.estimate_s);
    summary.estimated_finish = plan.estimated_finish;
    Ok(Looked {
        plan,
        held,
        journal,
        run: id,
        summary,
        stop,
    })
}

/// A canary needs records that can be read back.
fn refuse_blind_canary(prepared: &Prepared, settings: &Settings) -> Result<(), RunError> {
    let spec = prepared.checker.spec();
    let reads_one = spec.lookup.as_ref().is_some_and(|how| how.read.is_some());
    if settings.delivery.canary.is_some() && !(reads_one && spec.is_readable()) {
        return Err(RunError::Plan(format!(
            "--canary reads back what was sent, and the records of {} cannot be read",
            spec.name
        )));
    }
    Ok(())
}

fn transport<'a>(
    prepared: &'a Prepared,
    settings: &Settings,
    context: &'a Context<'a>,
    tools: &'a Tools,
    stats: &'a Stats,
) -> Transport<'a> {
    Transport::new(
        &tools.client,
        prepared.checker.spec(),
        &tools.pacer,
        context.clock.as_ref(),
        context.watch,
        settings.delivery.sender,
        stats,
        SmallRng::seed_from_u64(context.seed),
    )
}

fn new_run(
    prepared: &Prepared,
    settings: &Settings,
    context: &Context<'_>,
) -> Result<NewRun, RunError> {
    let started_at = context.clock.timestamp();
    let mut random = SmallRng::seed_from_u64(context.seed);
    Ok(NewRun {
        name: run_name(started_at, &mut random),
        command: "import",
        target: prepared.checker.spec().name.clone(),
        base_url: settings.delivery.client.base_url.clone(),
        file: absolute(prepared.input.path()).display().to_string(),
        sha256: prepared.input.sha256()?.to_owned(),
        settings: settings.to_json(),
        started_at,
    })
}

impl Run<'_> {
    /// Takes an interrupted run over. Returns its plan, if it had come so far.
    fn take_over(
        &mut self,
        journal: &mut Journal,
        record: RunRecord,
    ) -> Result<Option<Plan>, RunError> {
        self.id = record.id;
        self.record.name = record.name;
        self.record.started_at = record.started_at;
        let (plan, lookups) = journal.plan(self.id)?;
        self.lookups_before = lookups;
        self.before = lookups;
        if record.state == RunState::Planning {
            journal.clear(self.id)?;
            return Ok(None);
        }
        self.before += journal.reopen(self.id)?;
        let plan = plan.and_then(|json| serde_json::from_str(&json).ok());
        plan.map(Some).ok_or(RunError::Settings {
            run: self.record.name.clone(),
        })
    }

    /// Plans all rows into the journal.
    fn plan(&self, journal: &mut Journal) -> Result<(Plan, Option<Stop>), RunError> {
        let past = Journal::open(&self.context.state)?;
        let undone = match &self.settings.delivery.undoes {
            None => None,
            Some(name) => Some(past.run(Some(name))?.id),
        };
        let retried = match &self.settings.delivery.retries {
            Some(Retries {
                run: Some(name), ..
            }) => Some(past.run(Some(name))?.id),
            _ => None,
        };
        let own = std::mem::replace(journal, Journal::temporary()?);
        let writer = Writer::start(own, self.id, &self.tools.account);
        let planning = Planning {
            prepared: self.prepared,
            delivery: &self.settings.delivery,
            transport: self.transport,
            writer: &writer,
            past: Some(past),
            account: &self.tools.account,
            undone,
            retried,
            clock: self.context.clock.as_ref(),
            watch: self.context.watch,
        };
        let planned = planning.run(self.context.stop.clone());
        *journal = writer.close()?;
        let planned = planned?;
        let mut plan = plan_of(self.prepared, &self.settings.delivery, &planned);
        plan.lookups = self.stats.requests();
        self.forecast(&mut plan);
        let json = serde_json::to_string(&plan).unwrap_or_default();
        journal.set_plan(self.id, &json, self.stats.requests())?;
        Ok((plan, planned.stop))
    }

    /// Puts the time that the plan takes into it, at the quota and the bucket as they are known
    /// now, and no faster than answers have come so far.
    fn forecast(&self, plan: &mut Plan) {
        let (rate, burst) = self.tools.pacer.quota();
        let (level, wait) = self.tools.pacer.level();
        plan.rate = rate.to_string();
        plan.at_once = (level as u64).min(u64::from(burst));
        let paced = shortest_time(plan.to_send, plan.at_once, rate.interval());
        let rounds = plan.to_send as f64 / self.settings.delivery.sender.concurrency.max(1) as f64;
        let answered = rounds.ceil() * self.transport.latency();
        let seconds = if plan.to_send == 0 {
            0.0
        } else {
            (paced + wait).as_secs_f64().max(answered)
        };
        plan.estimate_s = seconds;
        let time = jiff::SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        plan.estimated_finish = self.context.clock.timestamp().checked_add(time).ok();
    }

    /// Why a guard holds this plan, if one does.
    fn held(&self, journal: &Journal, plan: &Plan) -> Result<Option<String>, RunError> {
        let last = journal.rows_last_time(&self.record.target, &self.record.file)?;
        let guards = &self.settings.delivery.guards;
        Ok(guards.reason(plan.rows, plan.invalid, plan.to_send, last))
    }

    /// Sends what is left: a few rows first that are read back, if that is asked for.
    fn send(
        &self,
        journal: Journal,
    ) -> Result<(Journal, Result<Option<Stop>, RunError>), RunError> {
        let writer = Writer::start(journal, self.id, &self.tools.account);
        let stop = self.send_through(&writer);
        Ok((writer.close()?, stop))
    }

    fn send_through(&self, writer: &Writer) -> Result<Option<Stop>, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SendError::Runtime)?;
        let reader = Reader::new(self.prepared);
        let sender = Sender {
            transport: self.transport,
            record: writer,
            reread: reader.as_ref().map(|reader| reader as &dyn Reread),
        };
        if let Some(most) = self.settings.delivery.canary {
            let journal = Journal::open(&self.context.state)?;
            let most = usize::try_from(most).unwrap_or(usize::MAX >> 1);
            let first = journal.calls_left(self.id, 0, most)?;
            if let Some(stop) = self.deliver(&runtime, &sender, Some(first.clone()))? {
                return Ok(Some(stop));
            }
            if let Some(reader) = &reader {
                let read = reader.look_after(self.transport, &journal, self.id, &first);
                if let Some(stop) = runtime.block_on(read)? {
                    return Ok(Some(stop));
                }
            }
        }
        self.deliver(&runtime, &sender, None)
    }

    /// Sends these calls, or all that are left in the journal, which a thread of its own reads.
    fn deliver(
        &self,
        runtime: &tokio::runtime::Runtime,
        sender: &Sender<'_, Writer>,
        these: Option<Vec<Call>>,
    ) -> Result<Option<Stop>, RunError> {
        let journal = Journal::open(&self.context.state)?;
        let answered = self.transport.has_sent();
        std::thread::scope(|scope| {
            // Enough that the sender never waits for the reader.
            let (calls, receiver) = mpsc::channel(256);
            let run = self.id;
            let reader = scope.spawn(move || match these {
                Some(these) => {
                    for call in these {
                        // Whoever took the calls is gone, and has said why.
                        if calls.blocking_send(call).is_err() {
                            break;
                        }
                    }
                    Ok(())
                }
                None => calls_left(&journal, run, &calls),
            });
            let delivered =
                runtime.block_on(sender.deliver(receiver, self.context.stop.clone(), answered));
            match reader.join() {
                Ok(read) => read?,
                Err(_) => return Err(RunError::Died),
            }
            Ok(delivered?)
        })
    }

    /// Writes the results and the run's figures.
    fn finish(
        &self,
        journal: &mut Journal,
        stop: Option<Stop>,
        state: RunState,
    ) -> Result<Ended, RunError> {
        let (prepared, paths) = (self.prepared, &self.settings.delivery.paths);
        let written = write_results(&prepared.input, journal, self.id, paths)?;
        // A run that was stopped has rows that nobody has come to yet; any other has an outcome of
        // every row, whatever it is.
        let accounted = if stop.is_some() {
            written.states.total()
        } else {
            journal.recorded(self.id)?
        };
        if accounted != prepared.survey.rows {
            return Err(RunError::Unaccounted {
                expected: prepared.survey.rows,
                found: accounted,
            });
        }
        let mut summary = self.summary(written.states, stop.as_ref());
        summary.results = Some(written.results);
        summary.failed_rows = written.failed;
        let spec = prepared.checker.spec();
        summary.before = write_before(journal, self.id, spec, &paths.before)?;
        summary.report = Some(write_html(journal, self.id, &summary, &paths.report)?);
        let json = serde_json::to_string(&summary).unwrap_or_default();
        journal.end(self.id, state, summary.finished_at, &json)?;
        self.context
            .watch
            .see(&RunEvent::Finished(Box::new(summary.clone())));
        Ok(Ended { summary, stop })
    }

    fn summary(&self, states: StateCounts, stop: Option<&Stop>) -> Summary {
        let finished_at = self.context.clock.timestamp();
        let record = &self.record;
        let prepared = self.prepared;
        Summary {
            run: record.name.clone(),
            target: record.target.clone(),
            base_url: record.base_url.clone(),
            file: prepared.input.path().display().to_string(),
            sha256: record.sha256.clone(),
            dialect: prepared.input.description(),
            columns: prepared.checker.map().width(),
            rows: prepared.survey.rows,
            states,
            requests: self.before + self.stats.requests(),
            lookups: self.lookups_before + self.stats.lookups(),
            retries: self.stats.retries(),
            throttled: self.stats.throttled(),
            started_at: record.started_at,
            finished_at,
            duration_s: seconds_between(record.started_at, finished_at),
            results: None,
            failed_rows: None,
            report: None,
            before: None,
            to_send: None,
            estimated_s: None,
            estimated_finish: None,
            problems: None,
            exit_code: exit_of(stop, &states),
        }
    }
}

/// Hands on the calls that are left, in row order, a page at a time.
fn calls_left(journal: &Journal, run: i64, calls: &mpsc::Sender<Call>) -> Result<(), JournalError> {
    const PAGE: usize = 256;
    let mut after = 0;
    loop {
        let page = journal.calls_left(run, after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.at.row;
        for call in page {
            // Whoever took the calls is gone, and has said why.
            if calls.blocking_send(call).is_err() {
                return Ok(());
            }
        }
    }
}

fn exit_of(stop: Option<&Stop>, states: &StateCounts) -> Exit {
    match stop {
        Some(Stop::Refused { .. } | Stop::Unreachable | Stop::LookUp { .. }) => Exit::Refused,
        Some(Stop::Asked | Stop::Failing { .. } | Stop::Canary { .. }) => Exit::Interrupted,
        Some(Stop::Held { .. }) => Exit::Held,
        None => Exit::of_rows(states),
    }
}
