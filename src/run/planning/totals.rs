//! The totals of planning become the plan that is shown.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde_json::Value as Json;

use super::read_policy::ReadPolicy;
use crate::check::{Checker, ProblemGroup};
use crate::clock::Clock;
use crate::events::{
    ConflictCounts, ExampleChange, ExampleFinding, FoundConflict, PersonChange, Plan, RowProblems,
    Turn,
};
use crate::journal::{PlannedRow, PlannedWhat};
use crate::l10n::Message;
use crate::map::field_named;
use crate::model::{Call, KnownBefore, Outcome, Relisted, RowAt, RowState, StateCounts};
use crate::plan::{ConflictPolicy, persons};
use crate::run::error::RunError;
use crate::run::prepare::Prepared;
use crate::run::settings::Delivery;
use crate::send::Stop;
use crate::targets::{Place, TargetSpec};

/// The totals of planning.
#[derive(Default)]
pub struct PlanTotals {
    /// Rows that need no request, by state, and the others as not sent.
    pub states: StateCounts,
    /// Calls to make.
    pub to_send: u64,
    /// Of these, calls that are resent because no delivery to the record is known.
    pub resent: u64,
    /// Of these, calls that turn one person into another, by row number.
    pub identity_rows: Vec<u64>,
    /// Of these, calls that give a person another number and require an approval.
    pub renumber_rows: Vec<u64>,
    /// Rows that give a person another number, approved rows included.
    pub renumbered: u64,
    /// The persons of the first such rows, approved rows included.
    persons: Vec<PersonChange>,
    /// How many more such rows there are.
    more_persons: u64,
    /// What the first of them change.
    identity_examples: Vec<ExampleChange>,
    /// Whether the calls restore what was delivered before the undone run.
    pub(super) are_last_delivered: bool,
    /// Conflicts by policy.
    pub conflicts: ConflictCounts,
    /// The first of them.
    conflict_examples: Vec<FoundConflict>,
    /// Rows with conflicts to decide.
    pub asked: Vec<AskedRow>,
    /// Why planning ended early, if it did.
    pub stop: Option<Stop>,
    /// How the records were read.
    pub how: Message,
    /// What was taken from the snapshot of an earlier run.
    pub known: Option<KnownBefore>,
    /// Why all records were listed despite a snapshot.
    pub(super) relisted: Option<Relisted>,
    /// How often each set of fields is to be changed.
    changed: HashMap<String, u64>,
    /// The set of the last call and its count: most calls have the set of the call before.
    last: (String, u64),
    pub examples: Vec<ExampleChange>,
    /// The problems of the first invalid rows.
    pub problems: Vec<RowProblems>,
}

/// A row with conflicts to decide. It is planned as if the roster's values overwrite the others.
#[derive(Debug)]
pub struct AskedRow {
    /// The fields that this plan changes.
    pub overwritten: String,
    /// The alternative plan if the fields in conflict keep their values.
    pub kept: PlannedRow,
    /// The conflicts.
    pub conflicts: Vec<FoundConflict>,
}

impl AskedRow {
    /// Counts the row in a plan in which its fields in conflict keep their values.
    pub fn count_kept(&self, plan: &mut Plan) {
        let still_changed = match &self.kept.what {
            PlannedWhat::Call(call) => &*call.changed,
            PlannedWhat::Settled(_) => "",
        };
        for name in self.overwritten.split(' ') {
            let is_left = still_changed.split(' ').all(|other| other != name);
            if let Some((_, count)) = plan.fields.iter_mut().find(|(field, _)| field == name) {
                *count -= u64::from(is_left);
            }
        }
        plan.fields.retain(|(_, count)| *count > 0);
        if let PlannedWhat::Settled(outcome) = &self.kept.what {
            plan.to_send -= 1;
            plan.settled.add(outcome.state, 1);
            plan.unchanged += u64::from(outcome.state == RowState::Unchanged);
            plan.invalid += u64::from(outcome.state == RowState::Invalid);
        }
    }
}

/// Maximum number of rows with a question.
const MOST_ASKED: usize = 10_000;

impl PlanTotals {
    /// Nothing yet, where records are read so.
    pub fn of(how: Message) -> PlanTotals {
        PlanTotals {
            how,
            ..PlanTotals::default()
        }
    }

