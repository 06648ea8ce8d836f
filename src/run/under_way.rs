use tokio::sync::mpsc;

use super::canary::Reader;
use super::context::{Context, Ended};
use super::error::RunError;
use super::past::rows_last_time;
use super::planned::plan_of;
use super::prepare::Prepared;
use super::settings::{Retries, Settings, to_json};
use super::work::Planning;
use crate::events::{Plan, RunEvent};
use crate::journal::{
    Journal, JournalError, NewRun, QuotaStore, RunRecord, RunState, Writer, account_of,
};
use crate::model::{Call, Exit, StateCounts, Summary, seconds_between};
use crate::plan::shortest_time;
use crate::report::{write_before, write_html, write_results};
use crate::send::{Client, Pacer, Reread, SendError, Sender, Stats, Stop, Transport};

/// What a run is made with.
pub(super) struct Tools {
    pub(super) client: Client,
    pub(super) pacer: Pacer,
    pub(super) account: String,
}

impl Tools {
    pub(super) fn new(
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
        let identity = context.credentials.identity();
        // One quota for all that is asked of a machine, however its address is written.
        let origin = account_of(client.origin(), &identity);
        let account = account_of(client.address(), &identity);
        let store = QuotaStore::open(&context.state, &origin)?;
        let pacer = Pacer::new(delivery.pace, context.clock.clone(), Some(store))?;
        Ok(Tools {
            client,
            pacer,
            account,
        })
    }
}

/// A run under way.
pub(super) struct Run<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) settings: &'a Settings,
    pub(super) context: &'a Context<'a>,
    pub(super) tools: &'a Tools,
    pub(super) transport: &'a Transport<'a>,
    pub(super) stats: &'a Stats,
    pub(super) id: i64,
    pub(super) record: NewRun,
    /// Requests made before this process took the run over.
    pub(super) before: u64,
    pub(super) lookups_before: u64,
}

impl Run<'_> {
    /// Takes an interrupted run over. Returns its plan, if it had come so far.
    pub(super) fn take_over(
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
    pub(super) fn plan(&self, journal: &mut Journal) -> Result<(Plan, Option<Stop>), RunError> {
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
            past,
            account: &self.tools.account,
            undone,
            retried,
            clock: self.context.clock.as_ref(),
            observer: self.context.observer,
        };
        let planned = planning.run(self.context.stop.clone());
        *journal = writer.close()?;
        let planned = planned?;
        let mut plan = plan_of(self.prepared, &self.settings.delivery, &planned);
        plan.lookups = self.stats.requests();
        self.forecast(&mut plan);
        let json = to_json(&plan)?;
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
    pub(super) fn held(&self, journal: &Journal, plan: &Plan) -> Result<Option<String>, RunError> {
        let last = rows_last_time(journal, &self.record.target, self.settings)?;
        let guards = &self.settings.delivery.guards;
        Ok(guards.reason(plan.rows, plan.invalid, plan.to_send, last))
    }

    /// Sends what is left: a few rows first that are read back, if that is asked for.
    pub(super) fn send(
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
            let last = first.last().map_or(0, |call| call.at.row);
            if let Some(stop) = self.deliver(&runtime, &sender, last)? {
                return Ok(Some(stop));
            }
            if let Some(reader) = &reader {
                let read = reader.look_after(
                    self.transport,
                    &journal,
                    self.id,
                    &first,
                    self.context.stop.clone(),
                );
                if let Some(stop) = runtime.block_on(read)? {
                    return Ok(Some(stop));
                }
            }
        }
        self.deliver(&runtime, &sender, u64::MAX)
    }

    /// Sends the calls that are left in the journal, which a thread of its own reads, up to the one
    /// for row `last`.
    fn deliver(
        &self,
        runtime: &tokio::runtime::Runtime,
        sender: &Sender<'_, Writer>,
        last: u64,
    ) -> Result<Option<Stop>, RunError> {
        let journal = Journal::open(&self.context.state)?;
        let answered = self.transport.has_sent();
        std::thread::scope(|scope| {
            // Enough that the sender never waits for the reader.
            let (calls, receiver) = mpsc::channel(256);
            let run = self.id;
            let reader = scope.spawn(move || calls_left(&journal, run, last, &calls));
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
    pub(super) fn finish(
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
        summary.results = Some(written.results.clone());
        summary.failed_rows.clone_from(&written.failed);
        summary.new_rows.clone_from(&written.new);
        let spec = prepared.checker.spec();
        let placing = paths.placing(&paths.before);
        summary.before = write_before(journal, self.id, spec, &paths.before, placing)?;
        let placing = paths.placing(&paths.report);
        let report = write_html(journal, self.id, &summary, &paths.report, placing)?;
        summary.report = Some(report.clone());
        let json = to_json(&summary.clone().anywhere())?;
        journal.end(self.id, state, summary.finished_at, &json)?;
        // Whoever goes on with the run may replace what it has written, and nothing else.
        let mut settings = self.settings.clone();
        let paths = &mut settings.delivery.paths;
        paths.note_written(&written, &report, summary.before.as_deref());
        journal.set_settings(self.id, &settings.to_json()?)?;
        self.context
            .observer
            .on_event(&RunEvent::Finished(Box::new(summary.clone())));
        Ok(Ended {
            summary,
            stop,
            paths: settings.delivery.paths,
        })
    }

    pub(super) fn summary(&self, states: StateCounts, stop: Option<&Stop>) -> Summary {
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
            new_rows: None,
            warnings: prepared.survey.warnings,
            to_send: None,
            estimated_s: None,
            estimated_finish: None,
            problems: None,
            exit_code: exit_of(stop, &states),
        }
    }
}

/// Hands on the calls that are left up to row `last`, in row order, a page at a time.
fn calls_left(
    journal: &Journal,
    run: i64,
    last: u64,
    calls: &mpsc::Sender<Call>,
) -> Result<(), JournalError> {
    const PAGE: usize = 256;
    let mut after = 0;
    loop {
        let page = journal.calls_left(run, after, PAGE)?;
        let Some(end) = page.last() else {
            return Ok(());
        };
        after = end.at.row;
        for call in page {
            // Whoever took the calls is gone, and has said why.
            if call.at.row > last || calls.blocking_send(call).is_err() {
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
