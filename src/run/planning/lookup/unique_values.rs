//! Conflicts over unique values are found in listed records before sending.

use serde_json::Value as Json;

use super::register::Register;
use crate::journal::RowMark;
use crate::l10n::message;
use crate::model::{Call, Problem};
use crate::plan::LookUp;
use crate::run::planning::row_planner::{Conflict, Halt, RowPlanner};
use crate::run::planning::row_tasks::problem_in;
use crate::targets::Place;

/// The maximum number of deferred calls. Further calls are sent, and the API decides.
const KEPT: usize = 10_000;

/// Finds conflicts before sending, if all records were listed.
impl RowPlanner<'_> {
    /// Adds the unique values of a listed record to the register.
    pub(super) fn note_unique(
        &self,
        register: &Register,
        look_up: &LookUp,
        record: &Json,
    ) -> Result<(), Halt> {
        let Some(id) = look_up.id_of(record) else {
            return Ok(());
        };
        let spec = self.context.prepared.checker.spec();
        for (field, own) in spec.fields.iter().enumerate() {
            if own.unique
                && own.place == Place::Body
                // A row that would change one of several elements is refused when it is planned.
                && let Ok(Some(held)) = own.pointer.get(record)
                && let Some(value) = self.comparable(field, &held)
            {
                register.add_holder(field, &value, &id)?;
            }
        }
        Ok(())
    }

    /// Plans a call, or withholds it if another record has the value.
    pub async fn call_unless_taken(&mut self, mark: RowMark, call: Call) -> Result<(), Halt> {
        match self.conflict(&call)? {
            Some((field, other)) if self.conflicts.len() < KEPT => {
                self.conflicts.push(Conflict {
                    mark,
                    call,
                    field,
                    other,
                });
                Ok(())
            }
            _ => self.call(mark, call).await,
        }
    }

    fn conflict(&self, call: &Call) -> Result<Option<(usize, String)>, Halt> {
        let spec = self.context.prepared.checker.spec();
        let (Some(register), Some(id)) = (&self.register, spec.id_in(&call.path)) else {
            return Ok(None);
        };
        let mut found = None;
        for change in &call.changes {
            let Some(field) = spec.field(&change.field) else {
                continue;
            };
            if !spec.fields[field].unique || change.is_idle() {
                continue;
            }
            register.add_changed(field, &id)?;
            let Some(value) = self.comparable(field, &change.to) else {
                continue;
            };
            let other = match self.other_known_holder(field, &value, &id)? {
                Some(other) => other,
                None => register.other_holder(field, &value, &id)?,
            };
            if let Some(other) = other {
                found.get_or_insert((field, other));
            }
        }
        Ok(found)
    }

    /// Plans the deferred calls whose value the other record gives up in the same file. The others are invalid.
    pub async fn settle_conflicts(&mut self) -> Result<(), Halt> {
        for conflict in std::mem::take(&mut self.conflicts) {
            let Conflict {
                mark,
                call,
                field,
                other,
            } = conflict;
            let given_up = match &self.register {
                Some(register) => register.is_changed(field, &other)?,
                None => true,
            };
            if given_up {
                self.call(mark, call).await?;
            } else {
                let problem = self.taken(&call, field, &other);
                self.invalid(mark, problem).await?;
            }
        }
        Ok(())
    }

    fn taken(&self, call: &Call, field: usize, other: &str) -> Problem {
        let checker = &self.context.prepared.checker;
        let spec = checker.spec();
        let name = spec.fields[field].name();
        let change = call.changes.iter().find(|change| change.field == name);
        let value = change.map_or(String::new(), |change| match &change.to {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        });
        let text = message::row_taken(spec.record_name(), other, value);
        problem_in(checker, Some(field), "lookup.taken", text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::journal::{Journal, Stage, Writer};
    use crate::model::{Change, RowAt};
    use crate::run::active_run::Run;
    use crate::run::import::with_setup;
    use crate::run::planning::earlier_runs::EarlierRuns;
    use crate::run::planning::edit_rules::Ruling;
    use crate::run::planning::read_policy::ReadPolicy;
    use crate::run::planning::row_planner::PlanContext;
    use crate::run::planning::row_planner::Renumberings;
    use crate::run::planning::snapshot::state::ResponseDates;
    use crate::run::planning::totals::PlanTotals;
    use crate::run::tests::{Api, Desk};

    /// A row, and the call by which it takes another record's address.
    fn taking() -> (RowMark, Call) {
        let mark = RowMark {
            at: RowAt::FIRST,
            key: 1,
            cells: Vec::new(),
            ..RowMark::default()
        };
        let call = Call {
            at: RowAt::FIRST,
            key: "p1".into(),
            path: "/pupil/p1".into(),
            changed: "email".into(),
            changes: vec![Change {
                field: "email".into(),
                from: None,
                to: "n@b.se".into(),
            }],
            ..Call::default()
        };
        (mark, call)
    }

    /// Calls that are kept, and those that are planned, after one more beside so many that are kept.
    fn kept_and_planned(kept: usize) -> (usize, usize) {
        let api = Api::answering(|_| panic!("nothing is asked"));
        let mut desk = Desk::new("id,name,email\np1,Åsa,n@b.se\n");
        let counts = desk.with(&api, |prepared, settings, context| {
            with_setup((prepared, settings, context), None, |setup| {
                let run = setup.begin_in(Journal::temporary()?)?;
                let Run { id, journal, .. } = run;
                let writer = Writer::start(journal, id, Stage::Planning)?;
                let policy = ReadPolicy::of(prepared, &settings.delivery);
                let planner = policy.planner();
                let context = PlanContext {
                    prepared,
                    delivery: &settings.delivery,
                    transport: setup.transport,
                    answers: None,
                    writer: &writer,
                    earlier: EarlierRuns {
                        journal: Journal::open(&context.state)?,
                        undone: None,
                        deliveries: None,
                        retried: None,
                        retries_beside: false,
                        has_delivered: false,
                    },
                    run: id,
                    place: "",
                    snapshot: None,
                    chooses: false,
                    digest_key: [0; 16],
                    clock: context.clock.as_ref(),
                    observer: context.observer,
                };
                let register = Register::new()?;
                let field = prepared.checker.spec().field("email").unwrap();
                register.add_holder(field, "n@b.se", "p9")?;
                let conflict = || {
                    let (mark, call) = taking();
                    let other = "p9".to_owned();
                    Conflict {
                        mark,
                        call,
                        field,
                        other,
                    }
                };
                let mut rows = RowPlanner {
                    context: &context,
                    planner: &planner,
                    look_up: policy.look_up(),
                    key: prepared.survey.key(),
                    ruling: Ruling::of(
                        context.delivery,
                        (&prepared.checker, &planner),
                        (&context.earlier.journal, id),
                        context.digest_key,
                    ),
                    known: crate::run::planning::lookup::known_keys::KnownKeys::default(),
                    register: Some(register),
                    has_chosen: true,
                    renumberings: Renumberings::default(),
                    matched: Default::default(),
                    reread: 0,
                    snapshot: None,
                    dates: ResponseDates::default(),
                    has_read: HashSet::new(),
                    conflicts: std::iter::repeat_with(conflict).take(kept).collect(),
                    totals: PlanTotals::default(),
                    unwritten: Vec::new(),
                    done: 0,
                    reported_at: 0,
                };
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                let (mark, call) = taking();
                let planned = runtime.block_on(rows.call_unless_taken(mark, call));
                assert!(planned.is_ok());
                Ok((rows.conflicts.len(), rows.unwritten.len()))
            })
        });
        counts.unwrap()
    }

    #[test]
    fn the_number_of_stored_calls_is_bounded() {
        assert_eq!(kept_and_planned(0), (1, 0));
        assert_eq!(kept_and_planned(KEPT - 1), (KEPT, 0));
        assert_eq!(kept_and_planned(KEPT), (KEPT, 1));
    }
}