    /// What planning will come to, where nothing but the file tells it: no record is read, no row is left
    /// out or repeats another, and nothing that was done before counts.
    pub(super) fn predicted(
        prepared: &Prepared,
        policy: &ReadPolicy<'_>,
        clock: &dyn Clock,
    ) -> Result<PlanTotals, RunError> {
        let Prepared {
            input,
            checker,
            survey,
            ..
        } = prepared;
        let to_send = survey.valid();
        let mut planned = PlanTotals {
            states: StateCounts {
                invalid: survey.invalid,
                not_sent: to_send + survey.skipped,
                withheld: survey.withheld.len() as u64,
                ..StateCounts::default()
            },
            to_send,
            ..PlanTotals::of(policy.nothing_read())
        };
        let fields = checker.spec().fields.iter().zip(&survey.filled);
        for (field, rows) in fields.filter(|(field, _)| field.place == Place::Body) {
            planned.changed.insert(field.name().to_owned(), *rows);
        }
        let invalid = survey.first_invalid.iter().take(EXAMPLES);
        planned
            .problems
            .extend(invalid.map(|(line, problems)| RowProblems {
                line: *line,
                problems: problems.clone(),
            }));
        let planner = policy.planner();
        let builder = policy.builder(&planner, clock);
        input.scan(
            |table| builder.first_calls(table, EXAMPLES),
            |calls| Ok::<_, RunError>(calls.iter().all(|call| planned.show(checker, call))),
        )?;
        Ok(planned)
    }

    /// Forgets what was planned of the rows.
    pub fn forget_rows(&mut self) {
        *self = PlanTotals {
            stop: self.stop.take(),
            how: std::mem::take(&mut self.how),
            ..PlanTotals::default()
        };
    }

    /// How often each field is to be changed.
    fn fields(&self) -> BTreeMap<String, u64> {
        let mut fields = BTreeMap::new();
        let (last, more) = &self.last;
        let counted = self.changed.iter().chain([(last, more)]);
        for (names, count) in counted.filter(|(_, count)| **count > 0) {
            for name in names.split(' ').filter(|name| !name.is_empty()) {
                *fields.entry(name.to_owned()).or_default() += count;
            }
        }
        fields
    }

    /// Counts a call, and shows what it changes, as long as few are shown.
    pub(super) fn note_call(&mut self, checker: &Checker, call: &Call) {
        self.states.add(RowState::NotSent, 1);
        self.to_send += 1;
        self.note_changed(&call.changed);
        self.show(checker, call);
    }

    /// Keeps the persons of a call that turns one person into another or gives one another number.
    pub(super) fn note_persons(
        &mut self,
        checker: &Checker,
        call: &Call,
        record: &Json,
        turn: Turn,
    ) {
        if self.persons.len() == PERSONS {
            self.more_persons += 1;
            return;
        }
        let (from, to) = persons(checker.spec(), record, &call.changes);
        self.persons.push(PersonChange {
            row: call.at.row,
            line: call.at.sheet_row,
            from,
            to,
            turn,
        });
    }

    /// Counts a call that requires individual approval. It is shown before all others.
    pub(super) fn note_waiting(&mut self, checker: &Checker, call: &Call, turn: Turn) {
        match turn {
            Turn::Person => self.identity_rows.push(call.at.row),
            Turn::Number | Turn::Proposal => self.renumber_rows.push(call.at.row),
        }
        let others = std::mem::replace(
            &mut self.examples,
            std::mem::take(&mut self.identity_examples),
        );
        self.show(checker, call);
        self.identity_examples = std::mem::replace(&mut self.examples, others);
    }

    /// Counts conflicts, and shows the first of them.
    pub(super) fn note_conflicts(&mut self, conflicts: &[(FoundConflict, ConflictPolicy)]) {
        for (found, policy) in conflicts {
            let counts = &mut self.conflicts;
            let count = match policy {
                ConflictPolicy::Roster => &mut counts.overwritten,
                ConflictPolicy::Theirs => &mut counts.kept,
                ConflictPolicy::Ask => &mut counts.asked,
            };
            *count += 1;
            if self.conflict_examples.len() < CONFLICTS {
                self.conflict_examples.push(found.clone());
            }
        }
    }

    /// Whether one more row can have a question. In further rows, fields in conflict keep their values.
    pub(super) fn can_ask(&self) -> bool {
        self.asked.len() < MOST_ASKED
    }

    /// Shows what a call changes, as long as few are shown. Returns whether more fit.
    pub fn show(&mut self, checker: &Checker, call: &Call) -> bool {
        let left = EXAMPLES - self.examples.len();
        if left == 0 {
            return false;
        }
        let spec = checker.spec();
        let changes = spec.changes_of(call);
        let shown = changes.iter().filter(|change| !change.is_idle());
        let examples = shown.take(left).map(|change| {
            let field = spec.field(&change.field);
            let words = |value| match field {
                Some(field) => checker.in_words(field, value),
                None => String::new(),
            };
            ExampleChange {
                line: call.at.sheet_row,
                column: field
                    .map_or(&*change.field, |field| checker.name_of(field))
                    .to_owned(),
                from: change.from.as_ref().map(words),
                to: words(&change.to),
            }
        });
        self.examples.extend(examples);
        self.examples.len() < EXAMPLES
    }

