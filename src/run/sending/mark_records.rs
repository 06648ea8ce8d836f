//! Records that a run changes are marked in the snapshots of other runs.

use crate::journal::{forget_snapshots, has_snapshots, mark_records as mark};
use crate::log;
use crate::model::{Code, Fact};
use crate::run::active_run::Run;
use crate::run::error::RunError;

/// Marks the records that a run is about to change, before its first request. Snapshots are not trusted about marked
/// records until they are read again.
pub(super) fn mark_records(run: &Run<'_>) -> Result<(), RunError> {
    /// If a run changes more, all records are listed again.
    const MOST: usize = 50_000;
    let setup = run.setup;
    let spec = setup.prepared.checker.spec();
    let state = &setup.context.state;
    let has_changes = spec
        .lookup
        .as_ref()
        .is_some_and(|how| how.changes.is_some());
    if setup.settings.sandbox || !(has_changes || has_snapshots(state)) {
        return Ok(());
    }
    let address = setup.connection.address();
    let whose = (address.as_str(), run.name());
    let paths = match run.planned_to {
        None => run.journal.paths(run.id, MOST + 1)?,
        Some(_) => Vec::new(),
    };
    let ids: Option<Vec<String>> = paths.iter().map(|path| spec.id_in(path)).collect();
    let removed = match ids.filter(|ids| run.planned_to.is_none() && ids.len() <= MOST) {
        Some(ids) => mark(state, whose, &ids)?,
        None => forget_snapshots(state, whose)?,
    };
    if let Some(error) = removed {
        log::warn(&Fact::new(Code::RunNoSnapshot).because_of(error.fact()));
    }
    Ok(())
}
