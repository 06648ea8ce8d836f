//! Rows are sent while later rows are planned, if no record is read.

use tokio::sync::watch;

use super::earlier_runs::EarlierRuns;
use super::estimate::add_estimate;
use super::guards::held;
use super::planned_run::{PlannedRun, plan_after};
use super::read_policy::ReadPolicy;
use super::row_tasks::NextStep;
use super::totals::{PlanTotals, plan_of};
use crate::clock::Clock;
use crate::journal::{PlannedRow, PlannedWhat, Writer};
use crate::model::StateCounts;
use crate::plan::Selection;
use crate::run::active_run::{Run, Setup};
use crate::run::error::RunError;
use crate::run::prepare::Prepared;
use crate::run::settings::{Delivery, to_json};
use crate::send::StopRequest;

/// Plans the remaining rows of a run while it sends earlier ones.
///
/// If no record is read, the file alone determines the plan: its totals are known after the check, and the first
/// request does not wait until all rows are in the journal. A crashed run has the rows up to one row, and resumes
/// with the next.
pub struct PipelinedPlanning<'a> {
    prepared: &'a Prepared,
    delivery: &'a Delivery,
    clock: &'a dyn Clock,
    asked: watch::Receiver<StopRequest>,
    /// The last planned row.
    after: u64,
    run: String,
}

