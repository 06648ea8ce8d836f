//! Planning work reads records concurrently and records the plan of each row.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::deliveries::Deliveries;
use super::edit_rules::{Ruled, Ruling};
use super::row_tasks::{NextStep, RowTask, settled, settled_invalid, settled_protected};
use super::totals::{AskedRow, PlanTotals};
use crate::clock::{Clock, UnixNanos};
use crate::events::{Observer, Turn};
use crate::journal::{Journal, JournalError, PlannedRow, PlannedWhat, Register, RowMark, Writer};
use crate::l10n::message;
use crate::model::{
    Call, Change, FIELD_BOUND, FieldPrint, Found, Outcome, Problem, RowState, Value,
};
use crate::plan::{
    ConflictPolicy, Difference, Left, LookUp, Planner, Renumber, RenumberMode, Values,
    changes_person, digest, field_print, left_temporary,
};
use crate::report::NOT_FOUND;
use crate::run::error::RunError;
use crate::run::planning::lookup::answer_cache::AnswerCache;
use crate::run::planning::lookup::known_keys::KnownKeys;
use crate::run::planning::snapshot::state::{OpenSnapshot, ResponseDates, SnapshotConfig};
use crate::run::prepare::Prepared;
use crate::run::settings::Delivery;
use crate::send::{Stop, Transport};

/// Bytes of a field's fingerprint.
const PRINT: usize = size_of::<FieldPrint>();

/// What planning needs.
pub(in crate::run) struct PlanContext<'a> {
    pub(in crate::run) prepared: &'a Prepared,
    pub(in crate::run) delivery: &'a Delivery,
    pub(in crate::run) transport: &'a Transport<'a>,
    /// What the API has answered to earlier slices, where it is planned in slices.
    pub(in crate::run) answers: Option<&'a AnswerCache<'a>>,
    pub(in crate::run) writer: &'a Writer,
    /// The journal for reading beside the writer: earlier deliveries, and the changes of the run to undo.
    pub(in crate::run) past: Journal,
    /// Whether deliveries to records that cannot be read can be trusted.
    pub(in crate::run) has_delivered: bool,
    /// The run's own number.
    pub(in crate::run) run: i64,
    /// Whose deliveries they are.
    pub(in crate::run) place: &'a str,
    /// The run that is to be undone.
    pub(in crate::run) undone: Option<i64>,
    /// The snapshot that it may use.
    pub(in crate::run) snapshot: Option<&'a SnapshotConfig>,
    /// What it delivered, where records cannot be read.
    pub(in crate::run) deliveries: Option<Deliveries>,
    /// The run that is tried again.
    pub(in crate::run) retried: Option<i64>,
    /// Whether another run is in progress meanwhile, which may change what is known of a row.
    pub(in crate::run) retries_beside: bool,
    /// Whether each row's conflicts are decided once the run is planned.
    pub(in crate::run) chooses: bool,
    /// The key of the digests of conflicts.
    pub(in crate::run) digest_key: [u8; 16],
    pub(in crate::run) clock: &'a dyn Clock,
    pub(in crate::run) observer: &'a dyn Observer,
}

/// Why planning cannot continue: for good, or because the run must stop.
pub(in crate::run) enum Halt {
    Error(RunError),
    Stop(Stop),
}

impl<E: Into<RunError>> From<E> for Halt {
    fn from(error: E) -> Halt {
        Halt::Error(error.into())
    }
}

/// The values that a row and a record with a temporary number share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum MatchedBy {
    /// A field that identifies a person, by position.
    Field(usize),
    /// The name and the date of birth, which is a proposal only.
    Person,
}

/// A row that would give a record another number, deferred until no other row can match that record.
pub(in crate::run) struct Renumbered {
    pub(in crate::run) row: Unresolved,
    pub(in crate::run) record: Json,
    pub(in crate::run) by: MatchedBy,
}

