//! An approval, a decision about conflicts or a refusal is applied to a planned run.

use std::collections::BTreeSet;

use super::estimate::add_estimate;
use super::totals::AskedRow;
use crate::events::Plan;
use crate::journal::{RunState, Stage, Writer};
use crate::run::active_run::Run;
use crate::run::error::RunError;
use crate::run::settings::{Settings, to_json};

/// Applies a decision about conflicts to the plan: in the `kept` rows the fields in conflict keep their values.
pub fn apply_decisions<'a>(
    mut run: Run<'a>,
    plan: &mut Plan,
    asked: Vec<AskedRow>,
    kept: &BTreeSet<u64>,
) -> Result<Run<'a>, RunError> {
    if asked.is_empty() {
        return Ok(run);
    }
    let mut rows = Vec::new();
    for row in asked {
        let (number, fields) = (row.kept.mark.at.row, row.conflicts.len() as u64);
        plan.conflicts.asked -= fields;
        // A row with an outcome for another reason is not sent, regardless of the decision.
        if run.journal.recorded(run.id, number, number)? > 0 {
            continue;
        }
        if !kept.contains(&number) {
            plan.conflicts.overwritten += fields;
            continue;
        }
        plan.conflicts.kept += fields;
        row.count_kept(plan);
        rows.push(row.kept);
    }
    let writer = Writer::start(run.journal, run.id, Stage::Planning)?;
    writer.plan_blocking(rows)?;
    writer.room_blocking()?;
    run.journal = writer.close()?;
    add_estimate(&run.setup, plan);
    run.journal.set_plan(run.id, &to_json(plan)?, 0)?;
    Ok(run)
}

/// Stores the note of the person who approves the plan, with the command that showed it.
pub fn store_note(run: &mut Run<'_>, note: String) -> Result<(), RunError> {
    let mut settings = Settings::of(&run.journal.run(Some(run.name()))?)?;
    if let Some(entry) = settings.audit_log.last_mut() {
        entry.note = Some(note);
    }
    Ok(run.journal.set_settings(run.id, &to_json(&settings)?)?)
}

/// Removes a new run that was declined. A run that an earlier process began stays and can be resumed.
pub fn decline(mut run: Run<'_>) -> Result<(), RunError> {
    if run.is_new {
        run.journal.forget(run.id)?;
    }
    Ok(())
}

/// Marks a run as running and the run that it replaces as replaced. The run that it undoes is closed first, so that
/// no process continues it.
pub fn agree(mut run: Run<'_>) -> Result<Run<'_>, RunError> {
    if let Some(name) = &run.setup.settings.delivery.undoes {
        let undone = run.journal.run(Some(name))?;
        run.journal.take_over(undone.id)?;
        run.journal.set_state(undone.id, RunState::Undone)?;
    }
    run.journal.set_state(run.id, RunState::Running)?;
    if let Some(name) = &run.setup.settings.replaces {
        let old = run.journal.run(Some(name))?;
        if !matches!(old.state, RunState::Undone | RunState::Declined) {
            run.journal.set_state(old.id, RunState::Replaced)?;
        }
    }
    Ok(run)
}
