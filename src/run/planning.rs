use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};

use super::conflicts::Conflict;
use super::error::RunError;
use super::items::{Item, ItemMaker, What, is_as_it_was, says_the_same, settled, settled_invalid};
use super::prepare::Prepared;
use super::settings::Delivery;
use crate::check::{TOO_FEW, TOO_MANY, WAS_CUT};
use crate::clock::{Clock, UnixNanos};
use crate::events::{ExampleChange, Plan, Watch};
use crate::journal::{Journal, PastRow, Register, Writer};
use crate::model::{Call, LEFT_OUT, Outcome, Problem, RowAt, RowState, StateCounts};
use crate::plan::{Difference, Left, LookUp, Planner, Values};
use crate::report::NOT_FOUND;
use crate::send::{SendError, Stop, StopRequest, Transport};

/// What planning came to.
#[derive(Default)]
pub(super) struct Planned {
    /// Rows that need no request, by state, and the others as not sent.
    pub(super) states: StateCounts,
    /// Calls to make.
    pub(super) to_send: u64,
    /// Why planning ended early, if it did.
    pub(super) stop: Option<Stop>,
    /// How the records were read.
    pub(super) how: String,
    /// How often each field is to be changed.
    fields: BTreeMap<String, u64>,
    examples: Vec<ExampleChange>,
    /// What is wrong with the first few invalid rows.
    problems: Vec<String>,
}

impl Planned {
    fn note_problem(&mut self, outcome: &Outcome) {
        if outcome.state == RowState::Invalid && self.problems.len() < EXAMPLES {
            let text = format!("row {}: {}", outcome.row, outcome.error);
            self.problems.push(text);
        }
    }
}

/// Changes that are shown as examples.
const EXAMPLES: usize = 5;

/// What planning needs.
pub(super) struct Planning<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) delivery: &'a Delivery,
    pub(super) transport: &'a Transport<'a>,
    pub(super) writer: &'a Writer,
    /// The journal, to be read beside the writer: what was delivered before, and what the run to
    /// be undone has changed.
    pub(super) past: Journal,
    /// Whose deliveries they are.
    pub(super) account: &'a str,
    /// The run that is to be undone.
    pub(super) undone: Option<i64>,
    /// The run that is tried again.
    pub(super) retried: Option<i64>,
    pub(super) clock: &'a dyn Clock,
    pub(super) watch: &'a dyn Watch,
}

/// Why planning cannot go on: for good, or because the run must stop.
pub(super) enum Halt {
    Error(RunError),
    Stop(Stop),
}

impl<E: Into<RunError>> From<E> for Halt {
    fn from(error: E) -> Halt {
        Halt::Error(error.into())
    }
}

/// A row whose record is to be looked up.
pub(super) struct Asked {
    pub(super) at: RowAt,
    pub(super) key: String,
    pub(super) values: Values,
}

impl Planning<'_> {
    /// Reads the rows once more, in a thread of its own, looks their records up, and records of
    /// each row what is to be done: its outcome where it needs no request, and its call where it
    /// does.
    pub(super) fn run(&self, mut asked: watch::Receiver<StopRequest>) -> Result<Planned, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SendError::Runtime)?;
        let prepared = self.prepared;
        let spec = prepared.checker.spec();
        let planner = Planner::new(spec.clone(), self.delivery.variables.clone());
        let key = prepared.survey.key().filter(|_| !self.delivery.blind);
        let look_up = key.and_then(|key| LookUp::new(spec, key));
        let maker = ItemMaker {
            checker: &prepared.checker,
            survey: &prepared.survey,
            planner: &planner,
            selection: &self.delivery.selection,
            clock: self.clock,
            looks_up: look_up.is_some(),
            names_only: self.undone.is_some(),
        };
        std::thread::scope(|scope| {
            let (items, receiver) = mpsc::channel(256);
            let reader = scope.spawn(move || maker.make(&prepared.input, &items));
            let planned = runtime.block_on(async {
                let mut work = Work {
                    planning: self,
                    planner: &planner,
                    look_up,
                    register: None,
                    conflicts: Vec::new(),
                    planned: Planned {
                        how: self.blindness(),
                        ..Planned::default()
                    },
                    done: 0,
                    told_at: self.clock.now(),
                };
                let ended = tokio::select! {
                    biased;
                    Ok(_) = asked.wait_for(|request| *request > StopRequest::None) => {
                        Err(Halt::Stop(Stop::Asked))
                    }
                    ended = work.all(receiver) => ended,
                };
                match ended {
                    Ok(()) => {}
                    Err(Halt::Stop(stop)) => work.planned.stop = Some(stop),
                    Err(Halt::Error(error)) => return Err(error),
                }
                self.writer.flush().await?;
                Ok(work.planned)
            });
            match reader.join() {
                Ok(read) => read?,
                Err(_) => return Err(RunError::Died),
            }
            planned
        })
    }
}