/// The state of renumberings while a run is planned.
#[derive(Default)]
pub(in crate::run) struct Renumberings {
    /// The target's renumbering, if rows are matched by it.
    pub(in crate::run) how: Option<Renumber>,
    /// The fields that find records, by position: those of `how` that are not further keys.
    pub(in crate::run) by: Vec<usize>,
    /// Deferred rows.
    pub(in crate::run) kept: Vec<Renumbered>,
}

/// A row that a further key found, deferred until all rows are known that an earlier key found.
pub(in crate::run) struct ByOther {
    pub(in crate::run) row: Unresolved,
    pub(in crate::run) field: usize,
    pub(in crate::run) records: Vec<Json>,
}

/// The rows that have matched a record, where two rows can match one record by different keys.
#[derive(Default)]
pub(in crate::run) struct Matched {
    /// The numbers of these rows, by a hash of the record's id.
    pub(in crate::run) rows: HashMap<u128, u64>,
    /// Deferred rows.
    pub(in crate::run) kept: Vec<ByOther>,
}

/// A row whose record is to be looked up.
pub(in crate::run) struct Unresolved {
    pub(in crate::run) mark: RowMark,
    pub(in crate::run) key: String,
    /// Further keys, which find the record if this one does not: the field, by position, and its value.
    pub(in crate::run) others: Vec<(usize, String)>,
    pub(in crate::run) values: Values,
    /// The values that it shares with the record to which it gives another number, if it does.
    pub(in crate::run) renumbered: Option<MatchedBy>,
}

/// A call that would give a record a unique value of another record.
pub(in crate::run) struct Conflict {
    pub(in crate::run) mark: RowMark,
    pub(in crate::run) call: Call,
    pub(in crate::run) field: usize,
    /// The other record's id.
    pub(in crate::run) other: String,
}

/// Planning as far as it has come.
pub(in crate::run) struct RowPlanner<'a> {
    pub(in crate::run) context: &'a PlanContext<'a>,
    pub(in crate::run) planner: &'a Planner,
    pub(in crate::run) look_up: Option<LookUp>,
    /// The field, by position, that finds records now.
    pub(in crate::run) key: Option<usize>,
    /// Which changes are left out.
    pub(super) ruling: Ruling<'a>,
    /// The keys that the API knows, if records cannot be read.
    pub(in crate::run) known: KnownKeys,
    /// All records, if they were listed.
    pub(super) register: Option<Register>,
    /// Whether it is decided if all records are listed.
    pub(super) has_chosen: bool,
    /// Records that were read one by one because they were not found.
    pub(in crate::run) reread: usize,
    /// Rows that give records other numbers.
    pub(super) renumberings: Renumberings,
    /// What is known of the register from an earlier run.
    pub(in crate::run) snapshot: Option<OpenSnapshot<'a>>,
    /// When the API answered.
    pub(super) dates: ResponseDates,
    /// The ids of the records that were changed since the snapshot was taken: the register has them.
    pub(super) has_read: HashSet<String>,
    /// The records that rows have matched.
    pub(super) matched: Matched,
    /// Calls that are kept back because another record has a value of theirs.
    pub(in crate::run) conflicts: Vec<Conflict>,
    pub(in crate::run) totals: PlanTotals,
    /// Rows that are planned and not handed to the journal yet.
    pub(in crate::run) unwritten: Vec<PlannedRow>,
    /// Rows looked up so far.
    pub(in crate::run) done: u64,
    /// When that was last told.
    pub(in crate::run) told_at: UnixNanos,
}

