use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};

use super::error::RunError;
use super::items::{Item, ItemMaker, What, says_the_same, settled, settled_invalid};
use super::prepare::Prepared;
use super::settings::Delivery;
use crate::clock::{Clock, UnixNanos};
use crate::events::{ExampleChange, Plan, RunEvent, Watch};
use crate::journal::{Journal, Register, Writer};
use crate::model::{Call, Problem, RowAt, RowState, StateCounts};
use crate::plan::{Difference, LookUp, Page, Planner, Question, Values};
use crate::report::LEFT_OUT;
use crate::send::{SendError, Stop, StopRequest, Transport};
use crate::targets::Kind;

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
    how: String,
    /// How often each field is to be changed.
    fields: BTreeMap<String, u64>,
    examples: Vec<ExampleChange>,
}

/// Changes that are shown as examples.
const EXAMPLES: usize = 5;

/// Nanoseconds between two words about how far the look-ups have come.
const EVERY: u64 = 5_000_000_000;

/// What planning needs.
pub(super) struct Planning<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) delivery: &'a Delivery,
    pub(super) transport: &'a Transport<'a>,
    pub(super) writer: &'a Writer,
    /// The journal, to be read beside the writer: what was delivered before, and what the run to
    /// be undone has changed.
    pub(super) past: Option<Journal>,
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
enum Halt {
    Error(RunError),
    Stop(Stop),
}

impl<E: Into<RunError>> From<E> for Halt {
    fn from(error: E) -> Halt {
        Halt::Error(error.into())
    }
}

/// A row whose record is to be looked up.
struct Asked {
    at: RowAt,
    key: String,
    values: Values,
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
        let look_up = prepared.survey.key().and_then(|key| LookUp::new(spec, key));
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
                    planned: Planned::default(),
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

struct Work<'a> {
    planning: &'a Planning<'a>,
    planner: &'a Planner,
    look_up: Option<LookUp>,
    /// All records, where they were listed.
    register: Option<Register>,
    planned: Planned,
    /// Rows looked up so far.
    done: u64,
    /// When that was last told.
    told_at: UnixNanos,
}

