//! Guards hold a plan until an approval.

use super::previous_runs::rows_last_time;
use crate::events::Plan;
use crate::journal::Journal;
use crate::model::Held;
use crate::run::active_run::Setup;
use crate::run::context::Context;
use crate::run::error::RunError;

/// Returns why a guard holds a plan, if one does. The journal in the state folder has the previous edition.
pub fn held(setup: &Setup<'_>, plan: &Plan) -> Result<Option<Held>, RunError> {
    let journal = Journal::open(&setup.context.state)?;
    let last = rows_last_time(
        &journal,
        &setup.prepared.checker.spec().name,
        setup.settings,
    )?;
    let guards = &setup.settings.delivery.guards;
    let held = guards.reason(plan.rows, plan.invalid, plan.to_send - plan.resent, last);
    Ok(held.or_else(|| held_by_row(setup, plan)))
}

/// Returns why rows that require individual approval hold a run. Approving the run as a whole does not cover them.
pub fn held_by_row(setup: &Setup<'_>, plan: &Plan) -> Option<Held> {
    let guards = &setup.settings.delivery.guards;
    let lines = setup.prepared.survey.lines();
    guards.by_row(&plan.identity_rows, &plan.renumber_rows, lines)
}

/// Returns why undecided conflicts hold a run. Approving the run as a whole does not decide them.
pub fn held_for_conflicts(context: &Context<'_>, plan: &Plan) -> Option<Held> {
    let is_asked = context.chooses && context.agree.is_some();
    let count = plan.conflicts.asked;
    (count > 0 && !is_asked).then_some(Held::Conflicts { count })
}
