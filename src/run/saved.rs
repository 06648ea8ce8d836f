//! Saved plans bind an import to what was reviewed.

use super::error::RunError;
use super::prepare::Prepared;
use super::settings::Settings;
use crate::journal::Journal;
use crate::plan::{SAVED_PLAN, SavedPlan};

/// What a run that was planned is to send, so that another can be held to it.
pub fn saved_plan(
    journal: &Journal,
    run: i64,
    prepared: &Prepared,
    settings: &Settings,
) -> Result<SavedPlan, RunError> {
    let mut plan = SavedPlan {
        version: SAVED_PLAN,
        target: prepared.checker.spec().name.clone(),
        address: match settings.sandbox {
            true => "sandbox".to_owned(),
            false => settings.delivery.client.base_url.clone(),
        },
        sha256: prepared.input.sha256()?.to_owned(),
        rows: Default::default(),
    };
    journal.each_call::<RunError>(run, |call, _| {
        plan.add(&call);
        Ok(true)
    })?;
    Ok(plan)
}
