use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::{mpsc, watch};

use super::error::RunError;
use super::name::run_name;
use super::prepare::Prepared;
use crate::check::{CheckedRow, Checker, Survey};
use crate::clock::Clock;
use crate::events::{Plan, RunEvent, Watch};
use crate::journal::{Journal, NewRun, RunState, Writer};
use crate::model::{Exit, Outcome, Problem, RowState, StateCounts, Summary, seconds_between};
use crate::plan::{Planner, Selection, shortest_time};
use crate::read::{Input, ReadError, Table};
use crate::report::{LEFT_OUT, ResultPaths, write_html, write_results};
use crate::send::{
    Client, ClientOptions, Credentials, Pacer, Rate, SendError, Sender, SenderOptions, Stats, Step,
    Stop, StopRequest,
};

/// Where and how a roster is delivered.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The address and the time-out.
    pub client: ClientOptions,
    /// The credentials.
    pub credentials: Credentials,
    /// Requests a period.
    pub rate: Rate,
    /// Requests at once from a full bucket.
    pub burst: NonZeroU32,
    /// Concurrency, attempts, waits.
    pub sender: SenderOptions,
    /// Values for the variables of the target's paths.
    pub variables: BTreeMap<String, String>,
    /// Which rows are asked for.
    pub selection: Selection,
    /// The folder of the journal.
    pub state: PathBuf,
    /// Where the results go.
    pub paths: ResultPaths,
    /// The run's settings as JSON, for the record.
    pub settings: String,
}

/// What a run is given from outside: time, randomness, and who watches, agrees and interrupts.
pub struct Context<'a> {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The run's own random number.
    pub seed: u64,
    /// Watches.
    pub watch: &'a dyn Watch,
    /// Is shown the plan and says whether to go on.
    pub agree: &'a dyn Fn(&Plan) -> bool,
    /// Says when the run is to stop.
    pub stop: watch::Receiver<StopRequest>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Its figures.
    pub summary: Summary,
    /// Why it ended before its last row, if it did.
    pub stop: Option<Stop>,
}

/// Sends every valid row that is asked for, records what becomes of each row, and writes the
/// results.
///
/// # Errors
/// When the journal, the results or the connection's set-up fail. What was sent until then is in
/// the journal.
pub fn import(
    prepared: &Prepared,
    delivery: &Delivery,
    context: &Context<'_>,
) -> Result<Ended, RunError> {
    let started_at = context.clock.timestamp();
    let plan = plan(prepared, delivery);
    context.watch.see(&RunEvent::Planned(plan.clone()));
    if plan.to_send > 0 && !(context.agree)(&plan) {
        return Err(RunError::Declined);
    }

    delivery.paths.probe()?;
    let mut random = SmallRng::seed_from_u64(context.seed);
    let spec = prepared.checker.spec();
    let new_run = NewRun {
        name: run_name(started_at, &mut random),
        command: "import",
        target: spec.name.clone(),
        base_url: delivery.client.base_url.clone(),
        file: prepared.input.path().display().to_string(),
        sha256: prepared.input.sha256()?.to_owned(),
        settings: delivery.settings.clone(),
        started_at,
    };
    let client = Client::new(
        spec.clone(),
        delivery.credentials.clone(),
        &delivery.client,
        context.clock.clone(),
    )?;
    let mut journal = Journal::open(&delivery.state)?;
    let (run, name) = journal.begin(&new_run)?;
    context.watch.see(&RunEvent::Started {
        run: name.clone(),
        rows: prepared.survey.rows,
        to_send: plan.to_send,
    });

    let writer = Writer::start(journal, run);
    let stats = Stats::default();
    let pacer = Pacer::new(delivery.rate, delivery.burst, context.clock.clone());
    let sender = Sender {
        client: &client,
        spec,
        pacer: &pacer,
        writer: &writer,
        clock: context.clock.as_ref(),
        random: &Mutex::new(random),
        watch: context.watch,
        options: delivery.sender,
        stats: &stats,
    };
    let stop = deliver(prepared, delivery, &sender, context.stop.clone());
    let mut journal = writer.close()?;
    let stop = stop?;

    let written = write_results(&prepared.input, &journal, run, &delivery.paths)?;
    let recorded = journal.recorded(run)?;
    // A run that was stopped has rows that nobody has come to yet; any other has an outcome of
    // every row, whatever it is.
    let accounted = if stop.is_some() {
        written.states.total()
    } else {
        recorded
    };
    if accounted != prepared.survey.rows {
        return Err(RunError::Unaccounted {
            expected: prepared.survey.rows,
            found: accounted,
        });
    }
    let finished_at = context.clock.timestamp();
    let exit = exit_of(stop.as_ref(), &written.states);
    let mut summary = Summary {
        run: name,
        target: new_run.target,
        base_url: new_run.base_url,
        file: new_run.file,
        sha256: new_run.sha256,
        dialect: prepared.input.description(),
        columns: prepared.checker.map().width(),
        rows: prepared.survey.rows,
        states: written.states,
        requests: stats.requests(),
        lookups: 0,
        retries: stats.retries(),
        throttled: stats.throttled(),
        started_at,
        finished_at,
        duration_s: seconds_between(started_at, finished_at),
        results: Some(written.results),
        failed_rows: written.failed,
        report: None,
        to_send: None,
        estimated_s: None,
        estimated_finish: None,
        problems: None,
        exit_code: exit,
    };
    summary.report = Some(write_html(&journal, run, &summary, &delivery.paths.report)?);
    let state = match stop {
        None => RunState::Finished,
        Some(_) => RunState::Interrupted,
    };
    let json = serde_json::to_string(&summary).unwrap_or_default();
    journal.end(run, state, finished_at, &json)?;
    context
        .watch
        .see(&RunEvent::Finished(Box::new(summary.clone())));
    Ok(Ended { summary, stop })
}

