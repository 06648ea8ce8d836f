//! The row planner reads records concurrently and plans each row.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::earlier_runs::EarlierRuns;
use super::edit_rules::Ruling;
use super::row_tasks::{NextStep, RowTask, settled, settled_invalid, settled_protected};
use super::totals::PlanTotals;
use crate::clock::{Clock, UnixNanos};
use crate::events::Observer;
use crate::journal::{JournalError, PlannedRow, PlannedWhat, RowMark, Writer};
use crate::l10n::message;
use crate::model::{Call, FIELD_BOUND, Outcome, Problem, RowState};
use crate::plan::{Left, LookUp, Planner, Renumber, Values};
use crate::run::error::RunError;
use crate::run::planning::lookup::answer_cache::AnswerCache;
use crate::run::planning::lookup::known_keys::KnownKeys;
use crate::run::planning::lookup::register::Register;
use crate::run::planning::snapshot::state::{OpenSnapshot, ResponseDates, SnapshotConfig};
use crate::run::prepare::Prepared;
use crate::run::settings::Delivery;
use crate::send::{Stop, Transport};

/// The inputs of planning.
pub struct PlanContext<'a> {
    pub prepared: &'a Prepared,
    pub delivery: &'a Delivery,
    pub transport: &'a Transport<'a>,
    /// The answers to earlier batches, if the run is planned in batches.
    pub answers: Option<&'a AnswerCache<'a>>,
    pub writer: &'a Writer,
    pub earlier: EarlierRuns,
    /// The run's number in the journal.
    pub run: i64,
    /// The name under which deliveries are stored.
    pub place: &'a str,
    /// The snapshot that the run may use.
    pub snapshot: Option<&'a SnapshotConfig>,
    /// Whether each row's conflicts are decided once the run is planned.
    pub chooses: bool,
    /// The key of the digests of conflicts.
    pub digest_key: [u8; 16],
    pub clock: &'a dyn Clock,
    pub observer: &'a dyn Observer,
}

/// Why planning cannot continue.
pub enum Halt {
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
pub enum MatchedBy {
    /// A field that identifies a person, by position.
    Field(usize),
    /// The name and the date of birth, which is a proposal only.
    Person,
}

/// A row that would give a record another number, deferred until no other row can match that record.
pub struct Renumbered {
    pub row: Unresolved,
    pub record: Json,
    pub by: MatchedBy,
}

/// The state of renumberings while a run is planned.
#[derive(Default)]
pub struct Renumberings {
    /// The target's renumbering, if rows are matched by it.
    pub how: Option<Renumber>,
    /// The fields that find records, by position: those of `how` that are not further keys.
    pub by: Vec<usize>,
    /// Deferred rows.
    pub kept: Vec<Renumbered>,
}

/// A row that a further key found, deferred until all rows are known that an earlier key found.
pub struct ByOther {
    pub row: Unresolved,
    pub field: usize,
    pub records: Vec<Json>,
}

/// Records by the further key that found them.
pub type ByOthers = Vec<(usize, Vec<Json>)>;

/// The rows that matched a record, if two rows can match one record by different keys.
#[derive(Default)]
pub struct Matched {
    /// The numbers of these rows, by a hash of the record's id.
    pub rows: HashMap<u128, u64>,
    /// Deferred rows.
    pub kept: Vec<ByOther>,
}

/// A row whose record is to be looked up.
pub struct Unresolved {
    pub mark: RowMark,
    pub key: String,
    /// Further keys, which find the record if this one does not: the field, by position, and its value.
    pub others: Vec<(usize, String)>,
    pub values: Values,
    /// The values that it shares with the record to which it gives another number, if it does.
    pub renumbered: Option<MatchedBy>,
}

/// A call that would give a record a unique value of another record.
pub struct Conflict {
    pub mark: RowMark,
    pub call: Call,
    pub field: usize,
    /// The other record's id.
    pub other: String,
}

/// The state of planning.
pub struct RowPlanner<'a> {
    pub context: &'a PlanContext<'a>,
    pub planner: &'a Planner,
    pub look_up: Option<LookUp>,
    /// The field, by position, that finds records now.
    pub key: Option<usize>,
    /// Which changes are left out.
    pub(super) ruling: Ruling<'a>,
    /// The keys that the API knows, if records cannot be read.
    pub known: KnownKeys,
    /// All records, if they were listed.
    pub(super) register: Option<Register>,
    /// Whether the run has decided between listing and searching.
    pub(super) has_chosen: bool,
    /// Records that were read one by one because they were not found.
    pub reread: usize,
    /// Rows that give records other numbers.
    pub(super) renumberings: Renumberings,
    /// The snapshot of an earlier run, or the one that this run fills.
    pub snapshot: Option<OpenSnapshot<'a>>,
    /// The times of the API's answers.
    pub(super) dates: ResponseDates,
    /// The ids of the records that were changed since the snapshot was taken: the register has them.
    pub(super) has_read: HashSet<String>,
    /// The records that rows have matched.
    pub(super) matched: Matched,
    /// Deferred calls with a unique value of another record.
    pub conflicts: Vec<Conflict>,
    pub totals: PlanTotals,
    /// Planned rows that the journal does not have yet.
    pub unwritten: Vec<PlannedRow>,
    /// Rows looked up so far.
    pub done: u64,
    /// The time of the last progress event.
    pub reported_at: UnixNanos,
}

