//! The summary of a run is computed from the journal and the statistics of this process.

use crate::journal::FailureKind;
use crate::log;
use crate::model::{Code, Exit, Held, RowState, StateCounts, Summary};
use crate::run::active_run::{Run, stored_plan};
use crate::send::Stop;

/// Returns the summary of a run as of now, with its rows in these states.
pub fn summary(run: &Run<'_>, states: StateCounts, stop: Option<&Stop>) -> Summary {
    let finished_at = run.setup.context.clock.timestamp();
    let record = &run.record;
    let prepared = run.setup.prepared;
    let held = match stop {
        Some(Stop::Held { why }) => Some(why.clone()),
        _ => None,
    };
    let (not_applied, field_refused) = remarkable(run);
    let plan = stored_plan(&run.journal, run.id).unwrap_or_else(|error| {
        log::warn(&error.fact());
        None
    });
    let plan = plan.unwrap_or_default();
    let conflicts = &plan.conflicts;
    let mut summary = Summary {
        run: record.name.clone(),
        target: record.target.clone(),
        base_url: record.base_url.clone(),
        file: match &run.setup.settings.queued {
            Some(queued) => queued.file.clone(),
            None => prepared.input.path().display().to_string(),
        },
        sha256: record.sha256.clone(),
        dialect: prepared.input.format().to_string(),
        sheet: prepared.input.sheet_name().map(str::to_owned),
        columns: prepared.checker.map().width(),
        rows: prepared.survey.rows,
        states,
        requests: run.before + run.setup.stats.requests(),
        lookups: run.lookups_before + run.setup.stats.lookups(),
        retries: run.setup.stats.retries(),
        throttled: run.setup.stats.throttled(),
        started_at: record.started_at,
        finished_at,
        duration_s: 0.0,
        held_s: 0.0,
        idle_s: 0.0,
        results: None,
        failed_rows: None,
        report: None,
        before: None,
        new_rows: None,
        warnings: prepared.survey.warnings + not_applied,
        field_refused,
        conflicts: conflicts.total(),
        conflicts_kept: conflicts.kept,
        held: held.as_ref().map(Held::to_string),
        identity_changes: match &held {
            Some(Held::IdentityChanges { count, .. }) => *count,
            Some(Held::Renumbering { changed, .. }) => *changed,
            _ => 0,
        },
        renumbered: plan.renumbered,
        held_by: held,
        stop: stop.and_then(Stop::kept),
        fields: None,
        to_send: None,
        estimated_s: None,
        estimated_finish: None,
        snapshot: None,
        problems: None,
        exit_code: exit_of(stop, &states),
    };
    run.setup.settings.pauses.divide(&mut summary);
    summary
}

/// Rows that succeeded although the API's answer does not show all that was sent, and rows that the API
/// rejected for a field that only some accounts may change.
fn remarkable(run: &Run<'_>) -> (u64, u64) {
    let kinds = run.journal.kinds(run.id).unwrap_or_else(|error| {
        log::warn(&error.fact());
        Vec::new()
    });
    let count = |is_counted: &dyn Fn(&FailureKind) -> bool| -> u64 {
        let counted = kinds.iter().filter(|kind| is_counted(kind));
        counted.map(|kind| kind.rows).sum()
    };
    let refused = Code::AnswerFieldRefused.as_str();
    (
        count(&|kind| kind.state == RowState::Updated),
        count(&|kind| kind.code == refused),
    )
}

fn exit_of(stop: Option<&Stop>, states: &StateCounts) -> Exit {
    match stop {
        Some(
            Stop::Refused { .. }
            | Stop::Foreign { .. }
            | Stop::Unreachable { .. }
            | Stop::LookUp { .. },
        ) => Exit::Refused,
        Some(Stop::Asked | Stop::Due { .. } | Stop::Failing { .. } | Stop::Canary { .. }) => {
            Exit::Interrupted
        }
        Some(Stop::Held { .. }) => Exit::Held,
        None => states.exit(),
    }
}