impl RowPlanner<'_> {
    pub(in crate::run) async fn all(
        &mut self,
        mut tasks: mpsc::Receiver<Vec<RowTask>>,
    ) -> Result<(), Halt> {
        let mut waiting: Vec<Unresolved> = Vec::new();
        while let Some(tasks) = tasks.recv().await {
            let context = self.context;
            if context.retries_beside {
                context.past.index_rows(context.run)?;
            }
            for task in tasks {
                if let Some((state, code, why)) = self.succeeded_before(&task)? {
                    let row = task.mark.at.row;
                    let outcome = settled(self.context.clock, row, state, &code, why);
                    self.settled(task.mark, outcome).await?;
                    continue;
                }
                match task.what {
                    NextStep::Settled(outcome) => {
                        self.totals.note_problem(task.mark.at, &outcome);
                        self.settled(task.mark, outcome).await?;
                    }
                    NextStep::Call(call) if self.context.undone.is_some() => {
                        self.unread_back(task.mark, *call).await?;
                    }
                    NextStep::Call(call) => self.unread(task.mark, *call).await?,
                    NextStep::LookUp {
                        key,
                        others,
                        values,
                    } => {
                        self.choose_once().await?;
                        if let Some(found) =
                            self.held_by(task.mark.at.row, &key, &others, &values)?
                        {
                            self.done += 1;
                            self.tell(self.done, self.context.prepared.survey.rows);
                            let outcome = self.unchanged(task.mark.at.row, Vec::new());
                            let mut mark = task.mark;
                            mark.facts.found = Some(found);
                            self.settled(mark, outcome).await?;
                            continue;
                        }
                        waiting.push(Unresolved {
                            mark: task.mark,
                            key,
                            others,
                            values,
                            renumbered: None,
                        });
                        if waiting.len() >= self.round() {
                            self.resolve(std::mem::take(&mut waiting)).await?;
                        }
                    }
                }
            }
        }
        self.resolve(waiting).await?;
        self.settle_kept_by().await?;
        self.settle_renumbered().await?;
        self.settle_conflicts().await
    }

    /// Hands a row to the journal, with others.
    async fn put(&mut self, mark: RowMark, what: PlannedWhat) -> Result<(), Halt> {
        const MOST: usize = 1024;
        self.unwritten.push(PlannedRow { mark, what });
        if self.unwritten.len() >= MOST {
            self.hand_over().await?;
        }
        Ok(())
    }

    /// Hands what is planned to the journal.
    pub(super) async fn hand_over(&mut self) -> Result<(), JournalError> {
        let writer = self.context.writer;
        writer.room().await?;
        writer.plan(std::mem::take(&mut self.unwritten))
    }

    async fn settled(&mut self, mark: RowMark, outcome: Outcome) -> Result<(), Halt> {
        self.totals.states.add(outcome.state, 1);
        self.put(mark, PlannedWhat::Settled(outcome)).await
    }

    /// Whether one of the records is marked as that of a protected person.
    pub(in crate::run) fn is_protected<'r>(
        &self,
        records: impl IntoIterator<Item = &'r Json>,
    ) -> bool {
        let mark = self.planner.spec().protected.as_ref();
        mark.is_some_and(|mark| records.into_iter().any(|record| mark.marks(record)))
    }

    /// Withholds a row whose record is marked as that of a protected person.
    pub(in crate::run) async fn withhold(&mut self, mark: RowMark) -> Result<(), Halt> {
        let outcome = settled_protected(self.context.clock, mark.at.row);
        // A warning may show values of the row.
        let mark = RowMark {
            warning: Vec::new(),
            facts: Default::default(),
            ..mark
        };
        self.settled(mark, outcome).await
    }

    /// Records what is to be done for a row of which these records were found.
    pub(in crate::run) async fn settle(
        &mut self,
        row: Unresolved,
        records: &[&Json],
    ) -> Result<(), Halt> {
        self.done += 1;
        self.tell(self.done, self.context.prepared.survey.rows);
        if self.is_protected(records.iter().copied()) {
            return self.withhold(row.mark).await;
        }
        let mut row = row;
        if row.renumbered.is_none() {
            if let Some(why) = self.renumber_by_further_key(&mut row, records) {
                return self.settle_disagreement(row, why).await;
            }
            self.note_matched(row.mark.at.row, records);
        }
        // Rows beyond the maximum number of questions keep their values.
        let is_past = self.context.chooses && !self.totals.can_ask();
        let decided = is_past.then_some(ConflictPolicy::Theirs);
        let mut ruled = Ruled::decided(decided);
        let mut judged = self.judge(&mut row, records, &mut ruled);
        if let (Ok((Difference::Call(_), _)), Some(field)) =
            (&judged, self.left_temporary(&row, records))
        {
            // No update names a final number and leaves the record's mark of a temporary one.
            row.values[field] = Some(Value::Bool(false));
            ruled = Ruled::decided(decided);
            judged = self.judge(&mut row, records, &mut ruled);
        }
        match judged {
            Ok((Difference::Call(call), left)) => {
                let mut call = *call;
                call.note = left_as_it_is(&left);
                // An approval is of the row as it was shown, whatever is decided about its conflicts.
                let shown = match ruled.has_kept {
                    true => self.as_asked(&mut row, records)?,
                    false => None,
                };
                let of_shown = || self.turn_of(&row, shown.as_ref()?, records);
                if let Some(turn) = self.turn_of(&row, &call, records).or_else(of_shown) {
                    let digest = digest(shown.as_ref().unwrap_or(&call));
                    // An approval does not cover a change that differs from the planned change.
                    let approved = self.context.delivery.approved.as_ref();
                    let is_approved = approved.map(|rows| rows.get(&call.at.row) == Some(&digest));
                    row.mark.facts.identity = Some(digest);
                    let checker = &self.context.prepared.checker;
                    let record = records.last().copied().unwrap_or(&Json::Null);
                    self.totals.note_persons(checker, &call, record, turn);
                    let mode = self.context.delivery.guards.renumber;
                    let needs_none = turn == Turn::Number && mode == RenumberMode::Approve;
                    let is_refused = !needs_none && is_approved == Some(false);
                    let is_number = turn != Turn::Person;
                    self.totals.renumbered += u64::from(is_number && !is_refused);
                    match is_approved.filter(|_| !needs_none) {
                        _ if needs_none => {}
                        None => self.totals.note_waiting(checker, &call, turn),
                        Some(true) => {}
                        Some(false) => {
                            let (clock, number) = (self.context.clock, call.at.row);
                            let (code, why) = match turn {
                                Turn::Person => {
                                    ("identity.changed", message::row_identity_changed())
                                }
                                Turn::Number | Turn::Proposal => {
                                    ("renumber.unapproved", message::row_renumber_unapproved())
                                }
                            };
                            let why = Problem::of_row(code, why);
                            let state = RowState::NotSent;
                            let outcome = settled(clock, number, state, code, vec![why]);
                            return self.settled(row.mark, outcome).await;
                        }
                    }
                }
                let mark = self.under_rules(row, records, (&mut call, ruled))?;
                self.call_unless_taken(mark, call).await
            }
            Ok((Difference::None, left)) if left.is_empty() => {
                self.totals.note_conflicts(&ruled.conflicts);
                let outcome = self.unchanged(row.mark.at.row, ruled.notes);
                self.settled(row.mark, outcome).await
            }
            Ok((Difference::None, left)) => self.all_invalid(row.mark, &left_as_it_is(&left)).await,
            Err(Wrong::Row(problem)) => self.invalid(row.mark, problem).await,
            Err(Wrong::Run(error)) => Err(Halt::Error(error)),
        }
    }

    /// The field that marks the record's number as temporary, where the row has a final one and does not name the
    /// field. An undo restores the earlier value.
    fn left_temporary(&self, row: &Unresolved, records: &[&Json]) -> Option<usize> {
        let spec = self.context.prepared.checker.spec();
        let record = records.last().filter(|_| self.context.undone.is_none())?;
        left_temporary(spec, &row.values, record)
    }

    /// The change of a record's person by a call, if it requires an approval.
    fn turn_of(&self, row: &Unresolved, call: &Call, records: &[&Json]) -> Option<Turn> {
        if self.turns_person(call, records) {
            return Some(Turn::Person);
        }
        let spec = self.context.prepared.checker.spec();
        let number = spec.fields[self.renumberings.how.as_ref()?.number()].name();
        let is_changed = call.changes.iter().any(|change| change.field == number);
        row.renumbered.filter(|_| is_changed).map(|by| match by {
            MatchedBy::Field(_) => Turn::Number,
            MatchedBy::Person => Turn::Proposal,
        })
    }

    /// Whether a call would turn one person into another. An undo restores the earlier person.
    fn turns_person(&self, call: &Call, records: &[&Json]) -> bool {
        let spec = self.context.prepared.checker.spec();
        let changes = &call.changes;
        self.context.undone.is_none()
            && records
                .last()
                .is_some_and(|record| changes_person(spec, record, changes))
    }

    /// The call of a row as it is shown before its conflicts are decided, if it has one then.
    fn as_asked(&self, row: &mut Unresolved, records: &[&Json]) -> Result<Option<Call>, RunError> {
        match self.judge(row, records, &mut Ruled::as_asked()) {
            Ok((Difference::Call(call), _)) => Ok(Some(*call)),
            Ok((Difference::None, _)) | Err(Wrong::Row(_)) => Ok(None),
            Err(Wrong::Run(error)) => Err(error),
        }
    }

    /// Records the result of the edit rules in the call, its row and the plan.
    fn under_rules(
        &mut self,
        mut row: Unresolved,
        records: &[&Json],
        (call, ruled): (&mut Call, Ruled),
    ) -> Result<RowMark, Halt> {
        self.totals.note_conflicts(&ruled.conflicts);
        row.mark.warning.extend(ruled.warnings());
        row.mark.facts.conflicts.clone_from(&ruled.asked);
        if self.context.chooses && !ruled.asked.is_empty() {
            let mut kept = Ruled::decided(Some(ConflictPolicy::Theirs));
            // The same row, but the fields in conflict keep their values.
            let what = match self.judge(&mut row, records, &mut kept) {
                Ok((Difference::Call(mut call), _)) => {
                    call.note = kept.notes;
                    if self.context.delivery.no_undo {
                        call.changes.clear();
                    }
                    PlannedWhat::Call(call)
                }
                Ok((Difference::None, _)) => {
                    PlannedWhat::Settled(self.unchanged(row.mark.at.row, kept.notes))
                }
                Err(Wrong::Row(problem)) => {
                    let (clock, number) = (self.context.clock, row.mark.at.row);
                    PlannedWhat::Settled(settled_invalid(clock, number, &[problem]))
                }
                Err(Wrong::Run(error)) => return Err(Halt::Error(error)),
            };
            let mark = row.mark.clone();
            self.totals.asked.push(AskedRow {
                overwritten: call.changed.clone(),
                kept: PlannedRow { mark, what },
                conflicts: ruled.to_decide().cloned().collect(),
            });
        }
        call.note.extend(ruled.notes);
        Ok(row.mark)
    }

    /// The outcome of a row whose record does not change, with its messages.
    fn unchanged(&self, row: u64, notes: Vec<Problem>) -> Outcome {
        let code = notes.first().map_or("", |note| &note.code).to_owned();
        settled(self.context.clock, row, RowState::Unchanged, &code, notes)
    }

    pub(in crate::run) async fn invalid(
        &mut self,
        mark: RowMark,
        problem: Problem,
    ) -> Result<(), Halt> {
        self.all_invalid(mark, &[problem]).await
    }

    async fn all_invalid(&mut self, mark: RowMark, problems: &[Problem]) -> Result<(), Halt> {
        let outcome = settled_invalid(self.context.clock, mark.at.row, problems);
        self.totals.note_problem(mark.at, &outcome);
        self.settled(mark, outcome).await
    }

    /// What the row's record lacks; with the fields that someone has changed since, where a run is
    /// undone.
    fn judge(
        &self,
        row: &mut Unresolved,
        records: &[&Json],
        ruled: &mut Ruled,
    ) -> Result<(Difference, Left), Wrong> {
        let prepared = self.context.prepared;
        let spec = prepared.checker.spec();
        let key = self.key;
        let field = key.map(|key| spec.fields[key].name());
        let name = key.map_or("id", |key| prepared.checker.name_of(key));
        let problem = |code, message| {
            Wrong::Row(Problem {
                column: name.to_owned(),
                field: field.unwrap_or_default().to_owned(),
                ..Problem::of_row(code, message)
            })
        };
        // While a register is listed, a record may slip from one page to the next and be seen twice.
        let mut records = records.to_vec();
        let id_of = |record: &Json| self.look_up.as_ref().and_then(|how| how.id_of(record));
        if records.len() > 1 {
            records.reverse();
            let mut ids = HashSet::new();
            records.retain(|record| ids.insert(id_of(record)));
        }
        let record = match records[..] {
            [record] => record,
            [] => {
                let text = message::row_none_has(spec.record_name(), row.key.as_str());
                return Err(problem(NOT_FOUND, text));
            }
            ref several => {
                let text =
                    message::row_several_have(several.len(), spec.records_name(), row.key.as_str());
                return Err(problem("lookup.several", text));
            }
        };
        let Some(id) = id_of(record) else {
            let text = message::row_found_no_id(spec.record_name());
            return Err(problem("lookup.incomplete", text));
        };
        row.mark.facts.found = Some(Found {
            id: id.clone(),
            by: match row.renumbered {
                Some(MatchedBy::Person) => self.names_of_person(),
                _ => field.unwrap_or_default().to_owned(),
            },
        });
        let own = spec
            .key_field()
            .and_then(|field| row.values[field].as_ref());
        if let Some(own) = own.filter(|own| !own.as_text().eq_ignore_ascii_case(&id)) {
            let text = message::row_other_record(
                spec.record_name(),
                row.key.as_str(),
                id.as_str(),
                own.as_text(),
            );
            return Err(problem("lookup.other_record", text));
        }
        let found = (id.as_str(), record);
        if let Some(run) = self.context.undone {
            let path = self.planner.path_of(&id);
            let past = &self.context.past;
            let changes = past.changes_made(run, &path).map_err(RunError::from)?;
            return Ok(self.planner.reversal(
                &prepared.checker,
                row.mark.at,
                &row.key,
                &changes,
                found,
            )?);
        }
        let all = self.context.delivery.all;
        let at = row.mark.at;
        let mut bound: Vec<usize> = Vec::new();
        let difference = loop {
            let mut left = Vec::new();
            let difference = self.planner.difference_but(
                &prepared.checker,
                (at, &row.key),
                &row.values,
                found,
                all,
                |path, change| {
                    let field = spec.field(&change.field);
                    let is_left = match field.filter(|field| bound.contains(field)) {
                        Some(field) => self.ruling.binds(ruled, field, change),
                        None => self.ruling.leaves(ruled, at, (path, change)),
                    };
                    left.extend(field.filter(|_| is_left));
                    is_left
                },
            )?;
            // A number and its mark change together, whichever of them comes first.
            let mut also = spec.bound_to(&left);
            also.retain(|field| changes(&difference, spec.fields[*field].name()));
            if also.is_empty() {
                break difference;
            }
            bound.extend(also);
            ruled.begin_again();
        };
        if let Some(error) = ruled.error.take() {
            return Err(Wrong::Run(error));
        }
        if let Difference::Call(call) = &difference {
            for change in &call.changes {
                let lowered = spec
                    .field(&change.field)
                    .zip(change.from.as_ref())
                    .and_then(|(field, before)| {
                        prepared.checker.lowered(field, before, &change.to)
                    });
                if let Some(problem) = lowered {
                    return Err(problem.into());
                }
            }
        }
        Ok((difference, Left::default()))
    }

    /// What puts a record back that cannot be read: the values that were delivered before the run to be
    /// undone, where no later one may have delivered others.
    async fn unread_back(&mut self, mark: RowMark, named: Call) -> Result<(), Halt> {
        let context = self.context;
        let checker = &context.prepared.checker;
        let delivered = match &context.deliveries {
            Some(deliveries) => deliveries.to(&context.past, checker.spec(), &named.path)?,
            None => None,
        };
        let mut delivered = delivered.unwrap_or_default();
        let spec = checker.spec();
        let since = delivered.changed_since.iter().map(|change| &change.field);
        let kept = since.chain(&delivered.unknown);
        let kept: Vec<usize> = kept.filter_map(|name| spec.field(name)).collect();
        let mut bound = spec.bound_to(&kept);
        let name_of = |field: &usize| spec.fields[*field].name();
        bound.retain(|field| {
            let mut changes = delivered.changes.iter();
            changes.any(|change| change.field == name_of(field))
        });
        let is_bound = |change: &Change| bound.iter().any(|field| change.field == name_of(field));
        delivered.changes.retain(|change| !is_bound(change));
        let found = ("", &delivered.record);
        let (difference, mut left) = match (self.planner).reversal(
            checker,
            mark.at,
            &named.key,
            &delivered.changes,
            found,
        ) {
            Ok(back) => back,
            Err(problem) => return self.invalid(mark, problem).await,
        };
        let since = delivered.changed_since.into_iter();
        left.changed_since.extend(since.map(|change| change.field));
        left.unknown = delivered.unknown;
        let names = bound.iter().map(|field| name_of(field).to_owned());
        left.bound.extend(names);
        let Difference::Call(call) = difference else {
            if left.is_empty() {
                let (state, clock) = (RowState::Unchanged, context.clock);
                let outcome = settled(clock, mark.at.row, state, "", Vec::new());
                return self.settled(mark, outcome).await;
            }
            return self.all_invalid(mark, &left_as_it_is(&left)).await;
        };
        self.list_keys_once().await?;
        if let Some(problem) = self.unknown_key(&named) {
            return self.invalid(mark, problem).await;
        }
        let prints = call.changes.iter();
        let prints = prints.map(|change| field_print(&named.path, &change.field, &change.to));
        let prints = prints.flatten().collect();
        let names: Vec<&str> = call.changed.split(' ').collect();
        let note = message::row_last_delivered(names.join(", "));
        let mut notes = vec![Problem::of_row("undo.last_delivered", note)];
        notes.append(&mut left_as_it_is(&left));
        let mut call = Call {
            path: named.path,
            fingerprint: Some(prints),
            note: notes,
            ..*call
        };
        self.totals.are_last_delivered = true;
        self.totals.note_call(checker, &call);
        // What was delivered is no value that was read.
        call.changes.clear();
        self.put(mark, PlannedWhat::Call(Box::new(call))).await
    }

    /// A call to a record that cannot be read: nothing, where the same was delivered lately, and a change
    /// of the fields that were delivered otherwise.
    async fn unread(&mut self, mark: RowMark, mut call: Call) -> Result<(), Halt> {
        let is_resent = match self.since_delivery(&mut call)? {
            Since::Delivered => {
                let state = RowState::Unchanged;
                let clock = self.context.clock;
                let outcome = settled(clock, call.at.row, state, "", Vec::new());
                return self.settled(mark, outcome).await;
            }
            Since::Lowered(problem) => return self.invalid(mark, problem).await,
            Since::Resent => true,
            Since::Changed => false,
        };
        self.list_keys_once().await?;
        match self.unknown_key(&call) {
            Some(problem) => self.invalid(mark, problem).await,
            None => {
                self.totals.resent += u64::from(is_resent);
                self.call(mark, call).await
            }
        }
    }

    /// Compares a call with what was delivered, and leaves only the fields in its changes that differ.
    fn since_delivery(&self, call: &mut Call) -> Result<Since, Halt> {
        let context = self.context;
        let all = context.delivery.all;
        let Some(own) = &call.fingerprint else {
            return Ok(Since::Changed);
        };
        let Some((delivered, at)) = context.past.delivered(context.place, &call.path)? else {
            return Ok(if all { Since::Changed } else { Since::Resent });
        };
        let (own, _) = own.as_chunks::<PRINT>();
        let (delivered, _) = delivered.as_chunks::<PRINT>();
        let names = call.changed.split(' ').zip(own);
        let differs = names.filter(|(_, print)| !delivered.contains(print));
        let differing: Vec<&str> = differs.map(|(name, _)| name).collect();
        let checker = &context.prepared.checker;
        let spec = checker.spec();
        let was = |field: usize, value: &str| {
            let print = field_print(&call.path, spec.fields[field].name(), &Json::from(value));
            delivered.contains(&print)
        };
        for change in spec.changes_of(call).iter() {
            let field = spec.field(&change.field);
            let field = field.filter(|_| differing.contains(&&*change.field));
            if let Some(problem) = field.and_then(|field| {
                let guarded = spec.fields[field].guarded.iter();
                let before = guarded
                    .map(String::as_str)
                    .find(|value| was(field, value))?;
                checker.lowered(field, &Json::from(before), &change.to)
            }) {
                return Ok(Since::Lowered(problem));
            }
        }
        if all {
            return Ok(Since::Changed);
        }
        let age = context.clock.timestamp().duration_since(at);
        // If the clock was set back since, the age is unknown.
        let is_new = Duration::try_from(age).is_ok_and(|age| age <= context.delivery.trust_for);
        let is_trusted = context.has_delivered && is_new;
        Ok(match (differing.is_empty(), is_trusted) {
            (true, true) => Since::Delivered,
            (true, false) => Since::Resent,
            (false, true) => {
                call.changed = differing.join(" ");
                Since::Changed
            }
            (false, false) => Since::Changed,
        })
    }

    pub(in crate::run) async fn call(&mut self, mark: RowMark, mut call: Call) -> Result<(), Halt> {
        let checker = &self.context.prepared.checker;
        self.totals.note_call(checker, &call);
        if self.context.delivery.no_undo {
            call.changes.clear();
        }
        self.put(mark, PlannedWhat::Call(Box::new(call))).await
    }
}