impl Planning<'_> {
    /// What is lost where records could be read and are not; nothing where they are, or never can be.
    fn blindness(&self) -> String {
        let checker = &self.prepared.checker;
        let spec = checker.spec();
        if !(self.delivery.blind && spec.is_readable()) {
            return String::new();
        }
        let mut lost =
            "nothing is read (--blind): rows that already match are sent too, unless the same was delivered before, and the run cannot be undone"
                .to_owned();
        let has_column = |field: usize| checker.map().column(field).is_some();
        let is_at_risk = |field: &usize| {
            let own = &spec.fields[*field];
            let parent = own
                .pointer
                .rsplit_once('/')
                .map_or("", |(parent, _)| parent);
            let is_kept = spec.update.keep.iter().any(|name| name == own.name());
            let has_sibling = || spec.fields_below(parent).any(has_column);
            !own.read_only
                && !has_column(*field)
                && (is_kept || (!parent.is_empty() && has_sibling()))
        };
        let at_risk: Vec<&str> = (0..spec.fields.len())
            .filter(is_at_risk)
            .map(|field| spec.fields[field].name())
            .collect();
        if !at_risk.is_empty() {
            lost.push_str("; the file has no column for these, and the API may reset them: ");
            lost.push_str(&at_risk.join(", "));
        }
        lost
    }
}

/// Planning as far as it has come.
pub(super) struct Work<'a> {
    pub(super) planning: &'a Planning<'a>,
    pub(super) planner: &'a Planner,
    pub(super) look_up: Option<LookUp>,
    /// All records, where they were listed.
    pub(super) register: Option<Register>,
    /// Calls that are kept back because another record has a value of theirs.
    pub(super) conflicts: Vec<Conflict>,
    pub(super) planned: Planned,
    /// Rows looked up so far.
    pub(super) done: u64,
    /// When that was last told.
    pub(super) told_at: UnixNanos,
}