impl Work<'_> {
    async fn all(&mut self, mut items: mpsc::Receiver<Item>) -> Result<(), Halt> {
        let writer = self.planning.writer;
        let mut waiting: Vec<Asked> = Vec::new();
        let mut first = true;
        while let Some(item) = items.recv().await {
            let succeeded = self.succeeded_before(&item)?;
            writer.content(item.at, item.key, item.cells).await?;
            if let Some((state, why)) = succeeded {
                let code = if state == RowState::NotSent {
                    LEFT_OUT
                } else {
                    ""
                };
                let outcome = settled(self.planning.clock, item.at.row, state, code, why);
                self.planned.states.add(state, 1);
                writer.settle(outcome).await?;
                continue;
            }
            match item.what {
                What::Settled(outcome) => {
                    self.planned.states.add(outcome.state, 1);
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
        self.resolve(waiting).await
    }

    /// Where an earlier run is tried again: the state of a row that needs no trying, and why.
    fn succeeded_before(&self, item: &Item) -> Result<Option<(RowState, String)>, Halt> {
        let (Some(retries), Some(past)) = (&self.planning.delivery.retries, &self.planning.past)
        else {
            return Ok(None);
        };
        if item.key == 0 || matches!(item.what, What::Settled(_)) {
            return Ok(None);
        }
        let Some(run) = self.planning.retried else {
            return Ok(None);
        };
        let history = past.history(run, item.key)?;
        let same = |cells: &[u8]| says_the_same(&item.cells, cells);
        let done = history
            .iter()
            .any(|past| past.state.is_some_and(RowState::succeeded) && same(&past.cells));
        if done {
            return Ok(Some((RowState::Unchanged, String::new())));
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
        Ok(Some((RowState::NotSent, why)))
    }

    /// Rows that are looked up at once: a page for each request that may be under way.
    fn round(&self) -> usize {
        let page = self.look_up.as_ref().map_or(1, LookUp::page_size);
        page * self.planning.transport.room()
    }

    /// Lists the whole register where that takes fewer requests than looking the rows up.
    async fn choose(&mut self) -> Result<(), Halt> {
        let Some(look_up) = self.look_up.clone() else {
            return Ok(());
        };
        let prepared = self.planning.prepared;
        let record = &prepared.checker.spec().record;
        let survey = &prepared.survey;
        let rows = survey.rows - survey.invalid - survey.superseded;
        let rows = self.planning.delivery.selection.most(survey.rows, rows);
        let page = look_up.page_size() as u64;
        let searches = rows.div_ceil(page);
        if look_up.can_search() && (searches <= 1 || !look_up.can_list()) {
            self.planned.how = format!("{record}s looked up {page} a request");
            return Ok(());
        }
        // One request tells how many there are, and is the first page if they are listed.
        let Some(question) = look_up.list(None) else {
            return Ok(());
        };
        let mut this = self.ask(&look_up, &question).await?;
        let listings = this.total.map(|total| total.div_ceil(page));
        if look_up.can_search() && listings.is_none_or(|listings| listings > searches) {
            let total = this.total.map_or("many".into(), |total| total.to_string());
            self.planned.how = format!(
                "{rows} {record}s looked up {page} a request ({searches} requests), since listing all {total} would take more"
            );
            return Ok(());
        }
        let register = Register::new()?;
        let mut passed = 0;
        loop {
            for record in &this.records {
                if let Some(key) = look_up.key_of(record).and_then(|key| self.key_text(key)) {
                    register.add(&key, &record.to_string())?;
                }
            }
            let next = look_up.list(Some((&this, passed)));
            passed += this.records.len() as u64;
            self.tell(passed, this.total.unwrap_or(passed));
            match next {
                None => break,
                Some(question) => this = self.ask(&look_up, &question).await?,
            }
        }
        self.planned.how = format!(
            "all {passed} {record}s listed {page} a request, since looking {rows} rows up would take no fewer"
        );
        self.register = Some(register);
        Ok(())
    }

    /// Tells how far the look-ups have come, now and then.
    fn tell(&mut self, done: u64, of: u64) {
        let now = self.planning.clock.now();
        if now.saturating_sub(self.told_at) >= EVERY {
            self.told_at = now;
            self.planning.watch.see(&RunEvent::LookedUp { done, of });
        }
    }

    async fn ask(&self, look_up: &LookUp, question: &Question) -> Result<Page, Halt> {
        // Whoever stops planning drops what is under way.
        let (_never, never) = watch::channel(false);
        let transport = self.planning.transport;
        let answer = transport
            .fetch(&question.path, question.body.as_ref(), &never)
            .await?
            .map_err(Halt::Stop)?;
        let base_url = &self.planning.delivery.client.base_url;
        let answer = answer.unwrap_or(Json::Null);
        look_up.page(&answer, base_url).map_err(|error| {
            Halt::Stop(Stop::LookUp {
                why: error.to_string(),
            })
        })
    }

    /// All records that have one of the keys.
    async fn search(&self, rows: &[Asked]) -> Result<Vec<Json>, Halt> {
        let Some(look_up) = &self.look_up else {
            return Ok(Vec::new());
        };
        let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        let mut found = Vec::new();
        let mut next = look_up.search(&keys, None);
        let mut passed = 0;
        while let Some(question) = next {
            let page = self.ask(look_up, &question).await?;
            next = look_up.search(&keys, Some((&page, passed)));
            passed += page.records.len() as u64;
            found.extend(page.records);
        }
        Ok(found)
    }

    /// A key as it is compared: normalised, and e-mail addresses without regard to case.
    fn key_text(&self, held: &Json) -> Option<String> {
        let checker = &self.planning.prepared.checker;
        let key = self.planning.prepared.survey.key()?;
        let text = match checker.normalised(key, held) {
            Json::String(text) => text,
            Json::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(if checker.spec().fields[key].kind == Kind::Email {
            text.to_lowercase()
        } else {
            text
        })
    }

    /// Finds the rows' records, and plans each row.
    async fn resolve(&mut self, rows: Vec<Asked>) -> Result<(), Halt> {
        let mut unknown = Vec::new();
        for row in rows {
            let listed = match &self.register {
                None => Vec::new(),
                Some(register) => {
                    let key = self.key_text(&Json::from(row.key.as_str()));
                    register.find(&key.unwrap_or_default())?
                }
            };
            let records: Vec<Json> = listed
                .iter()
                .filter_map(|record| serde_json::from_str(record).ok())
                .collect();
            if records.is_empty() {
                unknown.push(row);
            } else {
                self.settle(row, &records.iter().collect::<Vec<_>>())
                    .await?;
            }
        }
        let Some(look_up) = &self.look_up else {
            return Ok(());
        };
        if !look_up.can_search() {
            for row in unknown {
                self.settle(row, &[]).await?;
            }
            return Ok(());
        }
        // A record may have come, or slipped from one page to another, while they were listed.
        let page = look_up.page_size();
        let chunks: Vec<&[Asked]> = unknown.chunks(page).collect();
        let mut found: Vec<Json> = Vec::new();
        // The first request goes alone: if the credentials are wrong, one has told so.
        let alone = usize::from(!self.planning.transport.has_sent());
        let (one, others) = chunks.split_at(alone.min(chunks.len()));
        for part in [one, others] {
            let asked = part.iter().map(|chunk| self.search(chunk));
            for records in join_all(asked).await {
                found.extend(records?);
            }
        }
        let mut by_key: HashMap<String, Vec<&Json>> = HashMap::new();
        for record in &found {
            if let Some(key) = look_up.key_of(record).and_then(|key| self.key_text(key)) {
                by_key.entry(key).or_default().push(record);
            }
        }
        for row in unknown {
            let key = self.key_text(&Json::from(row.key.as_str()));
            let records = key.and_then(|key| by_key.get(&key)).cloned();
            self.settle(row, &records.unwrap_or_default()).await?;
        }
        Ok(())
    }

    /// Records what is to be done for a row of which these records were found.
    async fn settle(&mut self, row: Asked, records: &[&Json]) -> Result<(), Halt> {
        self.done += 1;
        self.tell(self.done, self.planning.prepared.survey.rows);
        let at = row.at;
        match self.judge(row, records) {
            Ok((Difference::Call(call), left)) => {
                let mut call = *call;
                call.note = changed_since(&left);
                self.call(call).await
            }
            Ok((Difference::None, left)) if left.is_empty() => {
                let state = RowState::Unchanged;
                let outcome = settled(self.planning.clock, at.row, state, "", String::new());
                self.planned.states.add(state, 1);
                Ok(self.planning.writer.settle(outcome).await?)
            }
            Ok((Difference::None, left)) => {
                let problem = Problem::of_row("undo.changed_since", changed_since(&left));
                self.invalid(at, problem).await
            }
            Err(Wrong::Row(problem)) => self.invalid(at, problem).await,
            Err(Wrong::Run(error)) => Err(Halt::Error(error)),
        }
    }

    async fn invalid(&mut self, at: RowAt, problem: Problem) -> Result<(), Halt> {
        let outcome = settled_invalid(self.planning.clock, at.row, &[problem]);
        self.planned.states.add(RowState::Invalid, 1);
        Ok(self.planning.writer.settle(outcome).await?)
    }

    /// What the row's record lacks; with the fields that someone has changed since, where a run is
    /// undone.
    fn judge(&self, row: Asked, records: &[&Json]) -> Result<(Difference, Vec<String>), Wrong> {
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
        let record = match records {
            [record] => *record,
            [] => {
                let text = format!("no {} has {name} {}", spec.record, row.key);
                return Err(problem("lookup.not_found", text));
            }
            several => {
                let text = format!(
                    "{} {}s have {name} {}, so it does not say which is meant",
                    several.len(),
                    spec.record,
                    row.key
                );
                return Err(problem("lookup.several", text));
            }
        };
        let Some(id) = self.look_up.as_ref().and_then(|how| how.id_of(record)) else {
            let text = format!("the {} that was found has no id", spec.record);
            return Err(problem("lookup.incomplete", text));
        };
        let own = spec
            .key_field()
            .and_then(|field| row.values[field].as_ref());
        if let Some(own) = own.filter(|own| !own.as_text().eq_ignore_ascii_case(&id)) {
            let text = format!(
                "the {} with {name} {} has the id {id}, and the row says {}",
                spec.record,
                row.key,
                own.as_text()
            );
            return Err(problem("lookup.other_record", text));
        }
        let found = (id.as_str(), record);
        if let (Some(run), Some(past)) = (self.planning.undone, &self.planning.past) {
            let path = self.planner.path_of(&id);
            let changes = past.changes_made(run, &path).map_err(RunError::from)?;
            return Ok(self.planner.reversal(row.at, &row.key, &changes, found)?);
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
        Ok((difference, Vec::new()))
    }

    /// A call to a record that cannot be read: nothing, where the same was delivered lately.
    async fn unread(&mut self, call: Call) -> Result<(), Halt> {
        let planning = self.planning;
        if let (Some(past), Some(fingerprint), false) =
            (&planning.past, &call.fingerprint, planning.delivery.all)
            && let Some((delivered, at)) = past.delivered(planning.account, &call.path)?
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

    async fn call(&mut self, call: Call) -> Result<(), Halt> {
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

fn changed_since(fields: &[String]) -> String {
    if fields.is_empty() {
        return String::new();
    }
    let names = fields.join(", ");
    format!("someone has changed {names} since, so it was left as it is")
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
        repairs: survey
            .repairs
            .iter()
            .map(|(code, count)| ((*code).to_owned(), *count))
            .collect(),
        ..Plan::default()
    }
}