impl RowPlanner<'_> {
    /// Plans each row, and then the rows that were deferred.
    pub async fn all(&mut self, mut tasks: mpsc::Receiver<Vec<RowTask>>) -> Result<(), Halt> {
        let mut waiting: Vec<Unresolved> = Vec::new();
        while let Some(tasks) = tasks.recv().await {
            let context = self.context;
            if context.earlier.retries_beside {
                context.earlier.journal.index_rows(context.run)?;
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
                    NextStep::Call(call) if self.context.earlier.undone.is_some() => {
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
                            self.report_progress(self.done, self.context.prepared.survey.rows);
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

    /// Adds a planned row to those for the journal.
    pub(super) async fn put(&mut self, mark: RowMark, what: PlannedWhat) -> Result<(), Halt> {
        const MOST: usize = 1024;
        self.unwritten.push(PlannedRow { mark, what });
        if self.unwritten.len() >= MOST {
            self.hand_over().await?;
        }
        Ok(())
    }

    /// Passes the planned rows to the journal.
    pub(super) async fn hand_over(&mut self) -> Result<(), JournalError> {
        let writer = self.context.writer;
        writer.room().await?;
        writer.plan(std::mem::take(&mut self.unwritten))
    }

    pub(super) async fn settled(&mut self, mark: RowMark, outcome: Outcome) -> Result<(), Halt> {
        self.totals.states.add(outcome.state, 1);
        self.put(mark, PlannedWhat::Settled(outcome)).await
    }

    /// Whether one of the records is marked as that of a protected person.
    pub fn is_protected<'r>(&self, records: impl IntoIterator<Item = &'r Json>) -> bool {
        let mark = self.planner.spec().protected.as_ref();
        mark.is_some_and(|mark| records.into_iter().any(|record| mark.marks(record)))
    }

    /// Withholds a row whose record is marked as that of a protected person.
    pub async fn withhold(&mut self, mark: RowMark) -> Result<(), Halt> {
        let outcome = settled_protected(self.context.clock, mark.at.row);
        // A warning may show values of the row.
        let mark = RowMark {
            warning: Vec::new(),
            facts: Default::default(),
            ..mark
        };
        self.settled(mark, outcome).await
    }

    /// The outcome of a row whose record does not change, with its messages.
    pub(super) fn unchanged(&self, row: u64, notes: Vec<Problem>) -> Outcome {
        let code = notes.first().map_or("", |note| &note.code).to_owned();
        settled(self.context.clock, row, RowState::Unchanged, &code, notes)
    }

    pub async fn invalid(&mut self, mark: RowMark, problem: Problem) -> Result<(), Halt> {
        self.all_invalid(mark, &[problem]).await
    }

    pub(super) async fn all_invalid(
        &mut self,
        mark: RowMark,
        problems: &[Problem],
    ) -> Result<(), Halt> {
        let outcome = settled_invalid(self.context.clock, mark.at.row, problems);
        self.totals.note_problem(mark.at, &outcome);
        self.settled(mark, outcome).await
    }

    pub async fn call(&mut self, mark: RowMark, mut call: Call) -> Result<(), Halt> {
        let checker = &self.context.prepared.checker;
        self.totals.note_call(checker, &call);
        if self.context.delivery.no_undo {
            call.changes.clear();
        }
        self.put(mark, PlannedWhat::Call(Box::new(call))).await
    }
}

pub(super) fn kept_as_is(left: &Left) -> Vec<Problem> {
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