impl Work<'_> {
    async fn all(&mut self, mut items: mpsc::Receiver<Item>) -> Result<(), Halt> {
        let writer = self.planning.writer;
        let mut waiting: Vec<Asked> = Vec::new();
        let mut first = true;
        while let Some(item) = items.recv().await {
            let succeeded = self.succeeded_before(&item)?;
            writer.content(item.at, item.key, item.cells).await?;
            if !item.warning.is_empty() {
                writer.warn(item.at.row, item.warning).await?;
            }
            if let Some((state, code, why)) = succeeded {
                let outcome = settled(self.planning.clock, item.at.row, state, &code, why);
                self.planned.states.add(state, 1);
                writer.settle(outcome).await?;
                continue;
            }
            match item.what {
                What::Settled(outcome) => {
                    self.planned.states.add(outcome.state, 1);
                    self.planned.note_problem(&outcome);
                    writer.settle(outcome).await?;
                }
                What::Call(call) => self.unread(*call).await?,
                What::LookUp { key, values } => {
                    if std::mem::take(&mut first) {
                        self.choose().await?;
                    }
                    waiting.push(Asked {
                        at: item.at,
                        key,
                        values,
                    });
                    if waiting.len() >= self.round() {
                        self.resolve(std::mem::take(&mut waiting)).await?;
                    }
                }
            }
        }
        self.resolve(waiting).await?;
        self.settle_conflicts().await
    }

    /// Where an earlier run is tried again: the state of a row that needs no trying, and why.
    fn succeeded_before(&self, item: &Item) -> Result<Option<(RowState, String, String)>, Halt> {
        let (Some(retries), Some(run)) = (&self.planning.delivery.retries, self.planning.retried)
        else {
            return Ok(None);
        };
        let past = &self.planning.past;
        let left_out = match &item.what {
            What::Settled(outcome) if outcome.error_code == LEFT_OUT => true,
            What::Settled(_) => return Ok(None),
            What::Call(_) | What::LookUp { .. } => false,
        };
        if item.key == 0 {
            return Ok(None);
        }
        let history = past.history(run, item.key)?;
        let same = |cells: &[u8]| says_the_same(&item.cells, cells);
        // The newest success is what the record holds; an undo is one too.
        let newest = history
            .iter()
            .find(|past| past.state.is_some_and(RowState::succeeded));
        if newest.is_some_and(|past| same(&past.cells)) {
            return Ok(Some((RowState::Unchanged, String::new(), String::new())));
        }
        if left_out {
            return Ok(None);
        }
        // In its results file it has as many cells as any other row, and nobody can tell which of
        // them were missing: as long as nobody has filled one in, they are. A run that left the row
        // out, or found something else wrong with it, knows no better; one that sent it does.
        let since = newest.map_or(i64::MIN, |past| past.run);
        let is_cut = |past: &&PastRow| {
            let is_so = match &*past.error_code {
                TOO_FEW => !item.is_released && is_as_it_was(&item.cells, &past.cells),
                TOO_MANY => item.has_surplus && same(&past.cells),
                _ => false,
            };
            is_so && past.run >= since
        };
        if let Some(past) = history.iter().find(is_cut) {
            let hint = if past.error_code == TOO_FEW {
                "; fill in what is missing, or empty its cell import_error_code if it was so"
            } else {
                ""
            };
            let why = format!("{}{hint}", past.error.trim_end_matches(hint));
            return Ok(Some((RowState::Invalid, past.error_code.clone(), why)));
        }
        // Nothing is known of it here but what its file says.
        if item.was_cut && !history.iter().any(|past| past.error_code == TOO_FEW) {
            return Ok(Some((
                RowState::Invalid,
                TOO_FEW.to_owned(),
                WAS_CUT.to_owned(),
            )));
        }
        // Alone in its file, a row that had another's value looks as if it had it for itself.
        // Where all rows are there again, the check has seen for itself.
        let is_part = self.planning.prepared.survey.rows < past.rows_of(run)?;
        let mut told = history.iter().filter(|past| past.error_code != LEFT_OUT);
        if let Some(past) = told.next().filter(|_| is_part)
            && past.error_code.ends_with(".duplicate")
            && same(&past.cells)
        {
            const SO: &str = "; it was so in the file that it comes from";
            let why = format!("{}{SO}", past.error.trim_end_matches(SO));
            return Ok(Some((RowState::Invalid, past.error_code.clone(), why)));
        }
        let last = history.first().map(|past| match past.state {
            None => RowState::NotSent,
            Some(RowState::Unknown) => RowState::Failed,
            Some(state) => state,
        });
        // A row that nobody has seen yet is as good as one that was not sent.
        let last = last.unwrap_or(RowState::NotSent);
        if retries.only.is_empty() || retries.only.contains(&last) {
            return Ok(None);
        }
        let why = format!("it was {last}, and that was not asked for");
        Ok(Some((RowState::NotSent, LEFT_OUT.to_owned(), why)))
    }

    /// Records what is to be done for a row of which these records were found.
    pub(super) async fn settle(&mut self, row: Asked, records: &[&Json]) -> Result<(), Halt> {
        self.done += 1;
        self.tell(self.done, self.planning.prepared.survey.rows);
        let at = row.at;
        match self.judge(row, records) {
            Ok((Difference::Call(call), left)) => {
                let mut call = *call;
                call.note = left_as_it_is(&left);
                self.call_unless_taken(call).await
            }
            Ok((Difference::None, left)) if left.is_empty() => {
                let state = RowState::Unchanged;
                let outcome = settled(self.planning.clock, at.row, state, "", String::new());
                self.planned.states.add(state, 1);
                Ok(self.planning.writer.settle(outcome).await?)
            }
            Ok((Difference::None, left)) => {
                let code = if left.changed_since.is_empty() {
                    "undo.cannot_be_cleared"
                } else {
                    "undo.changed_since"
                };
                let problem = Problem::of_row(code, left_as_it_is(&left));
                self.invalid(at, problem).await
            }
            Err(Wrong::Row(problem)) => self.invalid(at, problem).await,
            Err(Wrong::Run(error)) => Err(Halt::Error(error)),
        }
    }

    pub(super) async fn invalid(&mut self, at: RowAt, problem: Problem) -> Result<(), Halt> {
        let outcome = settled_invalid(self.planning.clock, at.row, &[problem]);
        self.planned.states.add(RowState::Invalid, 1);
        self.planned.note_problem(&outcome);
        Ok(self.planning.writer.settle(outcome).await?)
    }

    /// What the row's record lacks; with the fields that someone has changed since, where a run is
    /// undone.
    fn judge(&self, row: Asked, records: &[&Json]) -> Result<(Difference, Left), Wrong> {
        let prepared = self.planning.prepared;
        let spec = prepared.checker.spec();
        let field = prepared.survey.key().map(|key| spec.fields[key].name());
        let name = field.unwrap_or("key").replace('_', " ");
        let problem = |code, message| {
            Wrong::Row(Problem {
                field: field.unwrap_or_default().to_owned(),
                ..Problem::of_row(code, message)
            })
        };
        // While a register is listed, a record may slip from one page to the next and be seen twice.
        let mut records = records.to_vec();
        records.reverse();
        let mut ids = HashSet::new();
        let id_of = |record: &Json| self.look_up.as_ref().and_then(|how| how.id_of(record));
        records.retain(|record| ids.insert(id_of(record)));
        let record = match records[..] {
            [record] => record,
            [] => {
                let text = format!("no {} has {name} \"{}\"", spec.record, row.key);
                return Err(problem(NOT_FOUND, text));
            }
            ref several => {
                let text = format!(
                    "{} {}s have {name} \"{}\", so it does not say which is meant",
                    several.len(),
                    spec.record,
                    row.key
                );
                return Err(problem("lookup.several", text));
            }
        };
        let Some(id) = id_of(record) else {
            let text = format!("the {} that was found has no id", spec.record);
            return Err(problem("lookup.incomplete", text));
        };
        let own = spec
            .key_field()
            .and_then(|field| row.values[field].as_ref());
        if let Some(own) = own.filter(|own| !own.as_text().eq_ignore_ascii_case(&id)) {
            let text = format!(
                "the {} with {name} \"{}\" has the id {id}, and the row says {}",
                spec.record,
                row.key,
                own.as_text()
            );
            return Err(problem("lookup.other_record", text));
        }
        let found = (id.as_str(), record);
        if let Some(run) = self.planning.undone {
            let path = self.planner.path_of(&id);
            let past = &self.planning.past;
            let changes = past.changes_made(run, &path).map_err(RunError::from)?;
            return Ok(self.planner.reversal(
                &prepared.checker,
                row.at,
                &row.key,
                &changes,
                found,
            )?);
        }
        let all = self.planning.delivery.all;
        let difference = self.planner.difference(
            &prepared.checker,
            row.at,
            &row.key,
            &row.values,
            found,
            all,
        )?;
        Ok((difference, Left::default()))
    }

    /// A call to a record that cannot be read: nothing, where the same was delivered lately.
    async fn unread(&mut self, call: Call) -> Result<(), Halt> {
        let planning = self.planning;
        if let (Some(fingerprint), false) = (&call.fingerprint, planning.delivery.all)
            && let Some((delivered, at)) = planning.past.delivered(planning.account, &call.path)?
        {
            let age = planning.clock.timestamp().duration_since(at);
            let age = Duration::try_from(age).unwrap_or_default();
            if delivered == *fingerprint && age <= planning.delivery.trust_for {
                let state = RowState::Unchanged;
                let outcome = settled(planning.clock, call.at.row, state, "", String::new());
                self.planned.states.add(state, 1);
                return Ok(planning.writer.settle(outcome).await?);
            }
        }
        self.call(call).await
    }

    pub(super) async fn call(&mut self, call: Call) -> Result<(), Halt> {
        let planned = &mut self.planned;
        planned.states.add(RowState::NotSent, 1);
        planned.to_send += 1;
        for change in &call.changes {
            *planned.fields.entry(change.field.clone()).or_default() += 1;
            if planned.examples.len() < EXAMPLES {
                planned.examples.push(ExampleChange {
                    row: call.at.row,
                    change: change.clone(),
                });
            }
        }
        Ok(self.planning.writer.plan(call).await?)
    }
}