impl<'a> PipelinedPlanning<'a> {
    /// Returns the planning of the remaining rows; `None` if all rows are planned.
    pub fn of(run: &Run<'a>) -> Option<PipelinedPlanning<'a>> {
        let after = run.planned_to?;
        let setup = run.setup;
        Some(PipelinedPlanning {
            prepared: setup.prepared,
            delivery: &setup.settings.delivery,
            clock: setup.context.clock.as_ref(),
            asked: setup.context.stop.clone(),
            after,
            run: run.name().to_owned(),
        })
    }

    /// Plans the rows, and returns once they are durable. Returns whether all rows are planned, or the run was
    /// stopped.
    pub fn plan(&self, writer: &Writer) -> Result<bool, RunError> {
        let policy = ReadPolicy::of(self.prepared, self.delivery);
        let planner = policy.planner();
        let builder = policy.builder(&planner, self.clock);
        let mut is_whole = true;
        self.prepared.input.scan(
            |table| builder.of_table(table),
            |tasks| {
                // A run that stops sending still records the problems of each row.
                if *self.asked.borrow() == StopRequest::Now {
                    is_whole = false;
                    return Ok(false);
                }
                let left = tasks.into_iter();
                let left = left.filter(|task| task.mark.at.row > self.after);
                let rows = left.map(|task| {
                    let what = match task.what {
                        NextStep::Settled(outcome) => PlannedWhat::Settled(outcome),
                        // The call has no earlier values, since no record is read.
                        NextStep::Call(call) => PlannedWhat::Call(call),
                        // Only another version of the program plans these rows without reading records.
                        NextStep::LookUp { .. } => {
                            return Err(RunError::Settings {
                                run: self.run.clone(),
                            });
                        }
                    };
                    Ok(PlannedRow {
                        mark: task.mark,
                        what,
                    })
                });
                let rows = rows.collect::<Result<Vec<_>, RunError>>()?;
                if !rows.is_empty() {
                    writer.plan_blocking(rows)?;
                }
                Ok::<bool, RunError>(true)
            },
        )?;
        writer.room_blocking()?;
        Ok(is_whole)
    }
}

/// Plans all rows into the journal. The rows are planned later, while earlier rows are sent, if the file alone
/// determines the plan's totals and no confirmation shows the calls.
pub fn plan_or_pipeline(mut run: Run<'_>) -> Result<PlannedRun<'_>, RunError> {
    let earlier = EarlierRuns::of(&run)?;
    if !can_pipeline(&run.setup, earlier.has_delivered) {
        return plan_after(run, earlier);
    }
    let setup = run.setup;
    let policy = ReadPolicy::of(setup.prepared, &setup.settings.delivery);
    let clock = setup.context.clock.as_ref();
    let mut planned = PlanTotals::predicted(setup.prepared, &policy, clock)?;
    // Without known deliveries, each row counts as resent.
    if !setup.settings.delivery.all {
        planned.resent = planned.to_send;
    }
    let mut plan = plan_of(setup.prepared, &setup.settings.delivery, &planned);
    plan.token_url = setup.context.credentials.token_url().map(str::to_owned);
    add_estimate(&setup, &mut plan);
    // A held run shows the problems of each row.
    if held(&setup, &plan)?.is_some() {
        return plan_after(run, earlier);
    }
    plan.is_ahead = true;
    run.journal.set_plan(run.id, &to_json(&plan)?, 0)?;
    run.planned_to = Some(0);
    Ok(PlannedRun {
        asked: Vec::new(),
        run,
        plan,
        stop: None,
    })
}

/// Counts the rows in a final state when sending starts. Invalid rows count even if they are not planned yet.
pub fn states_at_start(run: &Run<'_>, settled: StateCounts) -> Result<StateCounts, RunError> {
    let states = run.journal.states(run.id)?;
    Ok(match run.planned_to {
        None => states,
        Some(_) => StateCounts {
            invalid: settled.invalid,
            ..states
        },
    })
}

/// Whether the file alone determines what a run sends, and no confirmation or batch needs the plan first.
fn can_pipeline(setup: &Setup<'_>, has_delivered: bool) -> bool {
    let is_looked_at = setup.batch.is_some() || setup.context.agree.is_some();
    !is_looked_at && is_known_from_file(setup.prepared, &setup.settings.delivery, has_delivered)
}

/// Whether the file alone determines what a run sends. `has_delivered` states whether earlier deliveries exist.
fn is_known_from_file(prepared: &Prepared, delivery: &Delivery, has_delivered: bool) -> bool {
    let is_new = delivery.retries.is_none() && delivery.undoes.is_none();
    let is_whole = delivery.selection == Selection::default();
    // Deliveries also show which rows revoke a permission.
    let fields = prepared.checker.spec().fields.iter();
    let is_believed = has_delivered
        && (!delivery.all || fields.into_iter().any(|field| !field.guarded.is_empty()));
    delivery.canary.is_none()
        // Only earlier deliveries show which rows are changes.
        && delivery.guards.max_changes.is_none()
        && delivery.expected.is_none()
        && is_new
        && is_whole
        && !is_believed
        && !prepared.survey.has_repetitions()
        && ReadPolicy::of(prepared, delivery).is_of_none()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::SavedPlan;
    use crate::run::settings::Retries;
    use crate::run::tests::{Desk, unreadable};

    #[test]
    fn a_new_run_without_look_ups_is_planned_from_the_file_alone() {
        type Change<'a> = &'a dyn Fn(&mut Delivery);
        let cases: [(&str, Change<'_>, bool); 7] = [
            ("nothing", &|_| (), true),
            ("a canary", &|delivery| delivery.canary = Some(1), false),
            (
                "a retry",
                &|delivery| {
                    delivery.retries = Some(Retries {
                        run: None,
                        only: Vec::new(),
                    });
                },
                false,
            ),
            (
                "an undo",
                &|delivery| delivery.undoes = Some("r".into()),
                false,
            ),
            (
                "some rows",
                &|delivery| delivery.selection.limit = Some(1),
                false,
            ),
            (
                "a saved plan",
                &|delivery| {
                    let plan = SavedPlan {
                        version: 1,
                        target: String::new(),
                        address: String::new(),
                        sha256: String::new(),
                        rows: Default::default(),
                    };
                    delivery.expected = Some(Arc::new(plan));
                },
                false,
            ),
            ("all of them", &|delivery| delivery.all = true, true),
        ];
        for (what, change, tells) in cases {
            let mut desk = Desk::at(&unreadable(), "id,name\np1,Åsa\n");
            change(desk.delivery());
            let prepared = desk.prepared();
            assert_eq!(
                is_known_from_file(&prepared, &desk.settings.delivery, false),
                tells,
                "{what}"
            );
        }
    }

    #[test]
    fn earlier_deliveries_count_unless_all_rows_are_sent() {
        let mut desk = Desk::at(&unreadable(), "id,name\np1,Åsa\n");
        let prepared = desk.prepared();
        assert!(!is_known_from_file(&prepared, desk.delivery(), true));
        desk.delivery().all = true;
        assert!(is_known_from_file(&prepared, desk.delivery(), true));
    }

    #[test]
    fn duplicates_and_look_ups_need_more_than_the_file() {
        let tells =
            |desk: &Desk| is_known_from_file(&desk.prepared(), &desk.settings.delivery, false);
        assert!(!tells(&Desk::at(&unreadable(), "id,name\np1,Åsa\np1,Bo\n")));
        assert!(!tells(&Desk::new("id,name\np1,Åsa\n")));
    }
}
