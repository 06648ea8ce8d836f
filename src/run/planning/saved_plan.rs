//! A saved plan binds an import to the reviewed calls.

use crate::journal::Journal;
use crate::plan::{SAVED_PLAN, SavedPlan};
use crate::run::active_run::Run;
use crate::run::error::RunError;
use crate::run::prepare::Prepared;
use crate::run::settings::Settings;

/// Returns the calls of a planned run, for comparison with another run.
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

/// Returns how a planned run differs from the saved plan that it must match, if it must match one.
pub fn difference(run: &Run<'_>) -> Result<Option<String>, RunError> {
    let setup = run.setup;
    let Some(expected) = &setup.settings.delivery.expected else {
        return Ok(None);
    };
    let now = saved_plan(&run.journal, run.id, setup.prepared, setup.settings)?;
    Ok(expected.difference(&now, setup.prepared.survey.lines()))
}
