use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::{mpsc, watch};

use super::error::RunError;
use super::name::run_name;
use super::planning::{plan_of, plan_rows};
use super::prepare::Prepared;
use super::settings::{Settings, absolute};
use crate::clock::Clock;
use crate::events::{Plan, RunEvent, Watch};
use crate::journal::{
    Journal, JournalError, NewRun, QuotaStore, RunRecord, RunState, Writer, account_of,
};
use crate::model::{Call, Exit, StateCounts, Summary, seconds_between};
use crate::plan::shortest_time;
use crate::report::{write_html, write_results};
use crate::send::{
    Client, Credentials, Pacer, SendError, Sender, Stats, Stop, StopRequest, Transport,
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
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Its figures.
    pub summary: Summary,
    /// Why it ended before its last row, if it did.
    pub stop: Option<Stop>,
}

/// A run under way.
struct Run<'a> {
    prepared: &'a Prepared,
    settings: &'a Settings,
    context: &'a Context<'a>,
    id: i64,
    record: NewRun,
    stats: Stats,
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
    let delivery = &settings.delivery;
    delivery.paths.probe()?;
    let clock = context.clock.as_ref();
    let spec = prepared.checker.spec();
    let mut random = SmallRng::seed_from_u64(context.seed);
    let client = Client::new(
        spec.clone(),
        context.credentials.clone(),
        &delivery.client,
        context.clock.clone(),
    )?;
    let base_url = &delivery.client.base_url;
    let account = account_of(base_url, &context.credentials.identity());
    let store = QuotaStore::open(&context.state, &account)?;
    let pacer = Pacer::new(delivery.pace, context.clock.clone(), Some(store))?;
    let mut journal = Journal::open(&context.state)?;

    let mut run = Run {
        prepared,
        settings,
        context,
        id: 0,
        record: NewRun {
            name: String::new(),
            command: "import",
            target: spec.name.clone(),
            base_url: base_url.clone(),
            file: absolute(prepared.input.path()).display().to_string(),
            sha256: prepared.input.sha256()?.to_owned(),
            settings: settings.to_json(),
            started_at: clock.timestamp(),
        },
        stats: Stats::default(),
        before: 0,
        lookups_before: 0,
    };
    let planned = match start {
        Start::New(command) => {
            run.record.command = command;
            run.record.name = run_name(run.record.started_at, &mut random);
            (run.id, run.record.name) = journal.begin(&run.record)?;
            None
        }
        Start::Resume(record) => run.take_over(&mut journal, *record)?,
    };
    let transport = Transport::new(
        &client,
        spec,
        &pacer,
        clock,
        context.watch,
        delivery.sender,
        &run.stats,
        random,
    );
    let goes_on = planned.is_some();
    let plan = match planned {
        Some(plan) => plan,
        None => {
            let writer = Writer::start(journal, run.id);
            let planned = plan_rows(prepared, delivery, &writer, clock, context.stop.clone());
            journal = writer.close()?;
            let planned = planned?;
            let mut plan = plan_of(prepared, delivery, &planned);
            forecast(&mut plan, &pacer);
            let json = serde_json::to_string(&plan).unwrap_or_default();
            journal.set_plan(run.id, &json, run.stats.requests())?;
            if let Some(stop) = planned.stop {
                return run.finish(&mut journal, Some(stop), RunState::Planning);
            }
            plan
        }
    };
    if !goes_on {
        context.watch.see(&RunEvent::Planned(plan.clone()));
        if plan.to_send > 0 && !(context.agree)(&plan) {
            journal.forget(run.id)?;
            return Err(RunError::Declined);
        }
        journal.set_state(run.id, RunState::Running)?;
    }
    context.watch.see(&RunEvent::Started {
        run: run.record.name.clone(),
        rows: prepared.survey.rows,
        to_send: plan.to_send,
        settled: plan.settled,
    });
    let writer = Writer::start(journal, run.id);
    let sender = Sender {
        transport: &transport,
        record: &writer,
    };
    let answered = run.stats.requests() > 0;
    let stop = run.deliver(&sender, answered);
    let mut journal = writer.close()?;
    match stop {
        Ok(stop) => {
            let state = match stop {
                None => RunState::Finished,
                Some(_) => RunState::Interrupted,
            };
            run.finish(&mut journal, stop, state)
        }
        Err(error) => {
            // Sending is over, but what became of the rows until then can still be told.
            match run.finish(&mut journal, Some(Stop::Asked), RunState::Interrupted) {
                Ok(ended) => Err(RunError::Broken {
                    source: Box::new(error),
                    results: ended.summary.results.unwrap_or_default(),
                }),
                Err(_) => Err(error),
            }
        }
    }
}

/// Puts the time that the plan takes into it, at the quota and the bucket as they are known now.
fn forecast(plan: &mut Plan, pacer: &Pacer) {
    let (rate, burst) = pacer.quota();
    let (level, wait) = pacer.level();
    let at_once = (level as u64).min(u64::from(burst));
    let time = shortest_time(plan.to_send, at_once, rate.interval());
    let wait = if plan.to_send > 0 {
        wait
    } else {
        Duration::ZERO
    };
    plan.estimate_s = (time + wait).as_secs_f64();
    plan.rate = rate.to_string();
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

    /// Takes the calls that are left out of the journal in a thread of its own, and sends from
    /// this one.
    fn deliver(
        &self,
        sender: &Sender<'_, Writer>,
        answered: bool,
    ) -> Result<Option<Stop>, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SendError::Runtime)?;
        let journal = Journal::open(&self.context.state)?;
        std::thread::scope(|scope| {
            // Enough that the sender never waits for the reader.
            let (calls, receiver) = mpsc::channel(256);
            let run = self.id;
            let reader = scope.spawn(move || calls_left(&journal, run, &calls));
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
        let finished_at = self.context.clock.timestamp();
        let record = &self.record;
        let mut summary = Summary {
            run: record.name.clone(),
            target: record.target.clone(),
            base_url: record.base_url.clone(),
            file: self.prepared.input.path().display().to_string(),
            sha256: record.sha256.clone(),
            dialect: prepared.input.description(),
            columns: prepared.checker.map().width(),
            rows: prepared.survey.rows,
            states: written.states,
            requests: self.before + self.stats.requests(),
            lookups: self.lookups_before + self.stats.lookups(),
            retries: self.stats.retries(),
            throttled: self.stats.throttled(),
            started_at: record.started_at,
            finished_at,
            duration_s: seconds_between(record.started_at, finished_at),
            results: Some(written.results),
            failed_rows: written.failed,
            report: None,
            to_send: None,
            estimated_s: None,
            estimated_finish: None,
            problems: None,
            exit_code: exit_of(stop.as_ref(), &written.states),
        };
        summary.report = Some(write_html(journal, self.id, &summary, &paths.report)?);
        let json = serde_json::to_string(&summary).unwrap_or_default();
        journal.end(self.id, state, finished_at, &json)?;
        self.context
            .watch
            .see(&RunEvent::Finished(Box::new(summary.clone())));
        Ok(Ended { summary, stop })
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
        Some(Stop::Asked | Stop::Failing { .. }) => Exit::Interrupted,
        None => Exit::of_rows(states),
    }
}