/// Whether a difference changes a field.
fn changes(difference: &Difference, name: &str) -> bool {
    let Difference::Call(call) = difference else {
        return false;
    };
    let mut changes = call.changes.iter();
    changes.any(|change| change.field == name && !change.is_idle())
}

/// What a call is to a record that cannot be read, by what was delivered before.
enum Since {
    /// It was delivered lately.
    Delivered,
    /// It takes a guarded value away.
    Lowered(Problem),
    /// It changes nothing that is known, and is sent to be sure.
    Resent,
    /// It is a change.
    Changed,
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

fn left_as_it_is(left: &Left) -> Vec<Problem> {
    let mut clauses = Vec::new();
    if !left.changed_since.is_empty() {
        let names = left.changed_since.join(", ");
        let why = message::row_changed_since(names);
        clauses.push(Problem::of_row("undo.changed_since", why));
    }
    if !left.cannot_be_cleared.is_empty() {
        let names = left.cannot_be_cleared.join(", ");
        let why = message::row_cannot_be_cleared(names);
        clauses.push(Problem::of_row("undo.cannot_be_cleared", why));
    }
    if !left.bound.is_empty() {
        let why = message::row_bound(left.bound.join(", "));
        clauses.push(Problem::of_row(FIELD_BOUND, why));
    }
    if !left.unknown.is_empty() {
        let why = message::row_never_delivered(left.unknown.join(", "));
        clauses.push(Problem::of_row("undo.unknown", why));
    }
    clauses
}

#[cfg(test)]
mod tests;