    /// Counts a call that is to change these fields.
    fn note_changed(&mut self, names: &str) {
        if self.last.0 != names {
            let (before, count) = std::mem::replace(&mut self.last, (names.to_owned(), 0));
            *self.changed.entry(before).or_default() += count;
        }
        self.last.1 += 1;
    }

    pub(super) fn note_problem(&mut self, at: RowAt, outcome: &Outcome) {
        if outcome.state == RowState::Invalid && self.problems.len() < EXAMPLES {
            self.problems.push(RowProblems {
                line: at.sheet_row,
                problems: outcome.problems.clone(),
            });
        }
    }
}

/// Rows whose persons a plan keeps.
const PERSONS: usize = 200;

/// Changes that are shown as examples.
const EXAMPLES: usize = 5;

/// Conflicts that are shown.
const CONFLICTS: usize = 20;

/// The headers of the fields that have a column.
pub fn columns_of(prepared: &Prepared) -> BTreeMap<String, String> {
    let checker = &prepared.checker;
    let fields = checker.spec().fields.iter().enumerate();
    let with_column = fields.filter(|(index, _)| checker.map().column(*index).is_some());
    with_column
        .map(|(index, field)| (field.name().to_owned(), checker.name_of(index).to_owned()))
        .collect()
}

/// Keeps the headers that map to their fields without a mapping by the user.
pub fn understood(
    spec: &TargetSpec,
    headers: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let is_known = |name: &String, header: &mut String| {
        let field = field_named(spec, header).ok();
        field.is_some_and(|field| spec.fields[field].name() == name)
    };
    let mut headers = headers;
    headers.retain(is_known);
    headers
}

/// The number of findings by code.
fn counts(groups: &BTreeMap<Cow<'static, str>, ProblemGroup>) -> Vec<(String, u64)> {
    let counts = groups.iter();
    counts
        .map(|(code, group)| (code.to_string(), group.count))
        .collect()
}

fn sorted(rows: &[u64]) -> Vec<u64> {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows
}

/// Builds the plan from the totals.
pub fn plan_of(prepared: &Prepared, delivery: &Delivery, planned: &PlanTotals) -> Plan {
    let survey = &prepared.survey;
    let left_out = planned.states.not_sent - planned.to_send;
    let spec = prepared.checker.spec();
    Plan {
        target: spec.title.clone(),
        base_url: delivery.client.base_url.clone(),
        token_url: None,
        rows: survey.rows,
        empty_rows: survey.empty_rows,
        hidden_rows: prepared.input.hidden_rows(),
        skips_hidden: prepared.input.skips_hidden(),
        invalid: planned.states.invalid,
        unchanged: planned.states.unchanged,
        left_out,
        to_send: planned.to_send,
        resent: planned.resent,
        are_last_delivered: planned.are_last_delivered,
        reads_before: u64::from(spec.update.if_match.is_some()),
        settled: StateCounts {
            not_sent: left_out,
            ..planned.states
        },
        how: planned.how.clone(),
        known: planned.known,
        relisted: planned.relisted.clone(),
        columns: columns_of(prepared),
        fields: planned.fields().into_iter().collect(),
        // Rows that a search found late come after the others.
        identity_rows: sorted(&planned.identity_rows),
        renumber_rows: sorted(&planned.renumber_rows),
        renumbered: planned.renumbered,
        persons: {
            let mut persons = planned.persons.clone();
            persons.sort_unstable_by_key(|person| person.row);
            persons
        },
        more_persons: planned.more_persons,
        examples: {
            let first = &planned.identity_examples;
            let is_first = |it: &&ExampleChange| first.iter().any(|one| one.line == it.line);
            let others = planned.examples.iter().filter(|it| !is_first(it));
            first.iter().chain(others).cloned().collect()
        },
        conflicts: planned.conflicts,
        conflict_examples: planned.conflict_examples.clone(),
        problems: planned.problems.clone(),
        repairs: counts(&survey.restored),
        doubts: counts(&survey.doubts),
        noticed: [&survey.restored, &survey.doubts]
            .into_iter()
            .flatten()
            .filter_map(|(code, group)| {
                let first = group.first.first()?;
                Some(ExampleFinding {
                    code: code.to_string(),
                    count: group.count,
                    line: first.at.sheet_row,
                    column: first.problem.column.clone(),
                    message: first.problem.message.clone(),
                })
            })
            .collect(),
        ..Plan::default()
    }
}

#[cfg(test)]
mod tests;