/// What an import would do.
fn plan(prepared: &Prepared, delivery: &Delivery) -> Plan {
    let survey = &prepared.survey;
    let valid = survey.rows - survey.invalid - survey.superseded;
    // How many of the rows asked for are valid shows only when they are read again; the limit
    // and the whole bound it.
    let asked = if delivery.selection.rows.is_empty() {
        valid
    } else {
        let ranges = delivery.selection.rows.iter();
        let rows: u64 = ranges
            .map(|range| {
                (*range.end())
                    .min(survey.rows)
                    .saturating_sub(range.start() - 1)
            })
            .sum();
        rows.min(valid)
    };
    let to_send = asked.min(delivery.selection.limit.unwrap_or(u64::MAX));
    let repairs = &survey.repairs;
    Plan {
        target: prepared.checker.spec().title.clone(),
        base_url: delivery.client.base_url.clone(),
        rows: survey.rows,
        empty_rows: survey.empty_rows,
        invalid: survey.invalid,
        left_out: survey.rows - survey.invalid - to_send,
        to_send,
        estimate: shortest_time(to_send, delivery.burst.get(), delivery.rate.interval()),
        rate: delivery.rate.to_string(),
        repairs: repairs
            .iter()
            .map(|(code, count)| ((*code).to_owned(), *count))
            .collect(),
    }
}

/// Reads the rows once more in a thread of its own, and sends from this one.
fn deliver(
    prepared: &Prepared,
    delivery: &Delivery,
    sender: &Sender<'_>,
    stop: watch::Receiver<StopRequest>,
) -> Result<Option<Stop>, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(SendError::Runtime)?;
    let maker = StepMaker {
        checker: &prepared.checker,
        survey: &prepared.survey,
        planner: Planner::new(prepared.checker.spec().clone(), delivery.variables.clone()),
        selection: &delivery.selection,
        clock: sender.clock,
    };
    std::thread::scope(|scope| {
        // Enough that the sender never waits for the reader.
        let (steps, receiver) = mpsc::channel(256);
        let reader = scope.spawn(move || maker.make(&prepared.input, &steps));
        let delivered = runtime.block_on(sender.deliver(receiver, stop));
        match reader.join() {
            Ok(read) => read?,
            Err(_) => return Err(RunError::Died),
        }
        Ok(delivered?)
    })
}

/// Makes a step of every row.
struct StepMaker<'a> {
    checker: &'a Checker,
    survey: &'a Survey,
    planner: Planner,
    selection: &'a Selection,
    clock: &'a dyn Clock,
}

impl StepMaker<'_> {
    fn make(&self, input: &Input, steps: &mpsc::Sender<Step>) -> Result<(), ReadError> {
        let mut left = self.selection.limit.unwrap_or(u64::MAX);
        input.scan(
            |table| self.of_table(table),
            |made: Vec<Step>| {
                for mut step in made {
                    if let Step::Call(call) = &step {
                        if left == 0 {
                            let why = "beyond the number of rows asked for";
                            step = Step::Settled(self.left_out(call.at.row, why));
                        }
                        left = left.saturating_sub(1);
                    }
                    // Whoever took the steps is gone, and has said why.
                    if steps.blocking_send(step).is_err() {
                        return Ok(false);
                    }
                }
                Ok(true)
            },
        )
    }

    fn of_table(&self, table: &Table) -> Vec<Step> {
        let rows = table.rows();
        rows.map(|row| self.of_row(self.checker.check(&row)))
            .collect()
    }

    fn of_row(&self, mut row: CheckedRow<'_>) -> Step {
        let number = row.at.row;
        if !self.selection.holds(number) {
            return Step::Settled(self.left_out(number, "not among the rows asked for"));
        }
        if let Some(other) = self.survey.superseded_by(number) {
            let why = format!("row {other} has the same key and is sent in its place");
            return Step::Settled(self.left_out(number, &why));
        }
        self.survey.add_duplicate_problems(self.checker, &mut row);
        if !row.is_valid() {
            return Step::Settled(self.invalid(number, &row.problems));
        }
        Step::Call(self.planner.call(&row))
    }

    /// A row that nobody wants to be sent.
    fn left_out(&self, row: u64, why: &str) -> Outcome {
        self.settled(row, RowState::NotSent, LEFT_OUT, why.to_owned())
    }

    fn invalid(&self, row: u64, problems: &[Problem]) -> Outcome {
        let code = problems.first().map_or("", |problem| &problem.code);
        self.settled(row, RowState::Invalid, code, Problem::join(problems))
    }

    fn settled(&self, row: u64, state: RowState, code: &str, error: String) -> Outcome {
        Outcome {
            row,
            state,
            http_status: None,
            error_code: code.to_owned(),
            error,
            changed: String::new(),
            attempts: 0,
            request_id: String::new(),
            finished_at: self.clock.timestamp(),
        }
    }
}

fn exit_of(stop: Option<&Stop>, states: &StateCounts) -> Exit {
    match stop {
        Some(Stop::Refused { .. } | Stop::Unreachable) => Exit::Refused,
        Some(Stop::Asked) => Exit::Interrupted,
        None => Exit::of_rows(states),
    }
}