/// What is wrong with a row, or with the run.
enum Wrong {
    Row(Problem),
    Run(RunError),
}

impl From<Problem> for Wrong {
    fn from(problem: Problem) -> Wrong {
        Wrong::Row(problem)
    }
}

impl From<RunError> for Wrong {
    fn from(error: RunError) -> Wrong {
        Wrong::Run(error)
    }
}

fn left_as_it_is(left: &Left) -> String {
    let mut clauses = Vec::new();
    if !left.changed_since.is_empty() {
        let names = left.changed_since.join(", ");
        clauses.push(format!(
            "someone has changed {names} since, so it was left as it is"
        ));
    }
    if !left.cannot_be_cleared.is_empty() {
        let names = left.cannot_be_cleared.join(", ");
        clauses.push(format!(
            "{names} was empty before, and the API does not let it be cleared, so it was left as it is"
        ));
    }
    clauses.join("; ")
}

/// The figures of a plan.
pub(super) fn plan_of(prepared: &Prepared, delivery: &Delivery, planned: &Planned) -> Plan {
    let survey = &prepared.survey;
    let left_out = planned.states.not_sent - planned.to_send;
    Plan {
        target: prepared.checker.spec().title.clone(),
        base_url: delivery.client.base_url.clone(),
        rows: survey.rows,
        empty_rows: survey.empty_rows,
        invalid: planned.states.invalid,
        unchanged: planned.states.unchanged,
        left_out,
        to_send: planned.to_send,
        settled: StateCounts {
            not_sent: left_out,
            ..planned.states
        },
        how: planned.how.clone(),
        fields: planned.fields.clone().into_iter().collect(),
        examples: planned.examples.clone(),
        problems: planned.problems.clone(),
        repairs: survey
            .repairs
            .iter()
            .map(|(code, count)| ((*code).to_owned(), *count))
            .collect(),
        doubts: survey
            .doubts
            .iter()
            .map(|(code, group)| (code.to_string(), group.count))
            .collect(),
        ..Plan::default()
    }
}
